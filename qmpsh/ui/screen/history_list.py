"""Ctrl-R: the lines typed before as a list, newest first, which what is typed narrows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Line
from qmpsh.ui.common.entry_mode import EntryMode
from qmpsh.ui.common.history import matching
from qmpsh.ui.common.wrap import cut
from qmpsh.ui.screen.entries import NOT_FOUND
from qmpsh.ui.screen.menu import scrolled

LIST_KEYS = ("  Enter takes it, Up, Down, Esc leaves", "  Enter, Up, Down, Esc", "")
"""what the keys do, from the fullest wording to nothing"""


class HistoryMode(EntryMode):
    """The list of the history.

    entries: newest first; take: called with the one that is wanted
    """

    label = "history: "

    def __init__(self, entries: Sequence[str], take: Callable[[str], None]) -> None:
        self._entries = self._found = entries
        self._take = take
        self._index = self._top = 0

    @property
    def count(self) -> int:
        """How many entries fit what is typed."""
        return len(self._found)

    def info(self, width: int) -> Line:
        if not self._found:
            return NOT_FOUND
        place = f"  {self._index + 1}/{self.count}"
        room = width - len(place)
        keys = next(words for words in LIST_KEYS if len(words) <= room or not words)
        return [("hint.current", place), ("hint", keys)]

    def on_text_changed(self, text: str) -> None:
        self._found = matching(self._entries, text)
        self._index = self._top = 0

    def accept(self, text: str) -> bool:
        if self._found:
            self._take(self._found[self._index])
        return bool(self._found)

    def previous(self) -> None:
        self._index = max(0, self._index - 1)

    def next(self) -> None:
        self._index = max(0, min(self._index + 1, self.count - 1))

    def rows(self, width: int, height: int, more: str) -> list[Line]:
        """Return the entries in view. more: marks what was cut off"""
        height = min(height, self.count)
        self._top = scrolled(self._top, self._index, height, self.count)
        rows: list[Line] = []
        for number, entry in enumerate(self._found[self._top : self._top + height], self._top):
            role = "menu.current" if number == self._index else "menu"
            text = f" {visible_word(entry)} "
            row = cut([(role, text)], width, more)
            rows.append([*row, (role, " " * (width - len(text)))])
        return rows
