"""The completion menu: the session's candidates as prompt_toolkit's completions, and its window.

It also opens by itself, after a pause, if there are few candidates. Then it is only an offer:
nothing in it is selected, the arrows still move in the history, and the VM is not asked for values
that only an explicit Tab may ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
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
from qmpsh.shell.session.session import Session

_CUT_MARK = "..."
"""how prompt_toolkit marks what it has cut off"""


class MenuControl(CompletionsMenuControl):
    """The menu's content. more: marks what was cut off."""

    def __init__(self, more: str, advice: Advice = UNGUARDED) -> None:
        self._more = more.ljust(len(_CUT_MARK))
        self._advice = advice

    def create_content(self, width: int, height: int) -> UIContent:
        return self._advice.get("menu", lambda: self._content(width, height), UIContent)

    def _content(self, width: int, height: int) -> UIContent:
        """Return prompt_toolkit's own content with our cut mark, which is a separate fragment."""
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
    """The menu's place, beside the cursor and above the status line.

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


OPEN_AFTER_SECONDS = 0.4
"""seconds without a key"""

MAX_OFFERED = 8
"""most candidates"""


class AutoMenu:
    """What opens the menu by itself, after a pause.

    wanted: whether the line has the keys and nothing covers it
    """

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
        buffer.on_completions_changed += self._menu_changed

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
        self._cancel_timer()

    def _menu_changed(self, buffer: Buffer) -> None:
        """Open nothing over a menu that Tab opened, nor after Escape has closed it."""
        self._cancel_timer()

    def _cancel_timer(self) -> None:
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
