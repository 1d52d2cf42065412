"""Makes the lines for answers, notes and errors, the same on the screen and at the line prompt.

A body keeps its text as plain lines, already safe to show, and styles a line only when asked, so a
reply of 20,000 lines costs no more than its text. JSON is coloured one line at a time: all of it
comes from `formats`, where a string never continues on the next line, so each line of
pretty-printed JSON can be tokenised on its own.

An error in a line is shown with carets below it. Widths are terminal columns: tabs, wide characters
and escaped control characters take more than one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from qmpsh.errors import CommandFailed, LineError, QmpshError
from qmpsh.jsontypes import Json
from qmpsh.light_typing import TYPE_CHECKING, Enum, NamedTuple
from qmpsh.render.formats import compact, pretty, render_answer
from qmpsh.render.lists import exact_lines, items, read_table
from qmpsh.render.safe import visible, visible_line
from qmpsh.render.tables import Table, text_columns
from qmpsh.render.theme import Line, plain
from qmpsh.render.units import duration, size
from qmpsh.shell.steps import Answer

if TYPE_CHECKING:
    from qmpsh.shell.steps import Rows

# Possessive: what `re` could come back to it remembers, 165 bytes for each character of a string.
# Compiled by `re` when first used: not before an answer is shown.
_TOKEN = (
    r'(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")'
    r"|(?P<number>-?\d[\d.eE+-]*)"
    r"|(?P<literal>\b(?:true|false|null|NaN|Infinity)\b)"
    r"|(?P<punctuation>[^\s\"\w-]+)"
)


_COLOURED_CHARACTERS = 64 * 1024
"""characters of one line that are coloured: colouring more takes too long"""


def json_line(text: str) -> Line:
    """Return one line of JSON as a list of (role, text); the joined texts equal the line."""
    line: Line = []
    end = 0
    for match in re.finditer(_TOKEN, text):
        if match.start() > end:
            line.append(("", text[end : match.start()]))
        end = match.end()
        is_key = match.lastgroup == "string" and text.startswith(":", end)
        line.append(("json.key" if is_key else f"json.{match.lastgroup}", match[0]))
        if end > _COLOURED_CHARACTERS:
            break
    if end < len(text):
        line.append(("", text[end:]))
    return line


_TAB_COLUMNS = 8
_ELLIPSIS = "..."


def caret_lines(error: LineError, columns: int | None = None) -> tuple[str, str]:
    """Return the physical line with the error, and the ^^^ to print below it.

    columns: most columns of a row, None for no limit; a longer line is cut to the part around the
             marks
    """
    before, marked, after = error.parts()
    line = _expanded(visible_line(before), 0)
    begin = text_columns(line)
    line += _expanded(visible_line(marked), begin)
    end = max(text_columns(line), begin + 1)
    line += _expanded(visible_line(after), end)
    return windowed(line, " " * begin + "^" * (end - begin), columns)


def windowed(line: str, marks: str, columns: int | None) -> tuple[str, str]:
    """Cut a line and its marks to what fits a row, with ... for what is cut off."""
    begin, end = marks.index("^"), len(marks)
    whole = max(text_columns(line), end)
    if columns is None or whole <= columns:
        return line, marks
    room = max(1, columns - 2 * len(_ELLIPSIS))
    start = 0
    if end > columns - len(_ELLIPSIS):
        # Show all that is marked if it fits, else its beginning with a little before it.
        start = max(0, min(end - room, begin - room // 4))
    stop = start + room if start else columns - len(_ELLIPSIS)
    if whole - stop <= len(_ELLIPSIS):
        stop = whole
    head = _ELLIPSIS if start else ""
    tail = _ELLIPSIS if stop < whole else ""
    shown = head + _cut(line, start, stop) + tail
    return shown, head.replace(".", " ") + marks[start:stop]


def _expanded(text: str, at: int) -> str:
    """Return the text with its tabs expanded. at: the column where it begins."""
    first, *others = text.split("\t")
    column = at + text_columns(first)
    parts = [first]
    for part in others:
        blanks = _TAB_COLUMNS - column % _TAB_COLUMNS
        parts += [" " * blanks, part]
        column += blanks + text_columns(part)
    return "".join(parts)


def _cut(text: str, start: int, stop: int) -> str:
    """Return the columns from start to stop; a space replaces half of a wide character."""
    shown: list[str] = []
    at = 0
    for char in text:
        end = at + text_columns(char)
        if start <= at and end <= stop:
            shown.append(char)
        elif at < start < end or at < stop < end:
            shown.append(" ")
        at = end
    return "".join(shown)


_TAB_COLUMNS = 8
_GUTTER = "| "
"""precedes each line that the VM prints"""


CUT_TABLE = "+{} {}: .pager --table shows all"


class BodyKind(Enum):
    """What kind of text lines are, which decides their colours."""

    JSON = "json"
    TEXT = "text"
    DIM = "dim"
    WARNING = "warning"
    ERROR = "error"
    MARKED = "marked"
    TABLE = "table"
    PRINTED = "printed"
    """by the VM's process: QEMU's own messages, or the guest's serial console"""


