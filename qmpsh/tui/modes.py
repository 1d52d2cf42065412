"""Emacs and vi: how a line begins, what the mode is called, how long Escape waits for a letter.

A terminal sends Alt and a letter as Escape and the letter, at once; a person may type the two one
after the other. If Escape means something by itself, the wait is only as long as a terminal needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import emacs_mode
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys

T = TypeVar("T")

EDITING = {"emacs": EditingMode.EMACS, "vi": EditingMode.VI}

CHORD = 0.3
"""seconds between the keys of a chord such as Ctrl-X Ctrl-E, or Escape and a letter"""

ALT = 0.05
"""most seconds between Escape and a letter that a terminal sent as one key"""

WORDS = {
    InputMode.NAVIGATION: "normal",
    InputMode.REPLACE: "replace",
    InputMode.REPLACE_SINGLE: "replace",
}
"""vi's names for the modes in which a letter is not inserted"""


def mode_word(app: Application[T]) -> str:
    """Return vi's mode in a word; "" if letters are inserted."""
    if app.editing_mode != EditingMode.VI:
        return ""
    if app.current_buffer.selection_state is not None:
        return "visual"
    return WORDS.get(app.vi_state.input_mode, "")


def begin_line(app: Application[T]) -> None:
    """Switch to inserting: a new line never begins in vi's normal mode, as in any other shell."""
    app.vi_state.reset()


def leave_insert(app: Application[T]) -> None:
    """Do what Escape does in vi: the cursor moves back onto the last letter. No effect in Emacs."""
    if app.editing_mode == EditingMode.VI and not mode_word(app):
        buffer = app.current_buffer
        buffer.cursor_position += buffer.document.get_cursor_left_position()
        app.vi_state.input_mode = InputMode.NAVIGATION


def watch_escape(app: Application[T], means_something: Callable[[], bool]) -> None:
    """Make keys wait less for the rest of a chord while Escape means something by itself."""

    def wait_for_chord(_: object) -> None:
        alone = app.editing_mode == EditingMode.VI or means_something()
        app.timeoutlen = ALT if alone else CHORD

    app.key_processor.before_key_press += wait_for_chord


def ignore_strangers(bindings: KeyBindings) -> None:
    """Ignore Alt and a letter without a binding; in vi they are Escape and a letter."""

    def swallow(event: KeyPressEvent) -> None:
        pressed = event.key_sequence[-1]
        if not pressed.data.isprintable():
            # Not a letter, but a key that was pressed after Escape.
            event.app.key_processor.feed(pressed, first=True)

    bindings.add("escape", Keys.Any, filter=emacs_mode)(swallow)
