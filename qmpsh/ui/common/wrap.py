"""Wrapping, cutting and aligning of styled lines; widths are columns of a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.render.tables import beginning, text_columns
from qmpsh.render.theme import Fragment, Line
from qmpsh.render.units import number

MAX_ROWS_PER_LINE = 1000
"""rows of one line: what has more is for a pager"""


_HANG_COLUMNS = 2
"""extra indent of a wrapped line's further rows, in columns"""


def line_width(line: Line) -> int:
    """Return the columns of a line."""
    return text_columns("".join([text for _, text in line]))


def wrap(line: Line, width: int) -> list[Line]:
    """Wrap a line into rows of at most `width` columns; at least one row, which may be empty.

    A row ends after a space if there is one in its last third; that space may be past the edge.
    Further rows are indented a little more than the line itself. After MOST rows, one says how much
    is left out.
    """
    length = sum(len(text) for _, text in line)
    if length > 2 * MAX_ROWS_PER_LINE * max(1, width):
        return _wrap_beginning(line, width, length)
    if line_width(line) <= width:
        return [line]
    text = "".join(text for _, text in line)
    indent = len(text) - len(text.lstrip(" "))
    hang = min(indent + _HANG_COLUMNS, width // 2) if indent else 0
    rows: list[Line] = []
    start = 0
    for end in _row_ends(text, width, hang):
        row = part(line, start, end)
        rows.append([("", " " * hang), *row] if start and hang else row)
        start = end
    return rows


def _wrap_beginning(line: Line, width: int, length: int) -> list[Line]:
    """Wrap as much of a very long line as is shown. length: its characters"""
    rows = wrap(part(line, 0, MAX_ROWS_PER_LINE * width), width)[:MAX_ROWS_PER_LINE]
    shown = sum(len(text) for row in rows for _, text in row)
    return [*rows, *wrap([("dim", f"{number(length - shown)} more characters: F5 pager")], width)]


def part(line: Line, start: int, end: int) -> Line:
    """Return the characters from `start` to `end` of a line."""
    result: Line = []
    offset = 0
    for role, text in line:
        piece = text[max(0, start - offset) : max(0, end - offset)]
        if piece:
            result.append((role, piece))
        offset += len(text)
    return result


def _row_ends(text: str, width: int, hang: int) -> Iterator[int]:
    """Yield the offsets where a text's rows end; the last is the end of the text.

    hang: columns by which every row but the first is narrower
    """
    start = 0
    columns = max(1, width)
    while True:
        end = start + len(beginning(text[start : start + columns], columns))
        # A character wider than the row must still be consumed; the edge cuts it off.
        end = max(end, start + 1)
        if end >= len(text):
            yield len(text)
            return
        if text[end] == " ":
            end += 1
        else:
            blank = text.rfind(" ", start + columns * 2 // 3, end)
            end = blank + 1 if blank >= 0 else end
        yield end
        start = end
        columns = max(1, width - hang)


def cut(line: Line, width: int, more: str) -> Line:
    """Cut a line to one row, ending in `more` if something was cut off."""
    if line_width(line) <= width:
        return line
    end = len(beginning("".join([text for _, text in line]), width - text_columns(more)))
    shown = part(line, 0, end)
    return [*shown, ((shown or line)[-1][0], more[:width])]


def justify(left: Line, right: Line, width: int) -> list[Line]:
    """Wrap `left`, and put `right` at the right edge of its last row or of a further row."""
    rows = wrap(left, width)
    if not right:
        return rows
    gap = width - line_width(rows[-1]) - line_width(right)
    if gap < 2:
        rows.append([])
        gap = max(0, width - line_width(right))
    blank: Fragment = ("", " " * gap)
    rows[-1] = [*rows[-1], blank, *right]
    return rows
