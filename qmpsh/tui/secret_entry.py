"""The keys while a secret is asked for: it is never shown, nor in a buffer or the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from qmpsh.shell.outcome import AskSecret
from qmpsh.tui.actions import Desk

if TYPE_CHECKING:
    from qmpsh.shell.session import Running


class SecretEntry:
    """What was typed for the current question; another line starts with nothing typed."""

    def __init__(self, running: Callable[[], Running | None]) -> None:
        self._running = running
        self._line: Running | None = None
        self._typed = ""

    @property
    def is_asked(self) -> bool:
        """Whether the current question asks for a secret."""
        running = self._running()
        return running is not None and isinstance(running.task.asking, AskSecret)

    def add(self, text: str) -> None:
        """Add typed or pasted text."""
        if self._line is not self._running():
            self._line, self._typed = self._running(), ""
        self._typed += text

    def erase(self, count: int | None = None) -> None:
        """Erase the last characters, all by default."""
        self.add("")
        self._typed = self._typed[:-count] if count else ""

    def take(self) -> str:
        """Return what was typed, and forget it."""
        self.add("")
        typed, self._typed, self._line = self._typed, "", None
        return typed


def bind_secret(bindings: KeyBindings, desk: Desk) -> None:
    """Bind letters and pastes to type, Backspace and Ctrl-U to erase, Enter to answer."""
    entry = SecretEntry(lambda: desk.screen.session.running)
    asked = Condition(lambda: entry.is_asked)

    def type_in(event: KeyPressEvent) -> None:
        # Other keys have names of several letters.
        if len(event.key_sequence[-1].key) == 1:
            entry.add(event.data)

    def paste(event: KeyPressEvent) -> None:
        entry.add(event.data.rstrip("\r\n"))

    def answer(event: KeyPressEvent) -> None:
        running = desk.screen.session.running
        if running is not None:
            running.task.reply(entry.take())
            desk.turn()

    bindings.add(Keys.Any, filter=asked)(type_in)
    bindings.add(Keys.BracketedPaste, filter=asked)(paste)
    bindings.add("backspace", filter=asked)(lambda event: entry.erase(1))
    bindings.add("c-u", filter=asked)(lambda event: entry.erase())
    bindings.add("enter", filter=asked)(answer)
