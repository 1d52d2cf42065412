"""What the keys do: one short function per key, named in the key table."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer

from qmpsh.errors import QmpshError
from qmpsh.tui.blocks import Foldable
from qmpsh.tui.modes import begin_line
from qmpsh.tui.output import Echo
from qmpsh.tui.pager import show_in_pager
from qmpsh.tui.runner import Runner
from qmpsh.tui.screen import Screen, let_go_note
from qmpsh.tui.status import NARROW

LEAVE_TIP = "Ctrl-D leaves the shell; the VM goes on"
OWN_LEAVE_TIP = "Ctrl-D leaves the shell, and asks what becomes of the VM"
NARROW_TIP = f"events stand beside from {NARROW} columns on; F3 zooms them"


class Desk(NamedTuple):
    """What a handler may use.

    screen:  what is shown
    runner:  runs lines
    buffer:  the line being typed
    app:     the application
    turn:    call it when the session may have something to send
    suspend: stops the process, like Ctrl-Z
    """

    screen: Screen
    runner: Runner[Echo]
    buffer: Buffer
    app: Application[int]
    turn: Callable[[], None]
    suspend: Callable[[], None]


def end(app: Application[int], exit_code: int) -> None:
    """End the application; harmless if repeated."""
    if app.is_running and not app.is_done:
        app.exit(result=exit_code)


def key_sheet(desk: Desk) -> None:
    desk.screen.toggle_sheet()


def toggle_events(desk: Desk) -> None:
    screen = desk.screen
    preferences = screen.session.preferences
    if not screen.is_narrow:
        preferences.change("events", "off" if preferences.values.events else "on")
    elif screen.zoomed:
        screen.zoomed = False
    else:
        screen.flash = NARROW_TIP


def zoom_events(desk: Desk) -> None:
    desk.screen.zoomed = not desk.screen.zoomed


def toggle_fold(desk: Desk) -> None:
    output = desk.screen.output
    if output.last_reply is not None:
        output.view.toggle(output.last_reply)


def page_reply(desk: Desk) -> None:
    reply = desk.screen.output.last_reply
    if reply is not None and not desk.screen.paging:
        desk.app.create_background_task(_page(desk, reply))


async def _page(desk: Desk, reply: Foldable) -> None:
    desk.screen.paging = True
    try:
        await show_in_pager(reply.text(), is_table=reply.is_table)
    except QmpshError as error:
        desk.screen.output.error(error)
    finally:
        desk.screen.paging = False
        desk.app.invalidate()


def toggle_hmp(desk: Desk) -> None:
    desk.runner.submit(".hmp")
    desk.turn()


def output_up(desk: Desk) -> None:
    desk.screen.main_view.page(-1)


def output_down(desk: Desk) -> None:
    desk.screen.main_view.page(1)


def output_start(desk: Desk) -> None:
    desk.screen.main_view.to_start()


def output_tail(desk: Desk) -> None:
    desk.screen.main_view.to_tail()


def end_of_line(desk: Desk) -> None:
    buffer = desk.buffer
    if buffer.text:
        buffer.cursor_position += buffer.document.get_end_of_line_position()
    else:
        output_tail(desk)


def events_up(desk: Desk) -> None:
    desk.screen.events.view.page(-1)


def events_down(desk: Desk) -> None:
    desk.screen.events.view.page(1)


def clear_output(desk: Desk) -> None:
    desk.screen.output.view.clear()


def interrupt(desk: Desk) -> None:
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


def _let_go(desk: Desk) -> None:
    running, queued = desk.screen.session.running, len(desk.runner.waiting)
    if not desk.runner.interrupt():
        own = desk.screen.session.asks_to_leave
        desk.screen.flash = OWN_LEAVE_TIP if own else LEAVE_TIP
    elif running is None:
        desk.screen.output.note("abandoned: nothing was sent")
    elif running.task.outcome is None:
        desk.screen.output.note(let_go_note(running, queued))
    desk.turn()


def suspend(desk: Desk) -> None:
    desk.suspend()


def leave(desk: Desk) -> None:
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


HANDLERS: dict[str, Callable[[Desk], None]] = {
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
