"""The completion menu: the session's candidates as prompt_toolkit's completions, and its window.

It also opens by itself, after a pause, if there are few candidates. Then it is only an offer:
nothing in it is selected, the arrows still move in the history, and the VM is not asked for values
that only an explicit Tab may ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, has_completions, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.containers import (
    ConditionalContainer,
    Float,
    ScrollOffsets,
    Window,
)
from prompt_toolkit.layout.controls import UIContent
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.margins import ConditionalMargin, ScrollbarMargin
from prompt_toolkit.layout.menus import CompletionsMenuControl

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.complete.candidates import Candidate
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.shell.session.session import Session
from qmpsh.ui.screen.store import cut

_MAX_KIND_COLUMNS = 28
_MIN_KIND_COLUMNS = 12
"""limits in columns for the kinds (an enum lists its members), which get a fifth of the screen"""

_CUT_MARK = "..."
"""how prompt_toolkit marks what it has cut off"""

_MAX_DOC_COLUMNS = 60
"""most columns of the documentation, so that the panes stay in view"""


class SessionCompleter(Completer):
    """Completes the line from the session.

    session: completes in memory without I/O, so no thread is needed
    columns: of the terminal
    more:    marks what was cut off
    """

    def __init__(
        self,
        session: Session,
        columns: Callable[[], int],
        more: str,
        advice: Advice = UNGUARDED,
    ) -> None:
        self._session = session
        self._columns = columns
        self._more = more
        self._advice = advice
        self._asked: Document | None = None

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        cursor = document.cursor_position
        # Otherwise the menu opens by itself; see `AutoMenu`.
        asked = not complete_event.text_inserted
        if asked:
            self._asked = document

        def find() -> list[Completion]:
            candidates = self._session.complete(document.text, cursor, asked=asked)
            return completions(candidates, cursor, self._columns(), self._more)

        return self._advice.get("completion", find, list)

    def complete_again(self, buffer: Buffer) -> None:
        """Complete again with values that came from the VM, unless something was typed since."""
        state = buffer.complete_state
        if buffer.document == self._asked and (state is None or state.complete_index is None):
            buffer.start_completion()


def completions(
    candidates: list[Candidate], cursor: int, columns: int, more: str
) -> list[Completion]:
    """Return candidates as completions in three columns: text and marks, kind, documentation.

    columns: of the terminal
    more:    marks what was cut off
    """
    most = min(_MAX_KIND_COLUMNS, max(_MIN_KIND_COLUMNS, columns // 5))
    kinds = [_cut(visible_word(candidate.kind), most, more) for candidate in candidates]
    width = max(map(text_columns, kinds), default=0)
    return [
        Completion(
            candidate.text,
            start_position=candidate.start - cursor,
            display=_display(candidate),
            display_meta=_meta(
                kind, _cut(visible_word(candidate.doc), _MAX_DOC_COLUMNS, more), width
            ),
        )
        for candidate, kind in zip(candidates, kinds, strict=True)
    ]


class MenuControl(CompletionsMenuControl):
    """The menu's content. more: marks what was cut off."""

    def __init__(self, more: str, advice: Advice = UNGUARDED) -> None:
        self._more = more.ljust(len(_CUT_MARK))
        self._advice = advice

    def create_content(self, width: int, height: int) -> UIContent:
        return self._advice.get("menu", lambda: self._content(width, height), UIContent)

    def _content(self, width: int, height: int) -> UIContent:
        """prompt_toolkit's own, whose cut mark is a separate fragment."""
        drawn = super().create_content(width, height)

        def line(number: int) -> StyleAndTextTuples:
            return [
                (style, self._more if text == _CUT_MARK else text)
                for style, text, *_ in drawn.get_line(number)
            ]

        def get_line(number: int) -> StyleAndTextTuples:
            return self._advice.get("menu", lambda: line(number), list)

        return UIContent(get_line, drawn.line_count, drawn.cursor_position)


