"""The one scanner of the language: text to tokens, each with its place.

Everything that asks where a word, a quote or a bracket ends asks here: the parser, the assembler of
continued lines, the highlighting. The scanner is total: it never raises, every character is in
exactly one token, and what is wrong becomes a token of its own kind for the parser to complain
about. It can stop at any physical line and go on with the next, so that a pasted object of 20,000
lines is scanned once.

What may stand where is the table in `rules`; here is what a table cannot say: the open brackets,
the quote that goes on, and what a mode changes.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.lang.modifiers import VALUED_MODIFIERS
from qmpsh.lang.rules import RULES, State, behind_verb, pattern_of
from qmpsh.lang.syntax import PLAIN, Mode
from qmpsh.lang.tokens import CLOSING, NESTING_LIMIT, Kind, Token


class Scanner:
    """Scans one logical line, whole or physical line by physical line.

    A text that is not the last of a line is fed with its newline. open_at: where the outermost of
    what is open stands, counted over all that was fed.
    """

    def __init__(self, mode: Mode = PLAIN, state: State = State.LINE) -> None:
        self._mode = mode
        self._state = state
        self._body = State.BODY  # what stands for it: another one before the line behind a verb
        self._brackets: list[str] = []
        self._behind = state  # where the outermost open bracket leads to when it closes
        self._resume: State | None = None  # where the open quote leads to when it closes
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
        """The tokens of text[start:end]; their offsets are those of text."""
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

    def _step(self, text: str, position: int, end: int) -> tuple[Kind | None, int]:
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
        if kind is not Kind.BLANK:
            was_open = self.open_mark
            self._continued = kind is Kind.CONTINUE
            kind = self._after(kind, match[0])
            if not was_open:
                self.open_at = self._fed + position
        return kind, match.end()

    def _enter(self, state: State) -> None:
        """Go to a state, or to the one that stands for it in this mode."""
        if state is State.TIMED:
            self._body = state
        elif state is State.BODY:
            state = self._body
        elif state is State.LINE:
            self._body = State.BODY
            state = State.HMP if self._mode.hmp else state
        elif state is State.HMP_TEXT and self._mode.prompt:
            state = State.HMP_PROMPT
        self._state = state

    def _after(self, kind: Kind, word: str) -> Kind:
        """Do what a rule alone cannot say; the kind, or another one where that wants it."""
        if kind is Kind.NAME and word in self._mode.bare_verbs:
            kind = Kind.VERB
        action = _ACTIONS.get(kind)
        return (action(self, word) if action is not None else None) or kind

    def _open_bracket(self, mark: str) -> Kind | None:
        if not self._brackets:
            self._behind = self._state
        self._brackets.append(mark)
        self._go_inside(mark)
        return Kind.DEEP if len(self._brackets) > NESTING_LIMIT else None

    def _close_bracket(self, mark: str) -> Kind | None:
        """A wrong mark closes everything: the line is at fault, not unfinished."""
        is_deep = len(self._brackets) > NESTING_LIMIT
        if CLOSING[self._brackets.pop()] != mark:
            self._brackets.clear()
        if not self._brackets:
            self._state = self._behind
        return Kind.DEEP if is_deep else None

    def _go_inside(self, _: str) -> None:
        self._state = State.MEMBER if self._brackets[-1] == "{" else State.ITEM

    def _leave_quote_open(self, text: str) -> None:
        if self._resume is None:
            self._resume = self._state
            self._state = State.DOUBLE if text[0] == '"' else State.SINGLE

    def _close_quote(self, _: str) -> None:
        if self._resume is not None:
            self._state, self._resume = self._resume, None

    def _expect_operand(self, word: str) -> None:
        if word[2:] in VALUED_MODIFIERS:
            self._state = State.VALUED

    def _enter_verb(self, word: str) -> None:
        self._enter(behind_verb(word.removeprefix(".")))


_ACTIONS: dict[Kind, Callable[[Scanner, str], Kind | None]] = {
    Kind.OPEN: Scanner._open_bracket,
    Kind.CLOSE: Scanner._close_bracket,
    Kind.COMMA: Scanner._go_inside,
    Kind.UNCLOSED: Scanner._leave_quote_open,
    Kind.STRING: Scanner._close_quote,
    Kind.MODIFIER: Scanner._expect_operand,
    Kind.VERB: Scanner._enter_verb,
}
"""What a token of a kind changes besides what its rule says; what other kind it is, if any."""
