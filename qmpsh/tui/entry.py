"""An input row in place of the hint that asks for a word: text to search, or a file name.

It has the keys while it is open; what is typed at the prompt is kept.
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
        """What is shown before the word."""

    def info(self, width: int) -> Line:
        """Return what is shown after the word, at the right edge. width: columns available."""

    def changed(self, text: str) -> None:
        """Handle a change of the word."""

    def accept(self, text: str) -> bool:
        """Handle Enter; return True to close the entry."""

    def back(self) -> None:
        """Handle Shift-Tab."""

    def left(self) -> None:
        """Handle the closing of the entry."""


class Entry:
    """The input row. moved: called when it opens or closes, to move the focus."""

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
        # A word longer than the window scrolls sideways.
        self.window = Window(control, height=1, style="class:hint.current", wrap_lines=False)

    @property
    def is_open(self) -> bool:
        """Whether it is shown in place of the hint."""
        return self.purpose is not None

    def open(self, purpose: Purpose) -> None:
        """Ask for a word; an earlier question is dropped."""
        self.close()
        self.purpose = purpose
        self.moved()

    def close(self) -> None:
        """Close the row and show the hint again."""
        purpose, self.purpose = self.purpose, None
        self.buffer.reset()
        if purpose is not None:
            purpose.left()
            self.moved()

    def row(self, columns: Callable[[], int], more: str) -> VSplit:
        """Return the row: label, word, information about it. columns: of the terminal."""

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
    """Do nothing until the layout exists."""
