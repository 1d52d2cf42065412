"""A line of its own in place of the hint, where a word is asked for: what to search, a file's name.

It has the keys while it is open; what is typed at the prompt stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.layout.containers import VSplit, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl

from qmpsh.tui.rows import cut, line_width
from qmpsh.tui.style import fragments
from qmpsh.view.theme import Line


class Purpose(Protocol):
    """What the word is for."""

    @property
    def label(self) -> str:
        """What stands before the word."""

    def info(self, width: int) -> Line:
        """What stands behind it, at the right edge. width: columns that there are for it."""

    def changed(self, text: str) -> None:
        """The word is another one now."""

    def accept(self, text: str) -> bool:
        """Enter; True when the line has done its work."""

    def back(self) -> None:
        """Shift-Tab."""

    def left(self) -> None:
        """The line is closed."""


class Entry:
    """moved: called when it opens or closes, so that the keys go where they belong."""

    def __init__(self) -> None:
        self.moved: Callable[[], None] = _nothing
        self.purpose: Purpose | None = None
        self.buffer = Buffer(name="entry", multiline=False, on_text_changed=self._changed)
        keys = KeyBindings()
        keys.add("enter")(self._accept)
        keys.add("s-tab")(self._back)
        for key in ("escape", "c-c", "c-g"):
            keys.add(key)(self._leave)
        control = BufferControl(self.buffer, key_bindings=keys)
        # A word longer than the window moves sideways in it.
        self.window = Window(control, height=1, style="class:hint.current", wrap_lines=False)

    @property
    def is_open(self) -> bool:
        """Whether it stands in place of the hint."""
        return self.purpose is not None

    def open(self, purpose: Purpose) -> None:
        """Ask for a word; what was asked before is given up."""
        self.close()
        self.purpose = purpose
        self.moved()

    def close(self) -> None:
        """Give the place back to the hint."""
        purpose, self.purpose = self.purpose, None
        self.buffer.reset()
        if purpose is not None:
            purpose.left()
            self.moved()

    def row(self, columns: Callable[[], int], more: str) -> VSplit:
        """The line: label, word, what is said about it. columns: of the terminal."""

        def label() -> Line:
            return [("hint", self.purpose.label)] if self.purpose else []

        def info() -> Line:
            width = columns() // 2
            return cut(self.purpose.info(width), width, more) if self.purpose else []

        return VSplit([_fixed(label), self.window, _fixed(info)], height=1, style="class:hint")

    def _changed(self, buffer: Buffer) -> None:
        if self.purpose is not None:
            self.purpose.changed(buffer.text)

    def _accept(self, event: KeyPressEvent) -> None:
        if self.purpose is not None and self.purpose.accept(self.buffer.text):
            self.close()

    def _back(self, event: KeyPressEvent) -> None:
        if self.purpose is not None:
            self.purpose.back()

    def _leave(self, event: KeyPressEvent) -> None:
        self.close()


def _fixed(line: Callable[[], Line]) -> Window:
    return Window(
        FormattedTextControl(lambda: fragments(line())),
        width=lambda: line_width(line()),
        dont_extend_width=True,
        height=1,
    )


def _nothing() -> None:
    """Before the layout is there."""
