"""What the keys do: one short function per key, named in the key table.

Some move in the output or copy replies from it (search, replies, clipboard, file), some select an
event in its pane and open it in the output, some edit the line being typed (the editor, new rows,
arrows beside an offered menu).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from qmpsh.errors import QmpshError
from qmpsh.language.analysis import analyse
from qmpsh.language.reader import Split
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import TokenKind
from qmpsh.ui.common.external import copy_text, edit, show_in_pager
from qmpsh.ui.common.keys import begin_line
from qmpsh.ui.common.runner import LineRunner
from qmpsh.ui.screen.blocks import Foldable, Heading
from qmpsh.ui.screen.entries import NO_REPLY, SaveMode, SearchMode
from qmpsh.ui.screen.output import Echo
from qmpsh.ui.screen.screen import Screen, let_go_note
from qmpsh.ui.screen.status import NARROW
from qmpsh.ui.screen.store import Store

LEAVE_TIP = "Ctrl-D leaves the shell; the VM goes on"
OWN_LEAVE_TIP = "Ctrl-D leaves the shell, and asks what becomes of the VM"
NARROW_TIP = f"events stand beside from {NARROW} columns on; F3 zooms them"


class KeyContext(NamedTuple):
    """What a key's handler may use.

    screen:  what is shown
    runner:  runs lines
    buffer:  the line being typed
    app:     the application
    turn:    call it when the session may have something to send
    suspend: stops the process, like Ctrl-Z
    """

    screen: Screen
    runner: LineRunner[Echo]
    buffer: Buffer
    app: Application[int]
    turn: Callable[[], None]
    suspend: Callable[[], None]


def end(app: Application[int], exit_code: int) -> None:
    """End the application; harmless if repeated."""
    if app.is_running and not app.is_done:
        app.exit(result=exit_code)


def key_sheet(desk: KeyContext) -> None:
    desk.screen.toggle_sheet()


def toggle_events(desk: KeyContext) -> None:
    screen = desk.screen
    preferences = screen.session.preferences
    if not screen.is_narrow:
        preferences.change("events", "off" if preferences.values.events else "on")
    elif screen.zoomed:
        screen.zoomed = False
    else:
        screen.flash = NARROW_TIP


def zoom_events(desk: KeyContext) -> None:
    desk.screen.zoomed = not desk.screen.zoomed


def toggle_fold(desk: KeyContext) -> None:
    output = desk.screen.output
    if output.last_reply is not None:
        output.view.toggle(output.last_reply)


def page_reply(desk: KeyContext) -> None:
    reply = desk.screen.output.last_reply
    if reply is not None and not desk.screen.paging:
        desk.app.create_background_task(_page(desk, reply))


async def _page(desk: KeyContext, reply: Foldable) -> None:
    desk.screen.paging = True
    try:
        await show_in_pager(reply.text(), is_table=reply.is_table)
    except QmpshError as error:
        desk.screen.output.error(error)
    finally:
        desk.screen.paging = False
        desk.app.invalidate()


def toggle_hmp(desk: KeyContext) -> None:
    desk.runner.submit(".hmp")
    desk.turn()


def output_up(desk: KeyContext) -> None:
    desk.screen.main_view.page(-1)


def output_down(desk: KeyContext) -> None:
    desk.screen.main_view.page(1)


def output_start(desk: KeyContext) -> None:
    desk.screen.main_view.to_start()


def output_tail(desk: KeyContext) -> None:
    desk.screen.main_view.to_tail()


def end_of_line(desk: KeyContext) -> None:
    buffer = desk.buffer
    if buffer.text:
        buffer.cursor_position += buffer.document.get_end_of_line_position()
    else:
        output_tail(desk)


def events_up(desk: KeyContext) -> None:
    desk.screen.events.view.page(-1)


def events_down(desk: KeyContext) -> None:
    desk.screen.events.view.page(1)


def clear_output(desk: KeyContext) -> None:
    desk.screen.output.view.clear()


def interrupt(desk: KeyContext) -> None:
    """Cancel the nearest of these: question, typed line, key sheet, running command."""
    screen, buffer = desk.screen, desk.buffer
    if desk.screen.paging:
        # Ctrl-C in the pager is for the pager.
        return
    begin_line(desk.app)
    if screen.asking is None and buffer.text:
        buffer.reset()
    elif screen.sheet is not None:
        screen.toggle_sheet()
    else:
        _let_go(desk)


def _let_go(desk: KeyContext) -> None:
    running, queued = desk.screen.session.running, len(desk.runner.waiting)
    if not desk.runner.interrupt():
        own = desk.screen.session.asks_to_leave
        desk.screen.flash = OWN_LEAVE_TIP if own else LEAVE_TIP
    elif running is None:
        desk.screen.output.note("abandoned: nothing was sent")
    elif running.task.outcome is None:
        desk.screen.output.note(let_go_note(running, queued))
    desk.turn()


def suspend(desk: KeyContext) -> None:
    desk.suspend()


def leave(desk: KeyContext) -> None:
    """Handle Ctrl-D. If leaving asks a question, a line asks it; a second Ctrl-D cancels it."""
    screen = desk.screen
    if not screen.session.asks_to_leave:
        end(desk.app, 0)
    elif screen.asking is not None:
        interrupt(desk)
    else:
        desk.runner.interrupt()
        desk.runner.submit(".exit")
        desk.turn()


_ANY_HANDLERS: dict[str, Callable[[KeyContext], None]] = {
    handler.__name__: handler
    for handler in (
        key_sheet,
        toggle_events,
        zoom_events,
        toggle_fold,
        page_reply,
        toggle_hmp,
        output_up,
        output_down,
        output_start,
        output_tail,
        end_of_line,
        events_up,
        events_down,
        clear_output,
        interrupt,
        suspend,
        leave,
    )
}


def search_output(desk: KeyContext) -> None:
    screen = desk.screen
    screen.sheet, screen.zoomed = None, False
    if isinstance(screen.entry.purpose, SearchMode):
        return
    last = screen.searching.text if screen.searching else ""
    screen.searching = SearchMode(
        screen.output, desk.app.create_background_task, desk.app.invalidate, last
    )
    # In vi's normal mode, letters would be commands here too.
    begin_line(desk.app)
    screen.entry.open(screen.searching)


def previous_reply(desk: KeyContext) -> None:
    view = desk.screen.output.view
    line = heading_before(view.store, view.top_line)
    if line is not None:
        view.put_on_top(line)


def next_reply(desk: KeyContext) -> None:
    view = desk.screen.output.view
    line = heading_behind(view.store, view.top_line)
    if line is None:
        view.to_tail()
    else:
        view.put_on_top(line)


def copy_reply(desk: KeyContext) -> None:
    reply = desk.screen.output.last_reply
    desk.screen.flash = copy_text(reply.text(), desk.app.output) if reply else NO_REPLY


def save_reply(desk: KeyContext) -> None:
    reply = desk.screen.output.last_reply
    if reply is None:
        desk.screen.flash = NO_REPLY
        return
    begin_line(desk.app)
    desk.screen.entry.open(SaveMode(reply.text(), desk.screen.output.note))


def toggle_mouse(desk: KeyContext) -> None:
    screen = desk.screen
    preferences = screen.session.preferences
    wanted = not preferences.values.mouse
    preferences.change("mouse", "on" if wanted else "off")
    screen.flash = (
        "mouse on: the wheel scrolls the pane under it; hold Shift to select text"
        if wanted
        else "mouse off: it belongs to the terminal"
    )


def heading_before(store: Store, line: int) -> int | None:
    """Return the number of the nearest command line above a line; None if there is none."""
    for index in range(store.place_of(line), -1, -1):
        block = store.blocks[index]
        if isinstance(block, Heading) and block.heading_line < line:
            return block.heading_line
    return None


def heading_behind(store: Store, line: int) -> int | None:
    """Return the number of the nearest command line below a line; None if there is none."""
    for index in range(max(0, store.place_of(line)), len(store.blocks)):
        block = store.blocks[index]
        if isinstance(block, Heading) and block.heading_line > line:
            return block.heading_line
    return None


_MOVE_HANDLERS: dict[str, Callable[[KeyContext], None]] = {
    handler.__name__: handler
    for handler in (
        search_output,
        previous_reply,
        next_reply,
        copy_reply,
        save_reply,
        toggle_mouse,
    )
}


def previous_event(desk: KeyContext) -> None:
    _select(desk, -1)


def next_event(desk: KeyContext) -> None:
    _select(desk, 1)


def open_event(desk: KeyContext) -> None:
    """Show the selected event's JSON (Enter on an empty line); it stays selected."""
    screen = desk.screen
    block = screen.events.selected
    if block is not None:
        screen.sheet, screen.zoomed = None, False
        screen.output.view.to_tail()
        screen.output.event(block)


