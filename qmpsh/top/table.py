"""The table as lines: the columns that there is room for, and a line for each VM. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.render.tables import beginning, text_columns
from qmpsh.render.theme import Line
from qmpsh.top.columns import BY_KEY, Look, VmColumn, present_columns
from qmpsh.top.record import VmRecord

_GAP: Final = 1
"""columns between two columns of the table"""
_MARK: Final = 1
"""columns before the first one, for a mark"""
_MOST_OF_NAME: Final = 32


class Placed(NamedTuple):
    """A column of the table, and how wide it is."""

    column: VmColumn
    width: int


def place_columns(
    columns: Sequence[VmColumn],
    records: Sequence[VmRecord],
    look: Look,
    width: int | None,
    before: Sequence[Placed] = (),
) -> list[Placed]:
    """Return the columns that there is room for.

    records: those that are shown; width: of the terminal, None for no limit
    before:  as they were last, below which no name becomes: nothing jumps while it is scrolled
    """
    last = {column.key: cells for column, cells in before}
    least = {column.key: max(column.width, len(column.title)) for column in columns}
    left = (1 << 20 if width is None else width) - _MARK
    kept: set[str] = set()
    for column in sorted(columns, key=lambda one: one.priority):
        need = least[column.key] + _GAP
        if need > left and kept:
            break
        left -= need
        kept.add(column.key)
    shown = [column for column in columns if column.key in kept]
    for column in shown:
        if column.grows:
            if width is not None and column is shown[-1]:
                more = left
            else:
                wanted = max(_widest(column, records, look), last.get(column.key, 0))
                more = min(left, max(0, wanted - least[column.key]))
            least[column.key] += more
            left -= more
    return [Placed(column, least[column.key]) for column in shown]


def _widest(column: VmColumn, records: Sequence[VmRecord], look: Look) -> int:
    """Return the columns of the longest cell."""
    cells = (text_columns(column.cell(record, look)[1]) for record in records)
    most = max(cells, default=0)
    return min(most, _MOST_OF_NAME) if column is BY_KEY["name"] else most


def header_line(placed: Sequence[Placed], sorted_by: VmColumn | None, mark: str) -> Line:
    """Return the titles. sorted_by: the column that the rows are sorted by; mark: beside it"""
    line: Line = [("status", " " * _MARK)]
    for column, width in placed:
        is_sorted = column is sorted_by
        title = f"{column.title}{mark if is_sorted and width > len(column.title) else ''}"
        role = "status.running" if is_sorted else "status"
        line.append((role, _aligned(title, width, is_number=column.is_number)))
        line.append(("status", " " * _GAP))
    return line


def column_at(placed: Sequence[Placed], cell: int) -> VmColumn | None:
    """Return the column at a cell of the titles, with the gap after it; None for none."""
    start = _MARK
    for column, width in placed:
        if start <= cell < start + width + _GAP:
            return column
        start += width + _GAP
    return None


def row_line(record: VmRecord, placed: Sequence[Placed], look: Look, mark: str = " ") -> Line:
    """Return the line of a VM."""
    line: Line = [("event.state", mark)]
    for column, width in placed:
        role, text = column.cell(record, look)
        shown = _aligned(text, width, is_number=column.is_number, more=look.glyphs.more)
        # The gap has the role of its cell: a fragment less for each.
        line.append((role, shown + " " * _GAP))
    # Blanks at the end of a row are cells that a frame compares for nothing.
    role, text = line.pop()
    return [*line, (role, text.rstrip())]


def _aligned(text: str, width: int, *, is_number: bool, more: str = "") -> str:
    """Return a text of exactly so many columns."""
    if text.isascii() and len(text) <= width:
        return text.rjust(width) if is_number else text.ljust(width)
    used = text_columns(text)
    if used > width:
        text = beginning(text, width - text_columns(more)) + more
        used = text_columns(text)
    blank = " " * (width - used)
    return f"{blank}{text}" if is_number else f"{text}{blank}"


def table_text(
    records: Sequence[VmRecord], columns: Sequence[VmColumn], look: Look, width: int | None
) -> list[Line]:
    """Return the whole table, for a report: its header is plain."""
    placed = place_columns(present_columns(columns, records), records, look, width)
    header: Line = [("event.name", text) for _, text in header_line(placed, None, "")]
    return [header, *(row_line(record, placed, look) for record in records)]