class Drawing:
    """A picture of characters, which is laid out for any size."""

    def __init__(self) -> None:
        self._made: tuple[tuple[int | None, int | None], list[Line]] | None = None

    def lines(self, columns: int | None, height: int | None = None) -> list[Line]:
        """Return the lines for a width, None for an unknown one. The last ones are kept, since they
        are asked for one by one.

        height: rows that there are for it; with fewer than it takes it has fewer lines
        """
        size_wanted = columns, height
        if self._made is None or self._made[0] != size_wanted:
            self._made = size_wanted, self._lay_out(columns, height)
        return self._made[1]

    def _lay_out(self, columns: int | None, height: int | None) -> list[Line]:
        raise NotImplementedError


class AnswerBody(NamedTuple):
    """Text of one kind.

    lines: safe to show, without tabs and line ends, nothing cut off
    table: lays the same lines out for a width; None if not a table
    styled: the same lines with their roles; None where the kind says them
    drawing: lays them out for a width; None if nothing was drawn
    """

    lines: list[str]
    kind: BodyKind
    table: Table | None = None
    styled: list[Line] | None = None
    drawing: Drawing | None = None

    def text(self) -> str:
        """Return all the text, without a final newline."""
        return "\n".join(self.lines)

    def laid_out(self, index: int, width: int) -> str:
        """Return a line for a terminal of this width. Lines outside tables may be longer."""
        if self.drawing is not None:
            return plain(self.line(index, width))
        return self.lines[index] if self.table is None else self.table.line(index, width)

    def foot(self, width: int, text: str = CUT_TABLE) -> list[Line]:
        """Return what follows the last line of a table that is cut to this width.

        text: says so of a number, and the word for columns
        """
        left_out = 0 if self.table is None else self.table.left_out(width)
        note = text.format(left_out, "column" if left_out == 1 else "columns")
        return [[("dim", note)]] if left_out and len(note) <= width else []

    def line(self, index: int, width: int | None = None) -> Line:
        """Return one line, styled. width: of the terminal, None to cut nothing."""
        if self.styled is not None:
            return self.styled[index]
        if self.drawing is not None:
            drawn = self.drawing.lines(width)
            return drawn[index] if index < len(drawn) else []
        text = self.lines[index] if width is None else self.laid_out(index, width)
        match self.kind:
            case BodyKind.JSON:
                return json_line(text)
            case BodyKind.TEXT:
                return [("", text)]
            case BodyKind.DIM | BodyKind.WARNING:
                return [(self.kind.value, text)]
            case BodyKind.ERROR:
                return _error_line(text) if index == 0 else [("", text)]
            case BodyKind.MARKED:
                # The line with the error comes first, then the marks, then the message.
                return [("echo" if index == 0 else "error", text)]
            case BodyKind.TABLE:
                return [("json.key" if index == 0 else "", text)]
            case BodyKind.PRINTED:
                return [("rule", _GUTTER), ("event.data", text.removeprefix(_GUTTER))]