def leave_event(desk: KeyContext) -> None:
    """Deselect the event (Escape)."""
    desk.screen.events.leave()


def _select(desk: KeyContext, step: int) -> None:
    screen = desk.screen
    if not screen.events_shown:
        screen.flash = "the events are hidden: F3 shows them"
        return
    screen.events.select(step)
    if screen.events.selected is not None:
        screen.flash = "Enter on an empty line opens the event; Esc leaves it"


_SELECT_HANDLERS: dict[str, Callable[[KeyContext], None]] = {
    "previous_event": previous_event,
    "next_event": next_event,
}


Splitting = Callable[[str], Split]
"""Whether a line continues on the next row."""

INDENT = 2
"""spaces per open bracket"""


def edit_line(desk: KeyContext) -> None:
    if not desk.screen.paging:
        desk.app.create_background_task(_edit(desk))


async def _edit(desk: KeyContext) -> None:
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
    tokens = analyse(split(text).rest, Mode(prompt=True)).tokens
    if tokens and tokens[-1].kind is TokenKind.UNCLOSED:
        return 0
    for token in tokens:
        if token.kind is TokenKind.OPEN:
            depth += 1
        elif token.kind is TokenKind.CLOSE:
            depth = max(0, depth - 1)
    return depth


_EDIT_HANDLERS: dict[str, Callable[[KeyContext], None]] = {"edit_line": edit_line}

HANDLERS = {**_ANY_HANDLERS, **_MOVE_HANDLERS, **_SELECT_HANDLERS, **_EDIT_HANDLERS}
"""The handlers that a key may be bound to, by the names in the table of keys."""
