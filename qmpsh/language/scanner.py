"""The one scanner of the language: text to tokens, each with its position.

Everything that asks where a word, a quote or a bracket ends asks here: the parser, the assembler of
continued lines, the highlighting. The scanner is total: it never raises, every character is in
exactly one token, and what is wrong becomes a token of its own kind for the parser to complain
about. It can stop at any physical line and go on with the next, so that a pasted object of 20,000
lines is scanned once.

Which token may come next is the table in `tokens`; this module adds what a table cannot say: the
open brackets, the quote that goes on, and what a mode changes.
"""

from __future__ import annotations

from qmpsh.language.modifiers import VALUED_MODIFIERS
from qmpsh.language.syntax import PLAIN, Mode
from qmpsh.language.tokens import (
    CLOSING,
    MAX_NESTING,
    RULES,
    ScanState,
    Token,
    TokenKind,
    pattern_of,
    state_after_verb,
)
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Scanner:
    """The scan of one logical line, taken whole or physical line by physical line.

    A text that is not the last of a line is fed with its newline. open_at: where the outermost of
    what is open stands, counted over all that was fed.
    """

    def __init__(self, mode: Mode = PLAIN, state: ScanState = ScanState.LINE) -> None:
        self._mode = mode
        self._state = state
        self._body = ScanState.BODY  # what stands for it: another one before the line after a verb
        self._brackets: list[str] = []
        self._outside = state  # where the outermost open bracket leads to when it closes
        self._resume: ScanState | None = None  # where the open quote leads to when it closes
        self._continued = False
        self._fed = 0
        self.open_at = 0
        self._enter(state)

    @property
    def open_mark(self) -> str:
        """What the line cannot end in: "quote", "bracket", "backslash", or "" for nothing."""
        if self._brackets:
            return "bracket"
        if self._resume is not None:
            return "quote"
        return "backslash" if self._continued else ""

    def feed(self, text: str, start: int = 0, end: int | None = None) -> list[Token]:
        """Return the tokens of text[start:end]; their offsets are those of text."""
        end = len(text) if end is None else end
        self._continued = False
        tokens: list[Token] = []
        position = start
        while position < end:
            kind, stop = self._step(text, position, end)
            if kind is not None:
                tokens.append(Token(kind, position, stop))
                position = stop
        self._fed += end - start
        return tokens

    def _step(self, text: str, position: int, end: int) -> tuple[TokenKind | None, int]:
        """Take one rule: the token's kind and end; no kind where only the state changes."""
        state = self._state
        match = pattern_of(state).match(text, position, end)
        # The last rule of a state fits whatever its other rules leave.
        assert match is not None
        rule = (match.lastindex or 1) - 1
        _, kind, then = RULES[state][rule]
        self._enter(then)
        if kind is None:
            return None, position
        word = match[0]
        if kind in (TokenKind.NAME, TokenKind.VERB) and self._mode.prompt:
            # `query-block|jq .`: no command's name has a redirect's mark.
            word = word.partition("|")[0].partition(">")[0] or word
        if kind is not TokenKind.BLANK:
            was_open = self.open_mark
            self._continued = kind is TokenKind.CONTINUE
            kind = self._after(kind, word)
            if not was_open:
                self.open_at = self._fed + position
        return kind, position + len(word)

    def _enter(self, state: ScanState) -> None:
        """Go to a state, or to the one that stands for it in this mode."""
        if state is ScanState.TIMED:
            self._body = state
        elif state is ScanState.BODY:
            state = self._body
        elif state is ScanState.LINE:
            self._body = ScanState.BODY
            state = ScanState.HMP if self._mode.hmp else state
        elif state is ScanState.HMP_TEXT and self._mode.prompt:
            state = ScanState.HMP_PROMPT
        self._state = state

    def _after(self, kind: TokenKind, word: str) -> TokenKind:
        """Apply what a rule alone cannot say; return the kind, or another one in its place."""
        if kind is TokenKind.NAME and word in self._mode.bare_verbs:
            kind = TokenKind.VERB
        action = _ACTIONS.get(kind)
        return (action(self, word) if action is not None else None) or kind

    def _open_bracket(self, mark: str) -> TokenKind | None:
        if not self._brackets:
            self._outside = self._state
        self._brackets.append(mark)
        self._go_inside(mark)
        return TokenKind.DEEP if len(self._brackets) > MAX_NESTING else None

    def _close_bracket(self, mark: str) -> TokenKind | None:
        """Close a bracket; a wrong mark closes all: the line is at fault, not unfinished."""
        is_deep = len(self._brackets) > MAX_NESTING
        if CLOSING[self._brackets.pop()] != mark:
            self._brackets.clear()
        if not self._brackets:
            self._state = self._outside
        return TokenKind.DEEP if is_deep else None

    def _go_inside(self, _: str) -> None:
        self._state = ScanState.MEMBER if self._brackets[-1] == "{" else ScanState.ITEM

    def _leave_quote_open(self, text: str) -> None:
        if self._resume is None:
            self._resume = self._state
            self._state = ScanState.DOUBLE if text[0] == '"' else ScanState.SINGLE

    def _close_quote(self, _: str) -> None:
        if self._resume is not None:
            self._state, self._resume = self._resume, None

    def _expect_operand(self, word: str) -> None:
        if word[2:] in VALUED_MODIFIERS:
            self._state = ScanState.VALUED

    def _enter_verb(self, word: str) -> None:
        self._enter(state_after_verb(word.removeprefix(".")))


_ACTIONS: dict[TokenKind, Callable[[Scanner, str], TokenKind | None]] = {
    TokenKind.OPEN: Scanner._open_bracket,
    TokenKind.CLOSE: Scanner._close_bracket,
    TokenKind.COMMA: Scanner._go_inside,
    TokenKind.UNCLOSED: Scanner._leave_quote_open,
    TokenKind.STRING: Scanner._close_quote,
    TokenKind.MODIFIER: Scanner._expect_operand,
    TokenKind.VERB: Scanner._enter_verb,
}
"""What a token of a kind changes besides what its rule says; what other kind it is, if any."""
