"""A wrong line with marks below what is wrong in it, both safe to show.

Widths are columns of a terminal: what a control character is shown as, a tab and a wide character
take more than one.
"""

from __future__ import annotations

from qmpsh.errors import LineError
from qmpsh.view.columns import text_columns
from qmpsh.view.safe import visible

_TAB = 8
_MORE = "..."


def caret_lines(error: LineError, columns: int | None = None) -> tuple[str, str]:
    """The physical line that holds the place of the error, and ^^^ below that place.

    columns: what a row may take, None for any; of a longer line the part around the marks is left
    """
    before, marked, behind = error.parts()
    line = _expanded(visible(before), 0)
    begin = text_columns(line)
    line += _expanded(visible(marked), begin)
    end = max(text_columns(line), begin + 1)
    line += _expanded(visible(behind), end)
    return windowed(line, " " * begin + "^" * (end - begin), columns)


def windowed(line: str, marks: str, columns: int | None) -> tuple[str, str]:
    """As much of a line and of its marks as a row holds, with ... where something is cut off."""
    begin, end = marks.index("^"), len(marks)
    whole = max(text_columns(line), end)
    if columns is None or whole <= columns:
        return line, marks
    room = max(1, columns - 2 * len(_MORE))
    start = 0
    if end > columns - len(_MORE):
        # All of what is marked where it fits, else its beginning, with a little before it.
        start = max(0, min(end - room, begin - room // 4))
    stop = start + room if start else columns - len(_MORE)
    if whole - stop <= len(_MORE):
        stop = whole
    head = _MORE if start else ""
    tail = _MORE if stop < whole else ""
    shown = head + _cut(line, start, stop) + tail
    return shown, head.replace(".", " ") + marks[start:stop]


def _expanded(text: str, at: int) -> str:
    """The text with blanks for its tabs. at: the column where it begins"""
    head, tab, rest = text.partition("\t")
    while tab:
        column = at + text_columns(head)
        head += " " * (_TAB - column % _TAB)
        more, tab, rest = rest.partition("\t")
        head += more
    return head


def _cut(text: str, start: int, stop: int) -> str:
    """What stands in the columns from start to stop; a blank for half of a wide character."""
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
