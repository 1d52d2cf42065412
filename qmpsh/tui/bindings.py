"""Turns the key table into prompt_toolkit bindings, plus the few keys that answer a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from prompt_toolkit.filters import (
    Always,
    Condition,
    Filter,
    completion_is_selected,
    emacs_insert_mode,
    has_completions,
    is_searching,
    vi_insert_mode,
    vi_navigation_mode,
)
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from qmpsh.errors import QmpshError
from qmpsh.shell.outcome import Ask
from qmpsh.tui import editing, moving, selecting
from qmpsh.tui.actions import HANDLERS, Desk
from qmpsh.tui.keys import KEYS, Key
from qmpsh.tui.modes import ignore_strangers, leave_insert
from qmpsh.tui.offer import Offer
from qmpsh.tui.secret_entry import bind_secret


def bind_keys(bindings: KeyBindings, desk: Desk, table: Sequence[Key] = KEYS) -> None:
    """Bind every row of the table that has a handler, and Enter for an open menu or event."""
    at_prompt = ~is_searching & ~Condition(lambda: desk.screen.entry.is_open)
    filters: dict[str, Filter] = {
        "leave": Condition(lambda: not desk.buffer.text) & at_prompt,
        "interrupt": at_prompt,
        "end_of_line": at_prompt,
    }
    handlers = {**HANDLERS, **moving.HANDLERS, **selecting.HANDLERS, **editing.HANDLERS}
    for key in table:
        for keys in key.keys if key.handler else ():
            where = filters.get(key.handler, Always())
            bindings.add(*keys.split(" "), filter=where)(
                partial(_handle, desk, handlers[key.handler])
            )
    selected = Condition(lambda: desk.screen.events.selected is not None) & at_prompt
    empty = Condition(lambda: not desk.buffer.text)
    bindings.add("enter", filter=selected & empty)(partial(_handle, desk, selecting.open_event))
    bindings.add("enter", filter=completion_is_selected)(_close_menu)


def bind_escape(bindings: KeyBindings, desk: Desk) -> Callable[[], bool]:
    """Bind Escape at the prompt: it leaves the nearest of these, and vi's insert mode as well.

    Returns a function that says whether Escape means something by itself at present, at the prompt
    or in an entry.
    """
    screen = desk.screen
    meanings: tuple[tuple[Callable[[], bool], Callable[[Desk], None]], ...] = (
        (lambda: screen.sheet is not None, HANDLERS["key_sheet"]),
        (has_completions, _cancel_menu),
        (lambda: screen.events.selected is not None, selecting.leave_event),
    )

    def is_meant() -> bool:
        return any(holds() for holds, _ in meanings)

    def leave(desk: Desk) -> None:
        next(action for holds, action in meanings if holds())(desk)
        leave_insert(desk.app)

    at_prompt = ~is_searching & ~Condition(lambda: screen.entry.is_open)
    bindings.add("escape", filter=Condition(is_meant) & at_prompt)(partial(_handle, desk, leave))
    return lambda: is_meant() or screen.entry.is_open or screen.asking is not None


def bind_editing(bindings: KeyBindings, desk: Desk, offer: Offer) -> None:
    """Bind the editing keys that are not in the table because they do what everybody expects."""
    buffer = desk.buffer
    at_line = Condition(lambda: desk.app.current_buffer is buffer)
    inserting = at_line & (emacs_insert_mode | vi_insert_mode)

    def goes_on(event: KeyPressEvent) -> None:
        desk.screen.output.advice.get(
            "indent",
            lambda: editing.new_row(buffer, desk.screen.session.split),
            lambda: buffer.insert_text("\n"),
        )

    def close(event: KeyPressEvent) -> None:
        desk.screen.output.advice.get(
            "indent",
            lambda: editing.close_bracket(buffer, event.data, desk.screen.session.split),
            lambda: buffer.insert_text(event.data),
        )

    def pass_by(event: KeyPressEvent) -> None:
        """Let an arrow ignore a menu that opened by itself."""
        buffer.cancel_completion()
        if event.key_sequence[0].key == Keys.Up:
            buffer.auto_up()
        else:
            buffer.auto_down()

    ignore_strangers(bindings)
    several = Condition(buffer.multiline)
    bindings.add("enter", filter=inserting & several & ~completion_is_selected)(goes_on)
    for mark in "}]":
        bindings.add(mark, filter=inserting)(close)
    for key in ["up", "down"]:
        bindings.add(key, filter=at_line & Condition(lambda: offer.is_open))(pass_by)
    bindings.add("v", filter=at_line & vi_navigation_mode)(
        partial(_handle, desk, editing.edit_line)
    )


def bind_question(bindings: KeyBindings, desk: Desk) -> None:
    """Bind the keys for a question that replaces the prompt."""
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
    """Accept the candidate on Enter; the next Enter runs the line."""
    event.current_buffer.complete_state = None


def _cancel_menu(desk: Desk) -> None:
    desk.app.current_buffer.cancel_completion()


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
        word = dict(asking.choices)[key]
        chosen = word if asking.question.endswith("?") else f"Chosen: {word}"
        desk.screen.output.note(f"{asking.question} {chosen}")
        running.task.reply(key)
        desk.turn()
