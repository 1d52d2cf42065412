"""The session's candidates as prompt_toolkit's completions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.complete.candidates import Candidate, Form
from qmpsh.light_typing import NamedTuple
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line
from qmpsh.shell.session.session import Session
from qmpsh.ui.common.wrap import cut

VALUES = frozenset({Form.WORD, Form.TEXT, Form.PATH})

_MAX_KIND_COLUMNS = 28


_MIN_KIND_COLUMNS = 12
"""limits in columns for the kinds (an enum lists its members), which get a fifth of the screen"""


_MAX_DOC_COLUMNS = 60
"""most columns of the documentation, so that the panes stay in view"""


class Offer(Completion):
    """A completion with what a row of the menu shows beside its name.

    candidate: what it stands for; name, kind, doc: of it, safe to show, not yet cut
    """

    def __init__(self, candidate: Candidate, start: int, blank: str, columns: Columns) -> None:
        self.name = _name(candidate)
        self.kind = visible_word(candidate.kind)
        self.doc = visible_word(candidate.doc)
        self.candidate = candidate
        super().__init__(
            blank + candidate.text,
            start_position=start,
            display=[*self.name],
            display_meta=columns.meta(self.kind, self.doc),
        )


class Columns(NamedTuple):
    """The widths of the menu's columns beside the name. more: marks what was cut off."""

    kind: int
    doc: int
    more: str

    def meta(self, kind: str, doc: str) -> str:
        """Return both as one text; without kinds, the documentation alone."""
        kind = cut_text(kind, self.kind, self.more) if self.kind else ""
        gap = " " * (self.kind - text_columns(kind)) + "  " * bool(self.kind)
        return f"{kind}{gap}{cut_text(doc, self.doc, self.more)}".rstrip()


def fitted(kinds: Sequence[str], columns: int, more: str, *, values: bool = False) -> Columns:
    """Return the columns for these kinds. columns: of the terminal; values: the kinds are those of
    values, which need not be shown if they are all the same
    """
    most = min(_MAX_KIND_COLUMNS, max(_MIN_KIND_COLUMNS, columns // 5))
    widest = max(map(text_columns, kinds), default=0)
    is_constant = values and len(kinds) > 1 and len(set(kinds)) == 1
    return Columns(0 if is_constant else min(most, widest), _MAX_DOC_COLUMNS, more)


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

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        # Otherwise the menu opens by itself; see `AutoMenu`.
        return self.find(document, asked=not complete_event.text_inserted)

    def find(self, document: Document, blank: str = "", *, asked: bool = True) -> list[Completion]:
        """Return the completions at the cursor, or after a blank that they begin with.

        asked: by the user
        """
        cursor = document.cursor_position + len(blank)
        text = document.text_before_cursor + blank + document.text_after_cursor

        def find() -> list[Completion]:
            candidates = self._session.complete(text, cursor, asked=asked)
            return completions(candidates, cursor, self._columns(), self._more, blank)

        return self._advice.get("completion", find, list)


def completions(
    candidates: list[Candidate], cursor: int, columns: int, more: str, blank: str = ""
) -> list[Completion]:
    """Return candidates as completions in three columns: text and marks, kind, documentation.

    columns: of the terminal
    more:    marks what was cut off
    blank:   what they begin with, which is not in the line yet
    """
    kinds = [visible_word(candidate.kind) for candidate in candidates]
    are_values = all(candidate.form in VALUES for candidate in candidates)
    widths = fitted(kinds, columns, more, values=are_values)
    return [
        Offer(candidate, min(0, candidate.start - cursor + len(blank)), blank, widths)
        for candidate in candidates
    ]


def _name(candidate: Candidate) -> Line:
    text = visible_word(candidate.text).rstrip(" =")
    marks = (" *" if candidate.required else "") + (" ~" if candidate.unstable else "")
    return [("strike" if candidate.deprecated else "", text or candidate.text), ("", marks)]


def cut_text(text: str, width: int, more: str) -> str:
    """Cut a text to a width, ending in `more` if something was cut off."""
    return "".join(part for _, part in cut([("", text)], width, more))
