"""The table of keys as prompt_toolkit's bindings, and the few that answer a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from prompt_toolkit.filters import (
    Always,
    Condition,
    Filter,
    completion_is_selected,
    has_completions,
    is_searching,
)
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from qmpsh.errors import QmpshError
from qmpsh.shell.outcome import Ask
from qmpsh.tui.actions import HANDLERS, Desk
from qmpsh.tui.keys import KEYS, Key
from qmpsh.tui.secret_entry import bind_secret


def bind_keys(bindings: KeyBindings, desk: Desk, table: Sequence[Key] = KEYS) -> None:
    """Every row of the table that has a handler; Enter and Escape where a menu is open."""
    filters: dict[str, Filter] = {
        "leave": Condition(lambda: not desk.buffer.text) & ~is_searching,
        "interrupt": ~is_searching,
        "end_of_line": ~is_searching,
    }
    for key in table:
        for keys in key.keys if key.handler else ():
            where = filters.get(key.handler, Always())
            bindings.add(*keys.split(" "), filter=where)(
                partial(_handle, desk, HANDLERS[key.handler])
            )
    bindings.add("enter", filter=completion_is_selected)(_close_menu)
    bindings.add("escape", filter=has_completions)(_cancel_menu)
    sheet_open = Condition(lambda: desk.screen.sheet is not None)
    bindings.add("escape", filter=sheet_open)(partial(_handle, desk, HANDLERS["key_sheet"]))


def bind_question(bindings: KeyBindings, desk: Desk) -> None:
    """The keys while a question stands in the prompt's place."""
    bindings.add("enter")(lambda event: _first_choice(desk))
    bindings.add("escape")(partial(_handle, desk, HANDLERS["interrupt"]))
    bindings.add(Keys.Any)(partial(_choose, desk))
    bind_secret(bindings, desk)


def _handle(desk: Desk, handler: Callable[[Desk], None], event: KeyPressEvent) -> None:
    desk.screen.flash = ""
    try:
        handler(desk)
    except QmpshError as error:
        desk.screen.output.error(error)


def _close_menu(event: KeyPressEvent) -> None:
    """Enter on a candidate takes it; the line runs with the next Enter."""
    event.current_buffer.complete_state = None


def _cancel_menu(event: KeyPressEvent) -> None:
    event.current_buffer.cancel_completion()


def _first_choice(desk: Desk) -> None:
    asking = desk.screen.asking
    if asking is not None and asking.choices:
        _answer(desk, asking, asking.choices[0][0])


def _choose(desk: Desk, event: KeyPressEvent) -> None:
    asking = desk.screen.asking
    if asking is not None and event.data in dict(asking.choices):
        _answer(desk, asking, event.data)


def _answer(desk: Desk, asking: Ask, key: str) -> None:
    running = desk.screen.session.running
    if running is not None:
        desk.screen.output.note(f"{asking.question} {dict(asking.choices)[key]}")
        running.task.reply(key)
        desk.turn()
