"""Keys that work on the line being typed: the editor, new rows, arrows beside an offered menu."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from qmpsh.errors import QmpshError
from qmpsh.lang.scan import Kind, Scanner
from qmpsh.lang.syntax import Mode
from qmpsh.tui.actions import Desk
from qmpsh.tui.editor import edit

INDENT = 2
"""blanks a bracket that is open"""


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


def new_row(buffer: Buffer) -> None:
    """Go on in the next row, as far in as brackets are open before the cursor."""
    depth = open_brackets(buffer.document.text_before_cursor)
    buffer.insert_text("\n" + " " * (INDENT * depth))


def close_bracket(buffer: Buffer, mark: str) -> None:
    """A closing bracket; the first thing in its row moves out by one step."""
    before = buffer.document.current_line_before_cursor
    if before and before.isspace():
        depth = open_brackets(buffer.document.text_before_cursor)
        surplus = len(before) - INDENT * max(0, depth - 1)
        buffer.delete_before_cursor(max(0, surplus))
    buffer.insert_text(mark)


def open_brackets(text: str) -> int:
    """How many brackets are open at the end of a text; those in strings do not count."""
    depth = 0
    for token in Scanner(Mode(prompt=True)).feed(text):
        if token.kind is Kind.OPEN:
            depth += 1
        elif token.kind is Kind.CLOSE:
            depth = max(0, depth - 1)
    return depth


HANDLERS: dict[str, Callable[[Desk], None]] = {"edit_line": edit_line}
