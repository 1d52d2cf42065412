"""Keys that select an event in its pane and open it in the output."""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.tui.actions import Desk


def previous_event(desk: Desk) -> None:
    _select(desk, -1)


def next_event(desk: Desk) -> None:
    _select(desk, 1)


def open_event(desk: Desk) -> None:
    """Show the selected event's JSON (Enter on an empty line); it stays selected."""
    screen = desk.screen
    block = screen.events.selected
    if block is not None:
        screen.sheet, screen.zoomed = None, False
        screen.output.view.to_tail()
        screen.output.event(block)


def leave_event(desk: Desk) -> None:
    """Deselect the event (Escape)."""
    desk.screen.events.leave()


def _select(desk: Desk, step: int) -> None:
    screen = desk.screen
    if not screen.events_shown:
        screen.flash = "the events are hidden: F3 shows them"
        return
    screen.events.select(step)
    if screen.events.selected is not None:
        screen.flash = "Enter on an empty line opens the event; Esc leaves it"


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "previous_event": previous_event,
    "next_event": next_event,
}
