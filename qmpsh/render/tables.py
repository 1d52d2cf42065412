"""Tables: a row per object, a column per member.

Pure text; every cell is safe to show. A table keeps its cells whole, and is laid out again whenever
the width it is shown at changes.

Without room for all columns, nested JSON is cut first, then long texts. Headers are never cut, nor
are numbers, which would then read as others. If there is still no room, columns are dropped from
the end, but never the column that must stay whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import Enum, NamedTuple
from qmpsh.render.formats import compact
from qmpsh.render.safe import visible_word

GAP_COLUMNS = 2
"""spaces between two columns of the table"""

MIN_TEXT_COLUMNS = 16
"""least width of a long text or nested JSON; with less room, columns are dropped from the end"""

_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Mc", "Cf"})
"""Unicode's categories of characters that combine with the one before, or are invisible"""


class CellKind(Enum):
    """The kind of a column's cells, which decides how they are shortened."""

    NAME = "name"
    """identifies the row's object: may keep half the terminal"""
    WHOLE = "whole"
    """the table's purpose, meant to be copied: neither cut nor dropped"""
    NUMBER = "number"
    TEXT = "text"
    NESTED = "nested"


class ColumnNeed(NamedTuple):
    """How much room a column needs.

    header: columns of its name
    wanted: columns of its widest cell, or of its name if wider
    """

    kind: CellKind
    header: int
    wanted: int

    def least(self, width: int) -> int:
        """Return the least width on a terminal of this width."""
        if self.kind in (CellKind.NUMBER, CellKind.WHOLE):
            return self.wanted
        keeps = width // 2 if self.kind is CellKind.NAME else MIN_TEXT_COLUMNS
        return max(self.header, min(self.wanted, keeps))


def fit(needs: Sequence[ColumnNeed], width: int) -> list[int]:
    """Return the widths of the columns that fit, leaving room for the count of those that do not.

    The first column is always kept, cut to the terminal if need be.
    """
    least = [need.least(width) for need in needs]
    whole = [place for place, need in enumerate(needs, 1) if need.kind is CellKind.WHOLE]
    count = _fitting(least, width, max(whole, default=1))
    room = width - _marker(len(needs) - count) - GAP_COLUMNS * (count - 1)
    if count == 1 and not whole:
        return [max(1, min(needs[0].wanted, room))]
    widths = least[:count]
    for nested in (False, True):
        asking = [
            place for place in range(count) if (needs[place].kind is CellKind.NESTED) is nested
        ]
        more = share([needs[place].wanted - widths[place] for place in asking], room - sum(widths))
        for place, columns in zip(asking, more, strict=True):
            widths[place] += columns
    return widths


def share(wanted: Sequence[int], room: int) -> list[int]:
    """Divide `room` into widths: small wishes are met in full, the others share the rest evenly."""
    left = room
    for index, width in enumerate(sorted(wanted)):
        most, spare = divmod(max(0, left), len(wanted) - index)
        if width > most:
            break
        left -= width
    else:
        return list(wanted)
    widths = []
    for width in wanted:
        extra = 1 if width > most and spare > 0 else 0
        spare -= extra
        widths.append(min(width, most + extra))
    return widths


