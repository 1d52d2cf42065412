"""A server's lists as tables: which columns they have, and in which order.

For a person, those that identify a row's object come first, then what it is, its state and its
size, then all that says something; nested JSON is last. Sizes are in units, and what one looks for
in nested JSON has a column of its own.

For a program (`awk`, a file) the order depends on the names of the members alone, and all values
are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, as_list
from qmpsh.render.tables import NAMES, CellKind, Column, Table, cell, columns_of

MAX_NESTED_COLUMNS = 40
"""columns of nested JSON in a program's pipe, which a person reads all the same"""

MAX_CELLS = 1_000_000
"""cells of a table: a server may send rows of which each has members of its own, and rows times
members would be any number
"""

LEADS = (
    "vm",  # of `-a`: the VM that answered
    *(name for name in NAMES if name != "qdev"),
    "path",
    *("type", "driver", "drv", "status", "state", "io-status", "size", "ro", "filename", "file"),
    "qdev",
)
"""members that identify a row's object, followed by those that describe it; qdev is a long path"""

SIZES = frozenset({"size", "virtual-size", "actual-size", "memory", "len", "offset", "speed"})
"""members that are a number of bytes, and so is each whose name ends in `-bytes` or `-size`"""

_MAX_SIZE = 2**64
"""bytes; QEMU's own sizes are below it, and a float holds no number of any length"""

LIFTED = {
    "inserted.node-name": "node-name",
    "inserted.drv": "drv",
    "inserted.ro": "ro",
    "inserted.file": "file",
    "image.virtual-size": "size",
    "inserted.image.virtual-size": "size",
}
"""where in nested JSON values for people are, and their columns; Source: query-block,
query-named-block-nodes
"""


def read_table(value: Json, more: str = "...") -> Table | None:
    """Return a server's list as a table for a person.

    None unless it is a list of objects, at least one of them with members.
    """
    rows = _table_rows([_with_lifted(row) for row in _rows(value)])
    if not rows:
        return None
    columns = [_for_people(column, rows) for column in columns_of(rows)]
    return Table(sorted(columns, key=_use), more)


def exact_lines(value: Json, more: str, nested: int | None = None) -> list[str] | None:
    """Return the lines of a server's list for a program; None if empty or not a list.

    nested: see Table
    """
    rows = _table_rows(_rows(value))
    if not rows:
        return items(value)
    return Table(sorted(columns_of(rows), key=_place), more, nested).lines(None)


def items(value: Json) -> list[str] | None:
    """Return a list's items, one per line; None if it is empty or not a list."""
    return [cell(item) for item in value] if isinstance(value, list) and value else None


def _rows(value: Json) -> list[JsonObject]:
    rows = as_dicts(value)
    return rows if len(rows) == len(as_list(value)) else []


def _table_rows(rows: list[JsonObject]) -> list[JsonObject]:
    """Return the rows, none if they are too many or have no members."""
    names = {name for row in rows for name in row}
    return rows if names and len(rows) * len(names) <= MAX_CELLS else []


def _with_lifted(row: JsonObject) -> JsonObject:
    """Return a row with what it has in nested JSON and not itself."""
    found: JsonObject = {}
    for path, name in LIFTED.items():
        value = _inside(row, path.split("."))
        if name not in row and isinstance(value, (str, int)):
            found[name] = value
    return {**row, **found} if found else row


def _inside(row: JsonObject, path: Sequence[str]) -> Json:
    value: Json = row
    for name in path:
        value = as_dict(value).get(name)
    return value


def is_size_name(name: str) -> bool:
    """Whether a member is a number of bytes."""
    return name in SIZES or name.endswith(("-bytes", "-size"))


def _for_people(column: Column, rows: Sequence[JsonObject]) -> Column:
    """Return a column of sizes in units, any other unchanged."""
    name = column.name
    if not is_size_name(name):
        return column
    if not all(_is_size(row[name]) for row in rows if name in row):
        return column
    # Imported here: few tables have sizes.
    from qmpsh.shell.overview.rows import binary_size

    shown: list[JsonObject] = [
        {name: binary_size(count)} if isinstance(count := row.get(name), int) else {}
        for row in rows
    ]
    sizes = Column(name, shown, CellKind.NUMBER)
    sizes.says_nothing = column.says_nothing
    return sizes


def _is_size(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_SIZE


def _use(column: Column) -> tuple[bool, int, bool]:
    """Return the sort key for a person."""
    is_nested, lead = _place(column)
    # The type of query-block has been the same word for years, kept for compatibility.
    is_unknown = {*column.cells} <= {"unknown", ""}
    return is_nested, len(LEADS) if is_unknown else lead, column.says_nothing or is_unknown


def _place(column: Column) -> tuple[bool, int]:
    """Return the sort key of a column; columns with equal keys keep their order."""
    lead = LEADS.index(column.name) if column.name in LEADS else len(LEADS)
    return column.need.kind is CellKind.NESTED, lead
