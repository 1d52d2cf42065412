"""The menu that opens by itself: after a pause, if there are few candidates.

It is only an offer: nothing in it is selected, the arrows still move in the history, and the VM is
not asked for values that only an explicit Tab may ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.complete.candidates import Candidate
from qmpsh.tui.seam import Session

PAUSE = 0.4
"""seconds without a key"""

FEW = 8
"""most candidates"""


class Offer:
    """Opens the menu. wanted: whether the line has the keys and nothing covers it."""

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

    def try_again(self) -> None:
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
        self._timer = asyncio.get_running_loop().call_later(PAUSE, self._open)

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
        if len(found) <= FEW and says_more:
            self._is_ours = True
            buffer.start_completion(complete_event=CompleteEvent(text_inserted=True))

    def _candidates(self, document: Document) -> list[Candidate]:
        return self._session.complete(document.text, document.cursor_position, asked=False)
