"""Lists as tables: a row per object, a column per member, for people and for `awk`.

Pure text; every cell is safe to show. A table keeps its cells whole, and is laid out again whenever
the width it is shown at changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.view.columns import GAP, Kind, Need, fit, padded, text_columns
from qmpsh.view.jsontext import compact
from qmpsh.view.safe import visible_word

NAMES = ("id", "name", "node-name", "device", "label", "qdev", "cpu-index")
"""members of QMP's lists that identify a row's object; these columns come first"""

NESTED = 40
"""columns of nested JSON in a program's pipe, which a person reads all the same"""

LEADS = (*NAMES, "type", "driver", "drv", "status", "state", "filename", "file")
"""the same, followed by those that describe it"""


CELLS = 1_000_000
"""cells of a table: a server may send rows of which each has members of its own, and rows times
members would be any number
"""


class Column:
    """Name and cells as shown; a cell is empty if its object lacks the member.

    kind: None to derive it from the values
    """

    __slots__ = ("cells", "name", "need")

    def __init__(self, name: str, rows: Sequence[JsonObject], kind: Kind | None = None) -> None:
        values = [row[name] for row in rows if name in row]
        self.name = visible_word(name)
        self.cells = [cell(row[name]) if name in row else "" for row in rows]
        wanted = max(map(text_columns, [self.name, *self.cells]))
        self.need = Need(kind or _kind(name, values), text_columns(self.name), wanted)


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
            right = column.need.kind is Kind.NUMBER
            cells.append(padded(text, room, self._more, right=right))
        if index == 0 and len(columns) < len(self._columns):
            cells.append(f"+{len(self._columns) - len(columns)}")
        return (" " * GAP).join(cells).rstrip()

    def lines(self, width: int | None) -> list[str]:
        """Return all lines."""
        return [self.line(index, width) for index in range(self.count)]

    def _fitting(self, width: int | None) -> list[int]:
        needs = [column.need for column in self._columns]
        return fit(needs, width) if width is not None else list(map(self._unlimited, needs))

    def _unlimited(self, need: Need) -> int:
        if self._nested is None or need.kind is not Kind.NESTED:
            return need.wanted
        return max(need.header, min(need.wanted, self._nested))


def read_table(value: Json, more: str = "...", nested: int | None = None) -> Table | None:
    """Return a server's list as a table: identifying columns first, nested JSON last.

    None unless it is a list of objects, at least one of them with members. nested: see Table
    """
    rows = _rows(value)
    return Table(sorted(columns_of(rows), key=_place), more, nested) if rows else None


def items(value: Json) -> list[str] | None:
    """Return a list's items, one per line; None if it is empty or not a list."""
    return [cell(item) for item in value] if isinstance(value, list) and value else None


def list_lines(
    value: Json, width: int | None, more: str, nested: int | None = None
) -> list[str] | None:
    """Return the lines of a server's list, as a table if possible; None if empty or not a list.

    nested: see Table
    """
    table = read_table(value, more, nested)
    return items(value) if table is None else table.lines(width)


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
    return [Column(name, rows, Kind.WHOLE if name == whole else None) for name in names]


def cell(value: Json) -> str:
    """Return a value on one line: strings as they are, an empty one as `""`, else compact JSON."""
    if isinstance(value, str) and value:
        return visible_word(value)
    return compact(value)


def _rows(value: Json) -> list[JsonObject]:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(rows) != len(value) or not any(rows):
        return []
    return rows if len(rows) * len({name for row in rows for name in row}) <= CELLS else []


def _place(column: Column) -> tuple[bool, int]:
    """Return the sort key of a column; columns with equal keys keep their order."""
    lead = LEADS.index(column.name) if column.name in LEADS else len(LEADS)
    return column.need.kind is Kind.NESTED, lead


def _kind(name: str, values: Sequence[Json]) -> Kind:
    if any(isinstance(value, (dict, list)) for value in values):
        return Kind.NESTED
    if all(map(_is_number, values)):
        return Kind.NUMBER
    return Kind.NAME if name in NAMES else Kind.TEXT


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