def text_body(text: str, kind: BodyKind = BodyKind.TEXT, *, keeps_tabs: bool = False) -> AnswerBody:
    """Make a body from any text, not yet safe to show. An empty text gives no lines.

    keeps_tabs: it is for a program, which may part it at them
    """
    safe = visible(text.rstrip("\n"))
    safe = safe if keeps_tabs else safe.expandtabs(_TAB_COLUMNS)
    gutter = _GUTTER if kind is BodyKind.PRINTED else ""
    return AnswerBody([gutter + line for line in safe.split("\n")] if safe else [], kind)


def drawn_body(drawing: Drawing, columns: int | None = None) -> AnswerBody:
    """Make a body of a drawing. columns: for which its text is laid out"""
    lines = [plain(line) for line in drawing.lines(columns)]
    return AnswerBody(lines, BodyKind.TEXT, drawing=drawing)


def styled_body(lines: list[Line]) -> AnswerBody:
    """Make a body of lines that are safe to show."""
    return AnswerBody([plain(line) for line in lines], BodyKind.TEXT, styled=lines)


def answer_body(
    answer: Answer,
    *,
    in_lines: bool = True,
    more: str = "...",
    exact: bool = False,
    layout: Callable[[Rows], AnswerBody] | None = None,
) -> AnswerBody:
    """Return what to show of an answer.

    in_lines: print JSON with one member per line, else all in one line
    more:     marks where a table cell is cut off
    exact:    a table or a text is for a program
    layout:   lays out rows; None to leave them as they are
    """
    rendering = render_answer(answer)
    if rendering.text is not None:
        if answer.rows and layout is not None and rendering.text is answer.text:
            return layout(answer.rows)
        kind = BodyKind.WARNING if answer.aside else BodyKind.TEXT
        kind = BodyKind.ERROR if answer.failed else kind
        return text_body(rendering.text, kind, keeps_tabs=exact)
    if rendering.as_table:
        lines = exact_lines(rendering.value, more) if exact else None
        body = AnswerBody(lines, BodyKind.TEXT) if lines else table_body(rendering.value, more)
        if body is not None:
            return body
    write = pretty if in_lines else compact
    return AnswerBody(write(rendering.value).split("\n"), BodyKind.JSON)


def bare_body(answer: Answer) -> AnswerBody:
    """Return the same without any layout, which had a fault."""
    if answer.text is not None:
        return text_body(answer.text)
    value = answer.value if answer.reply is None else answer.reply
    return AnswerBody([compact(value)], BodyKind.TEXT)


def table_body(value: Json, more: str) -> AnswerBody | None:
    """Return a list as a table; None for what is better shown as JSON."""
    table = read_table(value, more)
    if table is not None:
        return AnswerBody(table.lines(None), BodyKind.TABLE, table)
    lines = items(value)
    return None if lines is None else AnswerBody(lines, BodyKind.TEXT)


def error_body(error: QmpshError, width: int | None = None) -> AnswerBody:
    """Return the text of an error, ours or the server's; a syntax error shows the line and marks.

    width: most columns of these two, None for no limit
    """
    if isinstance(error, LineError):
        line, marks = caret_lines(error, width)
        return text_body(f"{line}\n{marks}\n{error}", BodyKind.MARKED)
    if isinstance(error, CommandFailed):
        return text_body(str(error), BodyKind.ERROR)
    return text_body(f"error: {error}", BodyKind.ERROR)


def cost(answer: Answer) -> str:
    """Return time and size, like `0.4 ms 56 B`; "" if nothing was sent."""
    if not answer.size:
        return ""
    # The size of `{}` is of no interest.
    taken = duration(answer.seconds)
    return taken if answer.failed or answer.value == {} else f"{taken} {size(answer.size)}"


def _error_line(text: str) -> Line:
    name, colon, rest = text.partition(":")
    if colon and name and " " not in name:
        return [("error", name), ("", colon + rest)]
    return [("error", text)]