def text_columns(text: str) -> int:
    """Return the terminal columns of a text: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_char_columns, text))


def beginning(text: str, columns: int) -> str:
    """As much of a text as so many columns hold."""
    if text.isascii():
        return text[: max(0, columns)]
    used = 0
    for index, char in enumerate(text):
        used += _char_columns(char)
        if used > columns:
            return text[:index]
    return text


def without_middle(text: str, columns: int, more: str) -> str:
    """Return a text that takes at most so many columns: its beginning and its end.

    more: marks what was left out
    """
    if text_columns(text) <= columns:
        return text
    room = columns - text_columns(more)
    if room <= 0:
        return more[: max(0, columns)]
    head = beginning(text, room // 3)
    tail = _ending(text, room - text_columns(head))
    return f"{head}{more}{tail}"


def _ending(text: str, columns: int) -> str:
    start = len(text)
    while start and text_columns(text[start - 1 :]) <= columns:
        start -= 1
    return text[start:]


def padded(text: str, width: int, more: str, *, right: bool) -> str:
    """Pad or cut a text to a width. more: marks the cut; right: align to the right."""
    columns = text_columns(text)
    if columns > width:
        more = more[: max(0, width)]
        text = beginning(text, width - len(more)) + more
        columns = text_columns(text)
    blank = " " * (width - columns)
    return blank + text if right else text + blank


def _fitting(least: Sequence[int], width: int, fewest: int) -> int:
    for count in range(len(least), fewest, -1):
        if sum(least[:count]) + GAP_COLUMNS * (count - 1) + _marker(len(least) - count) <= width:
            return count
    return fewest


def _marker(left_out: int) -> int:
    """Return the columns of `+11` with the gap before it; 0 if nothing was left out."""
    return GAP_COLUMNS + len(f"+{left_out}") if left_out else 0


@cache
def _char_columns(char: str) -> int:
    """As prompt_toolkit counts, which draws the screen, but without loading it."""
    if char.isascii():
        return 1
    # Imported here: nearly all of QMP is ASCII, which does not need it.
    from unicodedata import category, east_asian_width

    kind = category(char)
    if kind in _WITHOUT_WIDTH or "\u1160" <= char <= "\u11ff":  # Hangul: end of a syllable
        return 0
    # Some versions of Python know a width even for what is not a character yet.
    return 2 if kind != "Cn" and east_asian_width(char) in "WF" else 1


NAMES = (
    *("id", "name", "node-name", "device", "label", "qdev", "cpu-index"),
    *("capability", "option", "fdset-id"),
)
"""members of QMP's lists that identify a row's object; these columns come first"""


class Column:
    """A column: name and cells as shown; a cell is empty if its object lacks the member.

    kind: None to derive it from the values
    says_nothing: whether no value differs from what most objects have
    """

    __slots__ = ("cells", "name", "need", "says_nothing")

    def __init__(self, name: str, rows: Sequence[JsonObject], kind: CellKind | None = None) -> None:
        values = [row[name] for row in rows if name in row]
        self.name = visible_word(name)
        self.cells = [cell(row[name]) if name in row else "" for row in rows]
        self.says_nothing = not any(map(_says_something, values))
        wanted = max(map(text_columns, [self.name, *self.cells]))
        self.need = ColumnNeed(kind or _kind(name, values), text_columns(self.name), wanted)


class Table:
    """A table.

    columns: from left to right, each with the same number of cells
    more:    marks where a cell is cut off
    nested:  columns that nested JSON has where the width has no limit; None to cut nothing there
    """

    def __init__(self, columns: list[Column], more: str, nested: int | None = None) -> None:
        self._columns = columns
        self._nested = nested
        self._more = more
        self._width: int | None = None
        self._widths = self._fitting(None)

    @property
    def count(self) -> int:
        """Number of lines at any width: the header, and one per row."""
        return 1 + len(self._columns[0].cells)

    def line(self, index: int, width: int | None) -> str:
        """Return the header (0) or a row. width: of the terminal, None to cut nothing."""
        if width != self._width:
            self._width, self._widths = width, self._fitting(width)
        columns = self._columns[: len(self._widths)]
        cells = []
        for column, room in zip(columns, self._widths, strict=True):
            text = column.cells[index - 1] if index else column.name
            right = column.need.kind is CellKind.NUMBER
            cells.append(padded(text, room, self._more, right=right))
        if index == 0 and len(columns) < len(self._columns):
            cells.append(f"+{len(self._columns) - len(columns)}")
        return (" " * GAP_COLUMNS).join(cells).rstrip()

    def left_out(self, width: int) -> int:
        """Return how many columns have no room on a terminal of this width."""
        return len(self._columns) - len(self._fitting(width))

    def lines(self, width: int | None) -> list[str]:
        """Return all lines."""
        return [self.line(index, width) for index in range(self.count)]

    def _fitting(self, width: int | None) -> list[int]:
        needs = [column.need for column in self._columns]
        return fit(needs, width) if width is not None else list(map(self._unlimited, needs))

    def _unlimited(self, need: ColumnNeed) -> int:
        if self._nested is None or need.kind is not CellKind.NESTED:
            return need.wanted
        return max(need.header, min(need.wanted, self._nested))


def table_lines(
    rows: Sequence[JsonObject], width: int | None, more: str, whole: str | None = None
) -> list[str]:
    """Return the lines of one of our own tables, with columns in the order the rows name them.

    width: None for no limit
    whole: the column that is neither cut nor dropped
    """
    return Table(columns_of(rows, whole), more).lines(width) if rows else []


def columns_of(rows: Sequence[JsonObject], whole: str | None = None) -> list[Column]:
    """Return the columns in the order the objects first name them. whole: see table_lines."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [Column(name, rows, CellKind.WHOLE if name == whole else None) for name in names]


def cell(value: Json) -> str:
    """Return a value on one line: strings as they are, an empty one as `""`, else compact JSON."""
    if isinstance(value, str) and value:
        return visible_word(value)
    return compact(value)


def _says_something(value: Json) -> bool:
    return bool(value) and value != "off"


def _kind(name: str, values: Sequence[Json]) -> CellKind:
    if any(isinstance(value, (dict, list)) for value in values):
        return CellKind.NESTED
    if all(map(_is_number, values)):
        return CellKind.NUMBER
    return CellKind.NAME if name in NAMES else CellKind.TEXT


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
