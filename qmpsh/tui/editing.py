"""Keys that edit the line being typed: the editor, new rows, arrows beside an offered menu."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from qmpsh.errors import QmpshError
from qmpsh.lang.reader import Split
from qmpsh.lang.scan import Scanner
from qmpsh.lang.syntax import Mode
from qmpsh.lang.tokens import Kind
from qmpsh.tui.actions import Desk
from qmpsh.tui.editor import edit

Splitting = Callable[[str], Split]
"""Whether a line continues on the next row."""

INDENT = 2
"""spaces per open bracket"""


def edit_line(desk: Desk) -> None:
    if not desk.screen.paging:
        desk.app.create_background_task(_edit(desk))


async def _edit(desk: Desk) -> None:
    desk.screen.paging = True
    try:
        text = await edit(desk.buffer.text)
    except QmpshError as error:
        desk.screen.output.error(error)
    else:
        desk.buffer.document = Document(text, len(text))
    finally:
        desk.screen.paging = False
        desk.app.invalidate()


def new_row(buffer: Buffer, split: Splitting) -> None:
    """Start a new row, indented by the number of brackets open before the cursor."""
    depth = open_brackets(buffer.document.text_before_cursor, split)
    buffer.insert_text("\n" + " " * (INDENT * depth))


def close_bracket(buffer: Buffer, mark: str, split: Splitting) -> None:
    """Insert a closing bracket; if it is first in its row, dedent it by one step."""
    before = buffer.document.current_line_before_cursor
    if before and before.isspace():
        depth = open_brackets(buffer.document.text_before_cursor, split)
        surplus = len(before) - INDENT * max(0, depth - 1)
        buffer.delete_before_cursor(max(0, surplus))
    buffer.insert_text(mark)


def open_brackets(text: str, split: Splitting) -> int:
    """Return how many brackets are open at the end of a text, not counting those in strings.

    Inside an open string the result is 0: an indent would become part of it.
    """
    depth = 0
    tokens = Scanner(Mode(prompt=True)).feed(split(text).rest)
    if tokens and tokens[-1].kind is Kind.UNCLOSED:
        return 0
    for token in tokens:
        if token.kind is Kind.OPEN:
            depth += 1
        elif token.kind is Kind.CLOSE:
            depth = max(0, depth - 1)
    return depth


HANDLERS: dict[str, Callable[[Desk], None]] = {"edit_line": edit_line}
