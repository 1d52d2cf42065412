"""What an entry is for: searching the output, or saving a reply. See `entry`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine

from qmpsh.tui.blocks import Foldable
from qmpsh.tui.output import Output
from qmpsh.tui.search import Match, Search
from qmpsh.view.columns import text_columns
from qmpsh.view.safe import visible_word
from qmpsh.view.theme import Line
from qmpsh.view.units import number, size

NO_REPLY = "there is no reply yet"
NOT_FOUND: Line = [("hint.error", "  not found")]

KEYS = ("  Enter next, Shift-Tab back, Esc", "  Enter, Shift-Tab, Esc", "  Enter, Esc", "")
"""what the keys do in a search, from the fullest wording to nothing"""

Spawn = Callable[[Coroutine[None, None, None]], object]
"""Runs a coroutine in the background of the application."""


class Searching:
    """A search of the output.

    spawn:   runs the reading of the lines
    changed: called when there is something new to show
    last:    the previous search's text, which Enter on an empty entry searches for again
    text:    what was searched for this time
    """

    label = "search output: "

    def __init__(
        self, output: Output, spawn: Spawn, changed: Callable[[], None], last: str = ""
    ) -> None:
        self.search = Search(output.store)
        self._output = output
        self._spawn = spawn
        self._show_changed = changed
        self._last = self.text = last
        self._top = output.view.top_line
        self._reading = False
        self._moves: list[Callable[[], Match | None]] = []
        output.view.mark = self.search.mark

    def info(self, width: int) -> Line:
        """See Purpose. The keys are described as fully as there is room."""
        search = self.search
        if not search.needle:
            again = f"Enter: {visible_word(self._last)}; " if self._last else ""
            return [("hint", f"  {again}Esc leaves")]
        if self._reading:
            return [("hint", f"  {number(len(search.matches))} so far")]
        if search.current is None:
            return NOT_FOUND
        count = len(search.matches)
        counted = f"  {number(search.number)} of {number(count)} line{'' if count == 1 else 's'}"
        room = width - text_columns(counted)
        keys = next(words for words in KEYS if len(words) <= room or not words)
        return [("hint.current", counted), ("hint", keys)]

    def changed(self, text: str) -> None:
        """See Purpose. The nearest match comes into view while typing."""
        self.text = text or self.text
        self.search.begin(text)
        self._moves.clear()
        self._go(lambda: self.search.find(self._top))

    def accept(self, text: str) -> bool:
        """See Purpose."""
        if text:
            self._go(self.search.next)
        elif self._last:
            self.changed(self._last)
        return False

    def back(self) -> None:
        """See Purpose."""
        self._go(self.search.previous)

    def left(self) -> None:
        """See Purpose. The view stays where it is."""
        self.search.begin("")
        self._moves.clear()
        self._output.view.mark = None

    def _go(self, move: Callable[[], Match | None]) -> None:
        """Read the lines not yet read, then move."""
        self._moves.append(move)
        if not self._reading:
            self._reading = True
            self._spawn(self._read())

    async def _read(self) -> None:
        while self.search.step():
            await asyncio.sleep(0)
        self._reading = False
        moves, self._moves = self._moves, []
        for move in moves:
            found = move()
            if found is not None:
                self._show(found)
        self._show_changed()

    def _show(self, match: Match) -> None:
        view, block = self._output.view, match.block
        if isinstance(block, Foldable) and block.fold is not None and block.folded:
            view.toggle(block)
        view.show(match.line)


class Saving:
    """Saving a reply to a file. text: what to write; say: called with a sentence on the result."""

    label = "save the reply to: "

    def __init__(self, text: str, say: Callable[[str], None]) -> None:
        self._text = text
        self._say = say
        self._trouble = ""
        self._replace = ""

    def info(self, width: int) -> Line:
        """See Purpose."""
        if self._trouble:
            return [("hint.error", f"  {visible_word(self._trouble)}")]
        return [("hint", "  Enter writes, Esc leaves")]

    def changed(self, text: str) -> None:
        """See Purpose."""
        self._trouble = self._replace = ""

    def accept(self, text: str) -> bool:
        """See Purpose. An existing file is replaced only after a second Enter."""
        name = os.path.expanduser(text.strip())
        if not name:
            return True
        data = f"{self._text}\n".encode(errors="replace")
        try:
            with open(name, "wb" if name == self._replace else "xb") as file:
                file.write(data)
        except FileExistsError:
            self._replace = name
            self._trouble = "it exists: Enter replaces it"
            return False
        except OSError as error:
            self._trouble = error.strerror or "cannot be written"
            return False
        self._say(f"written to {text.strip()}, {size(len(data))}")
        return True

    def back(self) -> None:
        """See Purpose. There is nothing to go back to."""

    def left(self) -> None:
        """See Purpose."""
