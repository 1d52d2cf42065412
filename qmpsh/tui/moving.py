"""Keys that move in the output or copy replies from it: search, replies, clipboard, file."""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.tui.actions import Desk
from qmpsh.tui.blocks import Heading
from qmpsh.tui.clipboard import copy_text
from qmpsh.tui.modes import begin_line
from qmpsh.tui.purposes import NO_REPLY, Saving, Searching
from qmpsh.tui.store import Store


def search_output(desk: Desk) -> None:
    screen = desk.screen
    screen.sheet, screen.zoomed = None, False
    if isinstance(screen.entry.purpose, Searching):
        return
    last = screen.searching.text if screen.searching else ""
    screen.searching = Searching(
        screen.output, desk.app.create_background_task, desk.app.invalidate, last
    )
    # In vi's normal mode, letters would be commands here too.
    begin_line(desk.app)
    screen.entry.open(screen.searching)


def previous_reply(desk: Desk) -> None:
    view = desk.screen.output.view
    line = heading_before(view.store, view.top_line)
    if line is not None:
        view.put_on_top(line)


def next_reply(desk: Desk) -> None:
    view = desk.screen.output.view
    line = heading_behind(view.store, view.top_line)
    if line is None:
        view.to_tail()
    else:
        view.put_on_top(line)


def copy_reply(desk: Desk) -> None:
    reply = desk.screen.output.last_reply
    desk.screen.flash = copy_text(reply.text(), desk.app.output) if reply else NO_REPLY


def save_reply(desk: Desk) -> None:
    reply = desk.screen.output.last_reply
    if reply is None:
        desk.screen.flash = NO_REPLY
        return
    begin_line(desk.app)
    desk.screen.entry.open(Saving(reply.text(), desk.screen.output.note))


def toggle_mouse(desk: Desk) -> None:
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


HANDLERS: dict[str, Callable[[Desk], None]] = {
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
