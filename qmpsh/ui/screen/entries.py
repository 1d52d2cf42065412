"""An input row in place of the hint that asks for a word, and what it asks for.

It has the keys while it is open; what is typed at the prompt is kept. It is used for searching the
output, for saving a reply to a file, and with Ctrl-R for searching the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.layout.containers import ConditionalContainer, VSplit, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.search import SearchState
from prompt_toolkit.widgets import SearchToolbar

from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line
from qmpsh.render.units import counted, number
from qmpsh.ui.common.entry_mode import EntryMode
from qmpsh.ui.common.style import fragments
from qmpsh.ui.common.wrap import cut, line_width
from qmpsh.ui.screen.output import Output
from qmpsh.ui.screen.search import Match, Search
from qmpsh.ui.screen.store import Foldable

NOT_FOUND: Line = [("hint.error", "  not found")]

SEARCH_KEYS = ("  Enter next, Shift-Tab back, Esc", "  Enter, Shift-Tab, Esc", "  Enter, Esc", "")
"""what the keys do in a search, from the fullest wording to nothing"""


class EntryRow:
    """The row of input that replaces the hint while it asks for a word.

    on_toggle: called when it opens or closes, to move the focus
    """

    def __init__(self) -> None:
        self.on_toggle: Callable[[], None] = _nothing
        self.mode: EntryMode | None = None
        self.buffer = Buffer(name="entry", multiline=False, on_text_changed=self._changed)
        keys = KeyBindings()
        keys.add("enter")(self._accept)
        for key in ("s-tab", "up", "c-s"):
            keys.add(key)(self._back)
        for key in ("tab", "down", "c-r"):
            keys.add(key)(self._forward)
        for key in ("escape", "c-c", "c-g"):
            keys.add(key)(self._leave)
        control = BufferControl(self.buffer, key_bindings=keys)
        # A word longer than the window scrolls sideways.
        self.window = Window(control, height=1, style="class:hint.current", wrap_lines=False)

    @property
    def is_open(self) -> bool:
        """Whether it is shown in place of the hint."""
        return self.mode is not None

    def open(self, mode: EntryMode) -> None:
        """Ask for a word; an earlier question is dropped."""
        self.close()
        self.mode = mode
        self.on_toggle()

    def close(self) -> None:
        """Close the row and show the hint again."""
        mode, self.mode = self.mode, None
        self.buffer.reset()
        if mode is not None:
            mode.on_close()
            self.on_toggle()

    def row(self, columns: Callable[[], int], more: str) -> VSplit:
        """Return the row: label, word, information about it. columns: of the terminal."""

        def label() -> Line:
            return [("hint", self.mode.label)] if self.mode else []

        def info() -> Line:
            width = columns() // 2
            return cut(self.mode.info(width), width, more) if self.mode else []

        return VSplit([_fixed(label), self.window, _fixed(info)], height=1, style="class:hint")

    def _changed(self, buffer: Buffer) -> None:
        if self.mode is not None:
            self.mode.on_text_changed(buffer.text)

    def _accept(self, event: KeyPressEvent) -> None:
        if self.mode is not None and self.mode.accept(self.buffer.text):
            self.close()

    def _back(self, event: KeyPressEvent) -> None:
        if self.mode is not None:
            self.mode.previous()

    def _forward(self, event: KeyPressEvent) -> None:
        if self.mode is not None:
            self.mode.next()

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


Spawn = Callable[[Coroutine[None, None, None]], object]
"""Runs a coroutine in the background of the application."""


class SearchMode(EntryMode):
    """The text that the output is searched for.

    spawn:   runs the reading of the lines
    on_text_changed: called when there is something new to show
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
        """Return the count of matches, and the keys as fully as there is room."""
        search = self.search
        if not search.needle:
            again = f"Enter: {visible_word(self._last)}; " if self._last else ""
            return [("hint", f"  {again}Esc leaves")]
        if self._reading:
            return [("hint", f"  {number(len(search.matches))} so far")]
        if search.current is None:
            return NOT_FOUND
        place = f"  {number(search.number)} of {counted(len(search.matches), 'line')}"
        room = width - text_columns(place)
        keys = next(words for words in SEARCH_KEYS if len(words) <= room or not words)
        return [("hint.current", place), ("hint", keys)]

    def on_text_changed(self, text: str) -> None:
        """Bring the nearest match into view."""
        self.text = text or self.text
        self.search.start(text)
        self._moves.clear()
        self._go(lambda: self.search.find(self._top))

    def accept(self, text: str) -> bool:
        if text:
            self._go(self.search.next)
        elif self._last:
            self.on_text_changed(self._last)
        return False

    def previous(self) -> None:
        self._go(self.search.previous)

    def next(self) -> None:
        self._go(self.search.next)

    def on_close(self) -> None:
        """Stop the search; the view stays where it is."""
        self.search.start("")
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
        view.focus = block


class HistorySearch:
    """The row that searches the history.

    buffer:  the line being typed, whose history is searched
    control: takes the keys meanwhile
    row:     what is shown
    """

    def __init__(self, buffer: Buffer) -> None:
        toolbar = SearchToolbar(
            forward_search_prompt=[("class:hint", "search history forward: ")],
            backward_search_prompt=[("class:hint", "search history: ")],
        )
        self._buffer = buffer
        self.control = toolbar.control
        info = Window(FormattedTextControl(self._info), height=1, dont_extend_width=True)
        both = VSplit([toolbar, info], style="class:hint")
        self.row = ConditionalContainer(both, is_searching)

    def _info(self) -> StyleAndTextTuples:
        text = self.control.buffer.text
        if not text or is_found(self._buffer, self.control.searcher_search_state, text):
            return []
        return fragments(NOT_FOUND)


def is_found(buffer: Buffer, search: SearchState, text: str) -> bool:
    """Whether the line shown contains the text; without a match that is the typed line."""
    ignores_case = search.ignore_case()
    shown = buffer.document_for_search(SearchState(text, search.direction, ignores_case)).text
    return text.lower() in shown.lower() if ignores_case else text in shown
