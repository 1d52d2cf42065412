"""Plots as lines, at the widths of usual terminals."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.batch.formatter import BatchFormatter
from qmpsh.language.reply_paths import Number
from qmpsh.render.environment import Environment
from qmpsh.render.plots import PlotDrawing, plot_body, rows_taken, spark_marks, sparkline
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import ASCII, UNICODE, Glyphs, plain
from qmpsh.shell.plots.series import PlottedSeries
from qmpsh.shell.steps import Answer
from tests.evil import EVIL, obeyed


def series(
    *values: Number | None, path: str = "a.count", name: str = "count", is_rate: bool = False
) -> PlottedSeries:
    known = [value for value in values if value is not None]
    least, most = min(known, default=None), max(known, default=None)
    return PlottedSeries(path, name, is_rate, values, least, most)


def drawn(
    *plot: PlottedSeries, width: int = 40, height: int | None = None, glyphs: Glyphs = UNICODE
) -> list[str]:
    return [plain(line).rstrip() for line in PlotDrawing(plot, glyphs).lines(width, height)]


WAVE = series(0, 5, 10, 60, 100, 180, 200, None, 1, -0)


def test_a_plot() -> None:
    assert drawn(WAVE, width=24) == [
        "   200 ┤     ▃█",
        "       ┤     ██",
        "       ┤     ██",
        "   100 ┤    ███",
        "       ┤   ▆███",
        "       ┤ ▁▂████ ▁",
        "     0 └────────────────",
        "a.count  0  max 200",
    ]


def test_without_unicode() -> None:
    lines = drawn(WAVE, width=24, glyphs=ASCII)
    assert lines[0] == "   200 |     -@"
    assert lines[-2] == "     0 +----------------"
    assert "".join(lines).isascii()


def test_the_newest_stay_when_there_is_no_more_room() -> None:
    assert drawn(series(*range(100)), width=12)[0] == "   100 ┤▆▇▇█"


@pytest.mark.parametrize("height, rows", [(None, 6), (20, 6), (8, 6), (6, 4), (3, 2), (1, 2)])
def test_rows_for_a_height(height: int | None, rows: int) -> None:
    assert len(drawn(WAVE, height=height)) == rows + 2


def test_below_zero() -> None:
    lines = drawn(series(-50, 50), width=20)
    assert [line.split("┤")[0].strip() for line in lines[:4]] == ["50", "", "", "0"]
    assert lines[6].startswith("   -50 └")


@pytest.mark.parametrize(
    "one, summary",
    [
        (series(0, 1_500_000, name="rd_bytes", is_rate=True), "1.5 MB/s  min 0 B/s  max 1.5 MB/s"),
        (series(2_000_000, name="rd_total_time_ns"), "2.0 ms  min 2.0 ms  max 2.0 ms"),
        (series(12_345), "12,345  min 12,345  max 12,345"),
        (series(0.123, 45.67), "45.7  min 0.12  max 45.7"),
        (series(None), "-  min -  max -"),
    ],
)
def test_units(one: PlottedSeries, summary: str) -> None:
    assert drawn(one, width=80)[-1] == f"a.count  {summary}"


def test_several_paths_are_a_line_each() -> None:
    two = series(5, 10, 0, path="[device=vda].stats.rd_bytes/s", name="rd_bytes", is_rate=True)
    assert drawn(WAVE, two, width=70) == [
        "a.count                         ▁▁▃▄██ ▁                 0  max 200",
        "[device=vda].stats.rd_bytes/s  ▄█                    0 B/s  max 10 B/s",
    ]
    assert drawn(WAVE, two, width=40) == [
        "a.count                ▁▁▃▄██ ▁        0",
        "[devic…ts.rd_bytes/s  ▄█           0 B/s",
    ]


def test_a_sparkline() -> None:
    assert sparkline([0, 1, None, 50, 100, 500, -5], spark_marks(UNICODE), 100) == " ▁ ▄██ "
    assert sparkline([0, 100], spark_marks(ASCII), 100) == " @"


def test_a_drawing_on_a_terminal_that_was_narrowed() -> None:
    lines = PlotDrawing((WAVE,), UNICODE).lines(24)
    assert (rows_taken(lines, 24), rows_taken(lines, 12), rows_taken([], 5)) == (8, 16, 0)


def test_a_hostile_path_is_not_obeyed() -> None:
    body = plot_body((series(1, path=EVIL, name=EVIL), series(2, path=EVIL)), UNICODE)
    assert not obeyed(body.text())
    assert not obeyed(plot_body((series(1, path=EVIL, name=EVIL),), UNICODE).text())


VALUES = st.none() | st.integers(-(2**70), 2**70) | st.floats(-1e299, 1e299)


@given(
    st.lists(st.lists(VALUES, max_size=30), min_size=1, max_size=3),
    st.integers(20, 120),
    st.integers(0, 12) | st.none(),
    st.sampled_from([UNICODE, ASCII]),
    st.sampled_from(["count", "rd_bytes", "time_ns"]),
)
@example([[-2.2250738585e-313]], 20, None, UNICODE, "count")
def test_any_numbers_fit(
    all_values: list[list[Number | None]], width: int, height: int | None, glyphs: Glyphs, name: str
) -> None:
    plot = tuple(series(*values, name=name) for values in all_values)
    lines = PlotDrawing(plot, glyphs).lines(width, height)
    assert len(lines) in (len(plot), *range(4, 9))
    rows = lines[:-1] if len(plot) == 1 else []
    assert all(text_columns(plain(line)) <= width for line in rows)


class EightyColumns(Environment):
    """A terminal of 80 columns without colours."""

    columns = 80
    glyphs = UNICODE
    has_colours = False


def test_a_one_shot_draws_over_its_last_plot() -> None:
    formatter = BatchFormatter(EightyColumns())
    answer = Answer("", plot=(WAVE,))
    first, lines = formatter.drawn(answer, [])
    second, _ = formatter.drawn(answer, lines)
    assert first.startswith("   200 ┤")
    assert second == f"\r\x1b[8A\x1b[J{first}"
