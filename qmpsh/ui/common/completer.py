"""The session's candidates as prompt_toolkit's completions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.complete.candidates import Candidate
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.shell.session.session import Session
from qmpsh.ui.common.wrap import cut

_MAX_KIND_COLUMNS = 28


_MIN_KIND_COLUMNS = 12
"""limits in columns for the kinds (an enum lists its members), which get a fifth of the screen"""


_MAX_DOC_COLUMNS = 60
"""most columns of the documentation, so that the panes stay in view"""


class SessionCompleter(Completer):
    """A completer that asks the session.

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


def _display(candidate: Candidate) -> StyleAndTextTuples:
    text = visible_word(candidate.text).rstrip(" =")
    marks = (" *" if candidate.required else "") + (" ~" if candidate.unstable else "")
    return [("strike" if candidate.deprecated else "", text or candidate.text), ("", marks)]


def _meta(kind: str, doc: str, width: int) -> str:
    return f"{kind}{' ' * (width - text_columns(kind))}  {doc}".rstrip()


def _cut(text: str, width: int, more: str) -> str:
    return "".join(part for _, part in cut([("", text)], width, more))
