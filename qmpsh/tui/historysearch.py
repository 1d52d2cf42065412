"""Ctrl-R: the row in place of the hint that searches the history."""

from __future__ import annotations

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.containers import ConditionalContainer, VSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.search import SearchState
from prompt_toolkit.widgets import SearchToolbar

from qmpsh.tui.purposes import NOT_FOUND
from qmpsh.tui.style import fragments


class HistorySearch:
    """The search row.

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
