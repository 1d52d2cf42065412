"""Numbers as marks: the sparkline of a table's cell, and the plots of `.plot`.

Pure. One path is a plot of some rows, with a line below it that says its value, least and most;
several paths are a line each. Paths come from the user, their members from the VM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.answers import AnswerBody, Drawing, drawn_body
from qmpsh.render.lists import is_size_name
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns, without_middle
from qmpsh.render.theme import UNICODE, Glyphs, Line, plain
from qmpsh.render.units import brief, duration, number, size

if TYPE_CHECKING:
    from qmpsh.shell.plots.series import Plot, PlottedSeries

ROWS: Final = 6
"""rows of a plot, without its axis"""
_LEAST_ROWS: Final = 2
_BELOW_ROWS: Final = 2
"""lines below the rows: the axis, and what it shows"""
_NATURAL_COLUMNS: Final = 78
"""of a drawing whose width is not known"""
_MARGIN: Final = 6
"""columns of the numbers at the axis, which does not move with them"""
_LEAST_SPARKS: Final = 8
_MOST_SPARKS: Final = 60
_MAX_PATH_SHARE: Final = 2
"""what part of a line a path may take: a half"""

_SPARKS: Final = " ▁▂▃▄▅▆▇█"
_ASCII_SPARKS: Final = " .:-=+*#@"
_BYTES: Final = frozenset({"transferred", "remaining", "total", "actual", "bytes"})
"""members that are bytes, besides those of tables: of query-migrate and query-balloon"""

_LONGEST_NS: Final = 1e15
"""nanoseconds that are shown as a time: eleven days"""

MARKS, DIM, NAME = "event.state", "dim", "json.key"

Numbers = Sequence[int | float | None]


# ---------------------------------------------------------------------------- a sparkline


def spark_marks(glyphs: Glyphs) -> str:
    """Return the marks of a sparkline, the lowest first."""
    return _SPARKS if glyphs.full == UNICODE.full else _ASCII_SPARKS


def sparkline(values: Numbers, marks: str, most: float) -> str:
    """Return a mark for each value, the highest for `most`; more than nothing shows."""
    top = len(marks) - 1
    return "".join(
        " " if value is None else marks[int(max(0, min(-(-value * top // most), top)))]
        for value in values
    )


# ---------------------------------------------------------------------------- a drawing


class PlotDrawing(Drawing):
    """The drawing of a plot."""

    def __init__(self, plot: Plot, glyphs: Glyphs) -> None:
        super().__init__()
        self._plot = plot
        self._glyphs = glyphs

    def _lay_out(self, columns: int | None, height: int | None) -> list[Line]:
        width = _NATURAL_COLUMNS if columns is None else columns
        if len(self._plot) > 1:
            return _series_lines(self._plot, width, self._glyphs)
        rows = ROWS if height is None else max(_LEAST_ROWS, min(ROWS, height - _BELOW_ROWS))
        return _plot_lines(self._plot[0], width, rows, self._glyphs)


def plot_body(plot: Plot, glyphs: Glyphs) -> AnswerBody:
    """Return what is shown of a plot."""
    return drawn_body(PlotDrawing(plot, glyphs))


def rows_taken(lines: Sequence[Line], columns: int) -> int:
    """Return the rows that lines take on a terminal, which may be narrower by now."""
    return sum(max(1, -(-text_columns(plain(line)) // max(1, columns))) for line in lines)


def _series_lines(plot: Plot, width: int, glyphs: Glyphs) -> list[Line]:
    """Return a line for each path: name, sparkline, value, most."""
    values = [_amount(one, one.values[-1] if one.values else None) for one in plot]
    mosts = [f"max {_amount(one, one.most)}" for one in plot]
    paths = [visible_word(one.path) for one in plot]
    value_columns, most_columns = max(map(text_columns, values)), max(map(text_columns, mosts))
    named = min(max(map(text_columns, paths)), width // _MAX_PATH_SHARE)
    room = width - named - value_columns - 2 * len("  ")
    has_most = room - most_columns - len("  ") >= _LEAST_SPARKS
    room = min(_MOST_SPARKS, room - (most_columns + len("  ") if has_most else 0))
    lines: list[Line] = []
    for one, path, value, most in zip(plot, paths, values, mosts, strict=True):
        line: Line = [(NAME, _fitted(path, named, glyphs)), ("", "  ")]
        if room > 0:
            spark = sparkline(one.values[-room:], spark_marks(glyphs), _top(one.values[-room:]))
            line += [(MARKS, spark.ljust(room)), ("", "  ")]
        line.append(("", value.rjust(value_columns)))
        lines.append([*line, (DIM, f"  {most}")] if has_most else line)
    return lines


def _plot_lines(one: PlottedSeries, width: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """Return the rows of a plot from the top, its axis, and a line on its values."""
    is_unicode = glyphs.full == UNICODE.full
    tick, corner, flat = ("┤", "└", "─") if is_unicode else ("|", "+", "-")
    field = max(1, width - _MARGIN - len(f" {tick}"))
    values = one.values[-field:]
    low, high = _scale(values)
    labels = {0: high, rows: low} | ({rows // 2: (low + high) / 2} if rows % 2 == 0 else {})
    names = {row: _label(one, value).rjust(_MARGIN) for row, value in labels.items()}
    marks = spark_marks(glyphs)
    top = len(marks) - 1
    levels = [_level(value, low, high, rows * top) for value in values]
    lines: list[Line] = []
    for row in range(rows):
        below = (rows - 1 - row) * top
        cells = "".join(marks[max(0, min(level - below, top))] for level in levels)
        axis = f"{names.get(row, ' ' * _MARGIN)} {tick}"
        lines.append([(DIM, axis), (MARKS, cells.rstrip())])
    lines.append([(DIM, f"{names[rows]} {corner}{flat * field}")])
    return [*lines, _summary(one, width, glyphs)]


def _summary(one: PlottedSeries, width: int, glyphs: Glyphs) -> Line:
    """Return path, value, least and most, as much of it as fits; the value always does."""
    value = _amount(one, one.values[-1] if one.values else None)
    least, most = _amount(one, one.least), _amount(one, one.most)
    path = visible_word(one.path)
    for ending in (f"  min {least}  max {most}", f"  max {most}", ""):
        room = width - text_columns(value) - len("  ") - text_columns(ending)
        if room >= min(text_columns(path), width // _MAX_PATH_SHARE):
            break
    shown = without_middle(path, max(1, room), glyphs.more)
    return [(NAME, shown), ("", f"  {value}"), (DIM, ending)]


def _fitted(text: str, columns: int, glyphs: Glyphs) -> str:
    shown = without_middle(text, columns, glyphs.more)
    return shown + " " * (columns - text_columns(shown))


def _level(value: int | float | None, low: float, high: float, top: int) -> int:
    """Return the height of a value in parts of a row; more than nothing shows."""
    if value is None or value <= low:
        return 0
    return max(1, min(top, round((value - low) / (high - low) * top)))


# ---------------------------------------------------------------------------- scale and units


def _scale(values: Numbers) -> tuple[float, float]:
    """Return the numbers at the bottom and at the top: zero, unless there are negative ones."""
    known = [value for value in values if value is not None]
    low, high = _round_up(-min(known, default=0)), _round_up(max(known, default=0))
    return 0.0 - low, high or (0.0 if low else 1.0)


def _top(values: Numbers) -> float:
    return max((value for value in values if value is not None), default=0) or 1


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 ... that is no smaller; 0 for what is not positive."""
    if value <= 0:
        return 0.0
    # By digits, not by logarithms, whose errors would choose the wrong one.
    power = float(f"1e{f'{float(value):e}'.partition('e')[2]}")
    return next((step * power for step in (1, 2, 5) if step * power >= value), 10 * power)


def _amount(one: PlottedSeries, value: int | float | None) -> str:
    """Return a value with its unit, `-` for none."""
    if value is None:
        return "-"
    return _in_unit(one.name, value) + ("/s" if one.is_rate else "")


def _in_unit(name: str, value: int | float) -> str:
    if value >= 0 and _is_bytes(name):
        return size(round(value))
    if _is_nanoseconds(name, value):
        return duration(value / 1e9)
    if isinstance(value, int):
        return number(value)
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"


def _label(one: PlottedSeries, value: float) -> str:
    """Return what stands at the axis."""
    if value and _is_nanoseconds(one.name, value):
        return duration(value / 1e9)
    sign = "-" if value < 0 else ""
    if abs(value) >= 10:
        return f"{sign}{brief(abs(value))}"
    texts = (format(value, spec) for spec in ("g", ".3g", ".0e"))
    return next((text for text in texts if len(text) <= _MARGIN), "0")


def _is_bytes(name: str) -> bool:
    return name in _BYTES or is_size_name(name) or name.endswith(("_bytes", "-bytes"))


def _is_nanoseconds(name: str, value: float) -> bool:
    return name.endswith(("_ns", "-ns")) and 0 <= value < _LONGEST_NS
