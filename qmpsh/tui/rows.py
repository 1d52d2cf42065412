"""Styled lines to rows of a given width: wrapping, cutting, both ends of a row.

Pure. Widths are columns of a terminal: a wide character takes two, a combining one none.
"""

from __future__ import annotations

from prompt_toolkit.utils import get_cwidth

from qmpsh.view.theme import Fragment, Line


def text_width(text: str) -> int:
    """Columns that a text takes."""
    return len(text) if text.isascii() else get_cwidth(text)


def line_width(line: Line) -> int:
    """Columns that a line takes."""
    return sum(text_width(text) for _, text in line)


def wrap(line: Line, width: int) -> list[Line]:
    """The line in rows of at most `width` columns; at least one row, which may be empty."""
    width = max(1, width)
    rows: list[Line] = [[]]
    used = 0
    for role, text in line:
        while text:
            taken, columns = _take(text, width - used)
            if not taken and used == 0:
                # A character wider than the whole row: better cut off than never shown.
                taken, columns = text[0], width
            if taken:
                rows[-1].append((role, taken))
                used += columns
                text = text[len(taken) :]
            if text:
                rows.append([])
                used = 0
    return rows


def cut(line: Line, width: int, more: str) -> Line:
    """The line in one row; `more` stands at its end when something was cut off."""
    if line_width(line) <= width:
        return line
    result: Line = []
    left = max(0, width - text_width(more))
    for role, text in line:
        taken, columns = _take(text, left)
        if taken:
            result.append((role, taken))
        left -= columns
        if len(taken) < len(text):
            # Nothing narrower that comes later may slip in behind the cut.
            result.append((role, more[:width]))
            break
    return result


def justify(left: Line, right: Line, width: int) -> list[Line]:
    """`left` wrapped, `right` at the right edge of its last row, or of a row of its own."""
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


def _take(text: str, columns: int) -> tuple[str, int]:
    """As much of the text's beginning as fits, and the columns it takes."""
    if text.isascii():
        taken = text[: max(0, columns)]
        return taken, len(taken)
    used = 0
    for index, char in enumerate(text):
        used += get_cwidth(char)
        if used > columns:
            return text[:index], used - get_cwidth(char)
    return text, used
