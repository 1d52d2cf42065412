"""Lists as tables: one row an object, one column a member, for eyes and for `awk`.

Pure text; every cell is safe to show. A width makes columns narrower, the widest ones first, so
that a long one never costs the short ones their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.view.jsontext import compact
from qmpsh.view.safe import visible_word

GAP = 2
"""columns between two columns of the table"""

LEAST = 6
"""columns that every column keeps where it wants as many; below, the last ones are left out"""


class Column(NamedTuple):
    """name and cells, as shown; a cell of an object without this member is empty."""

    name: str
    cells: list[str]
    is_number: bool

    @property
    def wanted(self) -> int:
        """Columns of a terminal that it takes when nothing is cut."""
        return max(map(text_columns, [self.name, *self.cells]))


def table_lines(value: Json, width: int | None = None, more: str = "...") -> list[str] | None:
    """The lines of a list: of objects a header and a row each, of anything else one item a line.

    width: of the terminal, None to cut nothing; more: stands where a cell was cut. None where the
    value is no list, or an empty one: such a value is shown as JSON.
    """
    if not isinstance(value, list) or not value:
        return None
    if not has_header(value):
        return [cell(item) for item in value]
    rows = [item for item in value if isinstance(item, dict)]
    return _drawn(columns_of(rows), width, more)


def has_header(value: Json) -> bool:
    """Whether the first line of a value's table names the columns: a list of nothing but objects,
    of which one says something at least.
    """
    return isinstance(value, list) and any(value) and all(isinstance(row, dict) for row in value)


def columns_of(rows: list[JsonObject]) -> list[Column]:
    """The columns, in the order in which the objects first name them."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [
        Column(
            visible_word(name),
            [cell(row[name]) if name in row else "" for row in rows],
            all(_is_number(row[name]) for row in rows if name in row),
        )
        for name in names
    ]


def cell(value: Json) -> str:
    """A value in one line: a string as it is, an empty one as `""`, all else compact JSON."""
    if isinstance(value, str) and value:
        return visible_word(value)
    return compact(value)


def share(wanted: Sequence[int], room: int) -> list[int]:
    """Widths that take at most `room` together; what asks for little gets it, the rest the same."""
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
    """Columns of a terminal that a text takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_char_columns, text))


def _char_columns(char: str) -> int:
    # Imported here: ASCII, which is nearly all of QMP, needs no tables.
    from unicodedata import category, east_asian_width

    if category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _drawn(columns: list[Column], width: int | None, more: str) -> list[str]:
    wanted = [column.wanted for column in columns]
    left_out = ""
    if width is not None:
        count = _fitting(wanted, width)
        if count < len(columns):
            left_out = f"+{len(columns) - count}"
            width -= GAP + len(left_out)
        columns = columns[:count]
        wanted = share(wanted[:count], width - GAP * (count - 1))
    texts = [[column.name, *column.cells] for column in columns]
    lines = []
    for row in range(len(texts[0])):
        cells = [
            _padded(text[row], columns_, more, right=column.is_number)
            for text, columns_, column in zip(texts, wanted, columns, strict=True)
        ]
        if left_out and row == 0:
            cells.append(left_out)
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


def _fitting(wanted: Sequence[int], width: int) -> int:
    """How many columns find their least place; the first one is always shown."""
    for count in range(len(wanted), 1, -1):
        marker = 0 if count == len(wanted) else GAP + len(f"+{len(wanted) - count}")
        least = sum(min(column, LEAST) for column in wanted[:count])
        if least + GAP * (count - 1) + marker <= width:
            return count
    return 1


def _padded(text: str, width: int, more: str, *, right: bool) -> str:
    columns = text_columns(text)
    if columns > width:
        text = _cut(text, width, more)
        columns = text_columns(text)
    blank = " " * (width - columns)
    return blank + text if right else text + blank


def _cut(text: str, width: int, more: str) -> str:
    more = more[: max(0, width)]
    room = width - len(more)
    end = used = 0
    for char in text:
        used += text_columns(char)
        if used > room:
            break
        end += 1
    return text[:end] + more
