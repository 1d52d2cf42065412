"""`.plot` against a scripted server, and the history that it draws."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qmpsh.jsontypes import Json
from qmpsh.language.reply_paths import Number, read_path
from qmpsh.shell.plots.series import MAX_SAMPLES, Series, tab_separated
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note
from tests.shell.scripted import Messages, ScriptedShell


def disks(count: int) -> Messages:
    stats: Json = {"rd_bytes": count, "wr_bytes": 7}
    return [{"return": [{"device": "vda", "stats": stats}]}]


READS = [disks(count) for count in (100, 300, 600, 50)]
PATH = "[device=vda].stats.rd_bytes"


def texts(shell: ScriptedShell) -> list[list[str]]:
    """The values of each sample, without its time."""
    return [(answer.text or "").split("\t")[1:] for answer in shell.answers]


def test_a_sample_is_a_line_with_its_time() -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    line = f".plot 1ms query-blockstats {PATH} [0].stats.wr_bytes --count 3"
    assert shell.run(line).exit_code == 0
    assert texts(shell) == [["100", "7"], ["300", "7"], ["600", "7"]]
    times = [float((answer.text or "").split("\t")[0]) for answer in shell.answers]
    assert times == sorted(times)


def test_an_object_for_programs() -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    shell.run(f".plot 1ms query-blockstats {PATH} --count 1 --json")
    reply = shell.answers[0].reply
    assert reply is not None
    assert (list(reply), reply["values"]) == (["time", "values"], {PATH: 100})


def test_a_rate_has_as_many_samples_as_are_counted() -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    assert shell.run(f".plot 1ms query-blockstats {PATH}/s --count 2").exit_code == 0
    assert len(shell.names) == 3
    assert all(float(value) > 0 for (value,) in texts(shell))


def test_a_person_gets_what_can_be_drawn() -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    shell.run(f".plot 1ms query-blockstats {PATH} --count 3")
    (series,) = shell.answers[-1].plot or ()
    assert series == (PATH, "rd_bytes", False, (100, 300, 600), 100, 600)


@pytest.mark.parametrize(
    "line, says",
    [
        (".plot 1ms query-blockstats [0].device", "[0].device is a text, not a number"),
        (
            ".plot 1ms query-blockstats [0].stats",
            "[0].stats is an object, not a number; it has rd_bytes, wr_bytes",
        ),
        (
            ".plot 1ms query-blockstats a..b",
            "expected a path like ram.mbps, [0].stats.rd_bytes or"
            " [device=vda].stats.rd_bytes/s, not a..b",
        ),
        (
            ".plot stop",
            ".plot repeats only what changes nothing, and stop may change something; it takes"
            " query-NAME, qom-get and HMP info",
        ),
        (
            ".plot",
            "expected one query, as in .plot 1s query-blockstats [device=vda].stats.rd_bytes/s",
        ),
        (
            ".plot 1s .hmp info balloon",
            ".plot: the human monitor answers in text, which has no paths; write a QMP query",
        ),
        (
            ".plot human-monitor-command command-line='info balloon' actual",
            ".plot: the human monitor answers in text, which has no paths; write a QMP query",
        ),
        (
            f".plot query-x {'a ' * 65}",
            ".plot draws at most 64 paths at a time; this line has 65",
        ),
    ],
)
def test_what_it_does_not_draw(line: str, says: str) -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    outcome = shell.run(line)
    assert (outcome.exit_code, str(outcome.error)) == (2, says)
    assert shell.answers == []


def test_at_the_prompt_the_human_monitor_needs_no_dot_to_be_known() -> None:
    shell = ScriptedShell(settings=Settings(interactive=True))
    says = ".plot: the human monitor answers in text, which has no paths; write a QMP query"
    assert str(shell.run("plot hmp info balloon").error) == says


def test_a_number_that_is_not_there_may_come() -> None:
    idle: Messages = [{"return": {}}]
    active: Messages = [{"return": {"ram": {"transferred": 5}}}]
    shell = ScriptedShell({"query-migrate": [idle, active]})
    assert shell.run(".plot 1ms query-migrate ram.transferred --count 2").exit_code == 0
    assert shell.said[0] == Note(
        "nothing at ram.transferred in the reply; it is drawn once it is there"
    )
    assert texts(shell) == [[""], ["5"]]


def test_a_number_that_never_comes_is_a_mistake() -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    outcome = shell.run(".plot 1ms query-blockstats [0].stats.rd_byte --count 2")
    says = f"nothing at [0].stats.rd_byte in the reply; did you mean {PATH}?"
    assert (outcome.exit_code, str(outcome.error)) == (2, says)


def test_without_a_path_it_lists_what_moved() -> None:
    shell = ScriptedShell({"query-blockstats": READS})
    assert shell.run(".plot 1ms query-blockstats").exit_code == 0
    (answer,) = shell.answers
    assert isinstance(answer.value, list)
    (row,) = answer.value
    assert isinstance(row, dict)
    assert (list(row), row["path"], row["value"]) == (
        ["path", "value", "per-second"],
        f"{PATH}/s",
        300,
    )


@pytest.mark.parametrize(
    "reply, says",
    [
        (disks(5), "none of the 2 numbers in the reply moved within 0.001 s; a longer time may show"
         " more, as in .plot 10s query-blockstats"),
        ([{"return": {}}], "there is no number in the reply to query-blockstats"),
    ],
)  # fmt: skip
def test_nothing_moved(reply: Messages, says: str) -> None:
    shell = ScriptedShell({"query-blockstats": [reply]})
    assert shell.run(".plot 1ms query-blockstats").exit_code == 0
    assert shell.said == [Note(says)]


def test_a_property_is_its_own_number() -> None:
    shell = ScriptedShell({"qom-get": [[{"return": 5}]]})
    assert shell.run(".plot 1ms qom-get path=/machine property=x --count 1").exit_code == 0
    assert texts(shell) == [["5"]]


def test_it_ends_with_the_connection_and_with_a_refusal() -> None:
    lost = ScriptedShell({"query-migrate": [[{"return": {"a": 1}}, None]]})
    assert lost.run(".plot 1ms query-migrate a").exit_code == 4
    refused = ScriptedShell({"query-migrate": [[{"error": {"class": "X", "desc": "no"}}]]})
    assert refused.run(".plot 1ms query-migrate a").exit_code == 1


# ---------------------------------------------------------------------------- history


@pytest.mark.parametrize(
    "counts, rates",
    [
        ([10, 20, 50], [10.0, 30.0]),
        ([10, 20, 5, 6], [10.0, None, 1.0]),
        ([10, None, 20, 30], [None, None, 10.0]),
    ],
)
def test_rates(counts: Sequence[int | None], rates: list[Number | None]) -> None:
    series = Series(read_path("it/s"))
    series.begin(counts[0], 0)
    assert [series.add(count, at) for at, count in enumerate(counts[1:], 1)] == rates


def test_no_time_between_two_replies_has_no_rate() -> None:
    series = Series(read_path("it/s"))
    series.begin(1, 5.0)
    assert series.add(2, 5.0) is None


def test_the_history_is_bounded_and_its_extremes_are_not() -> None:
    series = Series(read_path("it"))
    for value in range(MAX_SAMPLES + 10):
        series.add(value, value)
    plotted = series.plotted()
    assert (len(plotted.values), plotted.least, plotted.most) == (MAX_SAMPLES, 0, MAX_SAMPLES + 9)


def test_numbers_for_programs() -> None:
    line = tab_separated(12.3456, (5, None, 0.5, 2.0, 1e16, 10**20))
    assert line == "12.346\t5\t\t0.5\t2\t10000000000000000\t100000000000000000000"