class MenuFloat(Float):
    """Places the menu beside the cursor, above the status line.

    below: rows from the bottom of the screen up to and including the status line
    """

    def __init__(
        self,
        menu: ConditionalContainer,
        prompt: Window,
        height: Callable[[], int],
        below: Callable[[], int],
    ) -> None:
        self._below = below
        super().__init__(menu, xcursor=True, height=height, attach_to_window=prompt)

    @property
    def bottom(self) -> int | None:
        """Rows below it."""
        return self._below()

    @bottom.setter
    def bottom(self, rows: int | None) -> None:
        """Ignore it: the number is computed for each frame."""


def menu_height(buffer: Buffer, most: int) -> int:
    """Return the rows of the menu."""
    state = buffer.complete_state
    return max(1, min(most, len(state.completions))) if state else 1


def menu_window(
    buffer: Buffer, max_height: Callable[[], int], more: str, advice: Advice = UNGUARDED
) -> ConditionalContainer:
    """Make the menu's window.

    buffer:     whose candidates to show
    max_height: most rows, called for each frame
    more:       see MenuControl
    """

    def is_longer() -> bool:
        state = buffer.complete_state
        return state is not None and len(state.completions) > max_height()

    window = Window(
        MenuControl(more, advice),
        width=Dimension(min=8),
        height=lambda: Dimension(min=1, max=max(1, max_height())),
        scroll_offsets=ScrollOffsets(top=1, bottom=1),
        right_margins=[ConditionalMargin(ScrollbarMargin(), Condition(is_longer))],
        dont_extend_width=True,
        style="class:completion-menu",
        z_index=10,
    )
    return ConditionalContainer(window, filter=has_completions & ~is_done)


def _display(candidate: Candidate) -> StyleAndTextTuples:
    text = visible_word(candidate.text).rstrip(" =")
    marks = (" *" if candidate.required else "") + (" ~" if candidate.unstable else "")
    return [("strike" if candidate.deprecated else "", text or candidate.text), ("", marks)]


def _meta(kind: str, doc: str, width: int) -> str:
    return f"{kind}{' ' * (width - text_columns(kind))}  {doc}".rstrip()


def _cut(text: str, width: int, more: str) -> str:
    return "".join(part for _, part in cut([("", text)], width, more))


OPEN_AFTER_SECONDS = 0.4
"""seconds without a key"""

MAX_OFFERED = 8
"""most candidates"""


class AutoMenu:
    """Opens the menu by itself. wanted: whether the line has the keys and nothing covers it."""

    def __init__(
        self,
        session: Session,
        buffer: Buffer,
        wanted: Callable[[], bool],
        advice: Advice = UNGUARDED,
    ) -> None:
        self._session = session
        self._advice = advice
        self._buffer = buffer
        self._wanted = wanted
        self._timer: asyncio.TimerHandle | None = None
        self._asked: Document | None = None
        self._is_ours = False
        buffer.on_text_changed += self._changed
        buffer.on_text_insert += self._inserted

    @property
    def is_open(self) -> bool:
        """Whether the menu opened by itself and nothing in it has been selected."""
        state = self._buffer.complete_state
        return self._is_ours and state is not None and state.complete_index is None

    def offer_again(self) -> None:
        """Offer values that came from the VM, unless something was typed since."""
        if self._asked is not None and self._asked == self._buffer.document:
            self._open()

    def _changed(self, buffer: Buffer) -> None:
        self._asked = None
        self._is_ours = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _inserted(self, buffer: Buffer) -> None:
        self._timer = asyncio.get_running_loop().call_later(OPEN_AFTER_SECONDS, self._open)

    def _open(self) -> None:
        self._timer = None
        buffer = self._buffer
        if not (buffer.text and self._wanted() and buffer.complete_state is None):
            return
        document = self._asked = buffer.document
        found: list[Candidate] = self._advice.get(
            "completion", lambda: self._candidates(document), list
        )
        typed = [document.text[one.start : document.cursor_position] for one in found]
        says_more = any(
            one.text.rstrip(" =") != word for one, word in zip(found, typed, strict=True)
        )
        if len(found) <= MAX_OFFERED and says_more:
            self._is_ours = True
            buffer.start_completion(complete_event=CompleteEvent(text_inserted=True))

    def _candidates(self, document: Document) -> list[Candidate]:
        return self._session.complete(document.text, document.cursor_position, asked=False)
