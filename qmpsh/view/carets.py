"""A line with carets below the error in it, both safe to show.

Widths are terminal columns: tabs, wide characters and escaped control characters take more than
one.
"""

from __future__ import annotations

from qmpsh.errors import LineError
from qmpsh.view.columns import text_columns
from qmpsh.view.safe import visible_line

_TAB = 8
_MORE = "..."


def caret_lines(error: LineError, columns: int | None = None) -> tuple[str, str]:
    """Return the physical line with the error, and the ^^^ to print below it.

    columns: most columns of a row, None for no limit; a longer line is cut to the part around the
             marks
    """
    before, marked, behind = error.parts()
    line = _expanded(visible_line(before), 0)
    begin = text_columns(line)
    line += _expanded(visible_line(marked), begin)
    end = max(text_columns(line), begin + 1)
    line += _expanded(visible_line(behind), end)
    return windowed(line, " " * begin + "^" * (end - begin), columns)


def windowed(line: str, marks: str, columns: int | None) -> tuple[str, str]:
    """Cut a line and its marks to what fits a row, with ... for what is cut off."""
    begin, end = marks.index("^"), len(marks)
    whole = max(text_columns(line), end)
    if columns is None or whole <= columns:
        return line, marks
    room = max(1, columns - 2 * len(_MORE))
    start = 0
    if end > columns - len(_MORE):
        # Show all that is marked if it fits, else its beginning with a little before it.
        start = max(0, min(end - room, begin - room // 4))
    stop = start + room if start else columns - len(_MORE)
    if whole - stop <= len(_MORE):
        stop = whole
    head = _MORE if start else ""
    tail = _MORE if stop < whole else ""
    shown = head + _cut(line, start, stop) + tail
    return shown, head.replace(".", " ") + marks[start:stop]


def _expanded(text: str, at: int) -> str:
    """Return the text with its tabs expanded. at: the column where it begins."""
    first, *others = text.split("\t")
    column = at + text_columns(first)
    parts = [first]
    for part in others:
        blanks = _TAB - column % _TAB
        parts += [" " * blanks, part]
        column += blanks + text_columns(part)
    return "".join(parts)


def _cut(text: str, start: int, stop: int) -> str:
    """Return the columns from start to stop; a space replaces half of a wide character."""
    shown: list[str] = []
    at = 0
    for char in text:
        behind = at + text_columns(char)
        if start <= at and behind <= stop:
            shown.append(char)
        elif at < start < behind or at < stop < behind:
            shown.append(" ")
        at = behind
    return "".join(shown)
