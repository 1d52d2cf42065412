"""What leads from one candidate to the next: Tab and Enter in the completion menu.

After an accepted `driver=` its values are offered, after a value what the line still lacks: the
user need not ask again. A member that must be given is taken by one Tab, since it is wanted in any
case; of anything else Tab selects the first, and the next one each time.
"""

from __future__ import annotations

from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import Completion, get_common_complete_suffix
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, FilterOrBool, completion_is_selected
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.complete.guide import follow
from qmpsh.shell.session.session import Session
from qmpsh.ui.common.completer import Offer, SessionCompleter


class Guide:
    """The guide through the candidates of a line."""

    def __init__(
        self,
        session: Session,
        buffer: Buffer,
        completer: SessionCompleter,
        advice: Advice = UNGUARDED,
    ) -> None:
        self._session = session
        self._buffer = buffer
        self._completer = completer
        self._advice = advice
        self._offered: Document | None = None
        self._blank = ""
        self._is_empty = False

    def bind(self, bindings: KeyBindings, at_line: FilterOrBool) -> None:
        """Bind the keys of the menu."""
        leads = Condition(lambda: bool(self._blank) and self._is_offering)
        bindings.add("tab", filter=at_line)(self._tab)
        bindings.add("enter", filter=completion_is_selected)(self._enter)
        bindings.add(" ", filter=leads)(self._space)

    def offer_again(self) -> None:
        """Offer values that came from the VM, unless something was typed or selected since."""
        if self._is_offering:
            self._offer(self._find(self._blank), self._blank)

    @property
    def _is_offering(self) -> bool:
        """Whether the menu is as it was opened, or has nothing to show yet; Escape closes it."""
        state = self._buffer.complete_state
        is_untouched = self._is_empty if state is None else state.complete_index is None
        return is_untouched and self._offered == self._buffer.document

    def _tab(self, event: KeyPressEvent) -> None:
        """Complete as far as all candidates agree; with the menu open, go on in it."""
        state = self._buffer.complete_state
        if state is None:
            self._complete()
        elif _is_sure(state):
            self._take(state.completions[0])
        else:
            self._buffer.complete_next()

    def _enter(self, event: KeyPressEvent) -> None:
        """Accept the selected candidate; the next Enter runs the line."""
        state, self._buffer.complete_state = self._buffer.complete_state, None
        if state is not None and state.current_completion is not None:
            self._go_on(state.current_completion)

    def _space(self, event: KeyPressEvent) -> None:
        """Type the blank that the offered candidates begin with."""
        self._buffer.insert_text(" ")
        self._offer(self._find())

    def _complete(self) -> None:
        found = self._find()
        if len(found) == 1:
            self._take(found[0])
            return
        common = get_common_complete_suffix(self._buffer.document, found)
        if common:
            self._buffer.insert_text(common)
            found = self._find()
        self._offer(found)

    def _take(self, completion: Completion) -> None:
        self._buffer.apply_completion(completion)
        self._go_on(completion)

    def _go_on(self, completion: Completion) -> None:
        """Offer what follows an accepted candidate at the end of the line."""
        text = f"{self._buffer.text} "
        if not (isinstance(completion, Offer) and self._buffer.document.is_cursor_at_the_end):
            return
        blank = self._advice.get(
            "completion",
            lambda: follow(
                completion.candidate,
                lambda: self._session.complete(text, len(text), asked=False),
            ),
            lambda: None,
        )
        if blank is not None:
            self._offer(self._find(blank), blank)

    def _find(self, blank: str = "") -> list[Completion]:
        return self._completer.find(self._buffer.document, blank)

    def _offer(self, found: list[Completion], blank: str = "") -> None:
        """Open the menu. Where there is nothing, the VM may have values in a moment."""
        buffer = self._buffer
        if len(found) == 1 and _says_nothing(found[0], buffer.document):
            found = []
        self._offered, self._blank, self._is_empty = buffer.document, blank, not found
        buffer.complete_state = CompletionState(buffer.document, found) if found else None
        buffer.on_completions_changed.fire()


def _is_sure(state: CompletionState) -> bool:
    """Return whether the first is wanted in any case: the only one, or a member that lacks."""
    first = state.completions[0]
    is_lacking = isinstance(first, Offer) and first.candidate.required
    return len(state.completions) == 1 or (state.complete_index is None and is_lacking)


def _says_nothing(completion: Completion, document: Document) -> bool:
    """Return whether a candidate is in the line already."""
    typed = document.text_before_cursor
    return typed[len(typed) + completion.start_position :] == completion.text
