"""Answers, notes and errors as lines, the same on the screen and at the line prompt.

A body keeps its text as plain lines, already safe to show, and styles a line only when asked, so a
reply of 20,000 lines costs no more than its text.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from qmpsh.errors import CommandFailed, LineError, QmpshError
from qmpsh.jsontypes import Json
from qmpsh.shell.outcome import Answer
from qmpsh.view.carets import caret_lines
from qmpsh.view.highlight import json_line
from qmpsh.view.jsontext import compact, pretty
from qmpsh.view.safe import visible
from qmpsh.view.tables import Table, items, read_table
from qmpsh.view.theme import Line
from qmpsh.view.units import duration, size

_TAB = 8
_GUTTER = "| "
"""precedes each line that the VM prints"""


class Kind(Enum):
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


class Body(NamedTuple):
    """Text of one kind.

    lines: safe to show, without tabs and line ends, nothing cut off
    table: lays the same lines out for a width; None if not a table
    """

    lines: list[str]
    kind: Kind
    table: Table | None = None

    def text(self) -> str:
        """Return all the text, without a final newline."""
        return "\n".join(self.lines)

    def laid_out(self, index: int, width: int) -> str:
        """Return a line for a terminal of this width. Lines outside tables may be longer."""
        return self.lines[index] if self.table is None else self.table.line(index, width)

    def line(self, index: int, width: int | None = None) -> Line:
        """Return one line, styled. width: of the terminal, None to cut nothing."""
        text = self.lines[index] if width is None else self.laid_out(index, width)
        match self.kind:
            case Kind.JSON:
                return json_line(text)
            case Kind.TEXT:
                return [("", text)]
            case Kind.DIM | Kind.WARNING:
                return [(self.kind.value, text)]
            case Kind.ERROR:
                return _error_line(text) if index == 0 else [("", text)]
            case Kind.MARKED:
                # The line with the error comes first, then the marks, then the message.
                return [("echo" if index == 0 else "error", text)]
            case Kind.TABLE:
                return [("json.key" if index == 0 else "", text)]
            case Kind.PRINTED:
                return [("rule", _GUTTER), ("event.data", text.removeprefix(_GUTTER))]


def text_body(text: str, kind: Kind = Kind.TEXT) -> Body:
    """Make a body from any text, not yet safe to show. An empty text gives no lines."""
    safe = visible(text.rstrip("\n")).expandtabs(_TAB)
    gutter = _GUTTER if kind is Kind.PRINTED else ""
    return Body([gutter + line for line in safe.split("\n")] if safe else [], kind)


def answer_body(answer: Answer, *, in_lines: bool = True, more: str = "...") -> Body:
    """Return what to show of an answer.

    in_lines: print JSON with one member per line, else all in one line
    more:     marks where a table cell is cut off
    """
    layout = pretty if in_lines else compact
    if answer.modifiers.json and answer.reply is not None:
        return Body(layout(answer.reply).split("\n"), Kind.JSON)
    if answer.text is not None:
        kind = Kind.WARNING if answer.aside else Kind.TEXT
        return text_body(answer.text, Kind.ERROR if answer.failed else kind)
    if answer.modifiers.raw and isinstance(answer.value, str):
        return text_body(answer.value)
    if answer.modifiers.table:
        body = table_body(answer.value, more)
        if body is not None:
            return body
    return Body(layout(answer.value).split("\n"), Kind.JSON)


def bare_body(answer: Answer) -> Body:
    """Return the same without any layout, which had a fault."""
    if answer.text is not None:
        return text_body(answer.text)
    value = answer.value if answer.reply is None else answer.reply
    return Body([compact(value)], Kind.TEXT)


def table_body(value: Json, more: str) -> Body | None:
    """Return a list as a table; None for what is better shown as JSON."""
    table = read_table(value, more)
    if table is not None:
        return Body(table.lines(None), Kind.TABLE, table)
    lines = items(value)
    return None if lines is None else Body(lines, Kind.TEXT)


def error_body(error: QmpshError, width: int | None = None) -> Body:
    """Return the text of an error, ours or the server's; a syntax error shows the line and marks.

    width: most columns of these two, None for no limit
    """
    if isinstance(error, LineError):
        line, marks = caret_lines(error, width)
        return text_body(f"{line}\n{marks}\n{error}", Kind.MARKED)
    if isinstance(error, CommandFailed):
        return text_body(str(error), Kind.ERROR)
    return text_body(f"error: {error}", Kind.ERROR)


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
