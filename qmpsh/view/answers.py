"""Answers, notes and errors as lines, the same on the screen and at the line prompt.

A body keeps its text as plain lines, already safe to show, and styles one only when asked: a reply
of 20,000 lines costs its text, not its colours.
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
from qmpsh.view.tables import has_header, table_lines
from qmpsh.view.theme import Line
from qmpsh.view.units import duration, size

_TAB = 8
_GUTTER = "| "
"""before what the VM prints"""


class Kind(Enum):
    """What lines are made of, which decides their colours."""

    JSON = "json"
    TEXT = "text"
    DIM = "dim"
    WARNING = "warning"
    ERROR = "error"
    MARKED = "marked"
    TABLE = "table"
    PRINTED = "printed"
    """by the VM's process: what QEMU has to say, or the guest on a serial line"""


class Body(NamedTuple):
    """lines: safe to show, without tabs and line ends.

    whole: the same with nothing cut off, where something was, for a pager or a file
    """

    lines: list[str]
    kind: Kind
    whole: list[str] | None = None

    def text(self) -> str:
        """All of it; no newline at its end."""
        return "\n".join(self.lines if self.whole is None else self.whole)

    def line(self, index: int) -> Line:
        """One line, styled."""
        text = self.lines[index]
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
                # A wrong line is repeated, then marked, then explained.
                return [("echo" if index == 0 else "error", text)]
            case Kind.TABLE:
                return [("json.key" if index == 0 else "", text)]
            case Kind.PRINTED:
                return [("rule", _GUTTER), ("event.data", text.removeprefix(_GUTTER))]


def text_body(text: str, kind: Kind = Kind.TEXT) -> Body:
    """text: any; not yet safe to show. The empty text has no lines."""
    safe = visible(text.rstrip("\n")).expandtabs(_TAB)
    gutter = _GUTTER if kind is Kind.PRINTED else ""
    return Body([gutter + line for line in safe.split("\n")] if safe else [], kind)


def answer_body(
    answer: Answer, *, in_lines: bool = True, width: int | None = None, more: str = "..."
) -> Body:
    """What an answer shows. in_lines: JSON one member a line, else all in one line.

    width: columns that a table may take, None for any; more: stands where one was cut
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
        body = table_body(answer.value, width, more)
        if body is not None:
            return body
    return Body(layout(answer.value).split("\n"), Kind.JSON)


def table_body(value: Json, width: int | None, more: str) -> Body | None:
    """A list as a table; None for what is better shown as JSON."""
    lines = table_lines(value, width, more)
    if lines is None:
        return None
    whole = lines if width is None else table_lines(value)
    kind = Kind.TABLE if has_header(value) else Kind.TEXT
    return Body(lines, kind, None if whole == lines else whole)


def error_body(error: QmpshError, width: int | None = None) -> Body:
    """An error of ours or of the server; a wrong line is shown with its marks.

    width: columns that those two may take, None for any
    """
    if isinstance(error, LineError):
        line, marks = caret_lines(error, width)
        return text_body(f"{line}\n{marks}\n{error}", Kind.MARKED)
    if isinstance(error, CommandFailed):
        return text_body(str(error), Kind.ERROR)
    return text_body(f"error: {error}", Kind.ERROR)


def cost(answer: Answer) -> str:
    """`0.4 ms 56 B`; "" where nothing was sent."""
    if not answer.size:
        return ""
    # `{}` says nothing, so its size says nothing either.
    taken = duration(answer.seconds)
    return taken if answer.failed or answer.value == {} else f"{taken} {size(answer.size)}"


def _error_line(text: str) -> Line:
    name, colon, rest = text.partition(":")
    if colon and name and " " not in name:
        return [("error", name), ("", colon + rest)]
    return [("error", text)]
