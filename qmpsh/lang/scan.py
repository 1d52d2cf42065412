"""The one scanner of the language: text to tokens, each with its place.

Everything that asks where a word, a quote or a bracket ends asks here: the parser, the assembler of
continued lines, the highlighting. The scanner is total: it never raises, every character is in
exactly one token, and what is wrong becomes a token of its own kind for the parser to complain
about. It can stop at any physical line and go on with the next, so that a pasted object of 20,000
lines is scanned once.

A state says what may stand next; its rules are tried in order and the last one always fits. It
knows no values: what a word means is decided in `values` and `build`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from qmpsh.lang.modifiers import VALUED_MODIFIERS
from qmpsh.lang.syntax import Mode

BLANKS = " \t\r\n"
"""What separates words, as in JSON."""

CLOSING = {"{": "}", "[": "]"}


class Kind(Enum):
    """What a token is."""

    BLANK = auto()
    COMMENT = auto()  # also a markdown fence
    MARK = auto()  # (QEMU) -> <- C: S: of a transcript
    CONTINUE = auto()  # a backslash that stands alone at the end of a physical line
    NAME = auto()  # the command
    VERB = auto()
    TRANSACTION = auto()  # transaction(
    PAREN = auto()  # the ) of a transaction
    PART = auto()  # of a key, or a member's name inside brackets
    QUOTED_PART = auto()  # the same in quotes, or a whole argument in quotes
    DOT = auto()
    EQUALS = auto()
    WORD = auto()  # a bare value
    STRING = auto()
    UNCLOSED = auto()  # a quote without its end
    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    COLON = auto()
    GLUED = auto()  # what follows a closing mark without a blank
    MODIFIER = auto()  # --name
    PIPE = auto()
    REDIRECT = auto()  # > or >>
    SHELL = auto()  # a word of the host shell's command
    TEXT = auto()  # HMP


class Token(NamedTuple):
    """start, end: offsets into the text that was scanned, end exclusive."""

    kind: Kind
    start: int
    end: int

    def text(self, source: str) -> str:
        """What the token is in the text that was scanned."""
        return source[self.start : self.end]


IGNORED = frozenset({Kind.BLANK, Kind.COMMENT, Kind.MARK, Kind.CONTINUE})
"""The kinds that mean nothing between words."""


class State(Enum):
    """What may stand next."""

    LINE = auto()
    OBJECT = auto()  # behind a raw JSON object
    BODY = auto()  # at the start of a word behind the name
    KEY = auto()  # behind a part of a key
    PART = auto()  # behind a dot in a key
    VALUE = auto()  # behind `=`
    CLOSED = auto()  # behind the closing mark of a value
    MODIFIER = auto()  # behind a modifier that takes no value, or only with `=`
    VALUED = auto()  # behind a modifier that needs a value
    SETTING = auto()  # behind a modifier's `=`
    OPERAND = auto()  # before a modifier's value, a blank in between
    TARGET = auto()  # behind `>`
    DONE = auto()  # behind the file of a redirect
    SHELL = auto()  # behind `|`
    MEMBER = auto()  # inside { } before a colon
    ITEM = auto()  # inside brackets, before a value
    SINGLE = auto()  # inside a quote that an earlier piece of text left open
    DOUBLE = auto()
    EXPORT = auto()  # .export, before the name of the tool
    WATCH = auto()  # .watch, before the time
    HMP = auto()  # at the start of an HMP line
    HMP_INDENT = auto()  # the same, behind blanks
    HMP_TEXT = auto()
    HMP_PROMPT = auto()  # HMP text in which redirects are ours
    HMP_GAP = auto()  # in such text, behind a blank


LINE_VERBS = {
    "hmp": State.HMP_TEXT,
    "json": State.LINE,
    "export": State.EXPORT,
    "watch": State.WATCH,
    "exec": State.BODY,
}
"""The verbs whose rest is one whole line, and how that line is scanned."""

_B = BLANKS
_WORD = rf"[^{_B}]+"
_END = rf"(?=[{_B}]|\Z)"
_BEHIND_BLANK = rf"(?<=[{_B}])"
_DOUBLE_END = r'[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SINGLE_END = r"[^'\\]*+(?:\\.[^'\\]*+)*+'"
_QUOTED = f"\"{_DOUBLE_END}|'{_SINGLE_END}"
_FENCE = r"```[^\n]*"
_MARK = rf"(?:\(QEMU\)|->|<-|[CS]:){_END}"

_PLAIN = Mode()

Rule = tuple[str, Kind | None, State]


def _blank(then: State) -> tuple[Rule, Rule]:
    return (
        (rf"[{_B}]+", Kind.BLANK, then),
        (r"\\(?=[ \t\r]*(?:\n|\Z))", Kind.CONTINUE, then),
    )


def _quotes(kind: Kind, then: State) -> tuple[Rule, Rule]:
    return ((_QUOTED, kind, then), (r"[\"'].*", Kind.UNCLOSED, then))


def _brackets(state: State, word: str, word_kind: Kind, string_kind: Kind) -> tuple[Rule, ...]:
    return (
        (rf"[{_B}]+", Kind.BLANK, state),
        (r"[{\[]", Kind.OPEN, State.ITEM),
        (r"[}\]]", Kind.CLOSE, State.ITEM),
        (",", Kind.COMMA, State.ITEM),
        *_quotes(string_kind, state),
        (word, word_kind, state),
        (":", Kind.COLON, State.ITEM),
    )


_COMMENT: Rule = (r"#[^\n]*", Kind.COMMENT, State.BODY)
_PIPE: Rule = (r"\|", Kind.PIPE, State.SHELL)
_REDIRECT: Rule = (r">>?", Kind.REDIRECT, State.TARGET)
_KEY: tuple[Rule, ...] = (
    *_quotes(Kind.QUOTED_PART, State.KEY),
    (rf"[^{_B}.=]+", Kind.PART, State.KEY),
    (r"\.", Kind.DOT, State.PART),
    ("=", Kind.EQUALS, State.VALUE),
)
_SETTING: tuple[Rule, ...] = (
    *_quotes(Kind.STRING, State.CLOSED),
    (_WORD, Kind.WORD, State.BODY),
)
_BACK: Rule = ("", None, State.BODY)

RULES: dict[State, tuple[Rule, ...]] = {
    State.LINE: (
        *_blank(State.LINE),
        (rf"#[^\n]*|{_FENCE}", Kind.COMMENT, State.LINE),
        (_MARK, Kind.MARK, State.LINE),
        (r"\{", Kind.OPEN, State.OBJECT),
        (rf"transaction[ \t]*\({_END}", Kind.TRANSACTION, State.LINE),
        (rf"\){_END}", Kind.PAREN, State.BODY),
        (rf"\.[^{_B}]*", Kind.VERB, State.BODY),
        (_WORD, Kind.NAME, State.BODY),
    ),
    State.OBJECT: (
        *_blank(State.OBJECT),
        (rf"{_BEHIND_BLANK}#[^\n]*", Kind.COMMENT, State.OBJECT),
        (_MARK, Kind.MARK, State.OBJECT),
        (r"\{", Kind.OPEN, State.OBJECT),
        (rf"{_BEHIND_BLANK}\|", Kind.PIPE, State.SHELL),
        (rf"{_BEHIND_BLANK}>>?", Kind.REDIRECT, State.TARGET),
        (_WORD, Kind.GLUED, State.OBJECT),
    ),
    State.BODY: (
        *_blank(State.BODY),
        _COMMENT,
        _PIPE,
        _REDIRECT,
        (rf"\){_END}", Kind.PAREN, State.BODY),
        (rf"--[^{_B}=]*", Kind.MODIFIER, State.MODIFIER),
        *_KEY,
    ),
    State.KEY: (
        (r"\.", Kind.DOT, State.PART),
        ("=", Kind.EQUALS, State.VALUE),
        (_WORD, Kind.GLUED, State.BODY),
        _BACK,
    ),
    State.PART: (*_KEY, _BACK),
    State.VALUE: (
        *_quotes(Kind.STRING, State.CLOSED),
        (r"[{\[]", Kind.OPEN, State.CLOSED),
        (_WORD, Kind.WORD, State.BODY),
        _BACK,
    ),
    State.CLOSED: ((_WORD, Kind.GLUED, State.BODY), _BACK),
    State.MODIFIER: (("=", Kind.EQUALS, State.SETTING), _BACK),
    State.VALUED: (("=", Kind.EQUALS, State.SETTING), ("", None, State.OPERAND)),
    State.SETTING: (*_SETTING, _BACK),
    State.OPERAND: (*_blank(State.OPERAND), *_SETTING),
    State.TARGET: (
        *_blank(State.TARGET),
        *_quotes(Kind.STRING, State.DONE),
        (_WORD, Kind.WORD, State.DONE),
    ),
    State.DONE: (
        *_blank(State.DONE),
        (rf"{_BEHIND_BLANK}#[^\n]*", Kind.COMMENT, State.DONE),
        (_WORD, Kind.GLUED, State.DONE),
    ),
    State.SHELL: (*_blank(State.SHELL), (_WORD, Kind.SHELL, State.SHELL)),
    State.MEMBER: _brackets(State.MEMBER, rf"[^{_B},:{{}}\[\]]+", Kind.PART, Kind.QUOTED_PART),
    State.ITEM: _brackets(State.ITEM, rf"[^{_B},{{}}\[\]]+", Kind.WORD, Kind.STRING),
    State.SINGLE: ((_SINGLE_END, Kind.STRING, State.LINE), (".+", Kind.UNCLOSED, State.SINGLE)),
    State.DOUBLE: ((_DOUBLE_END, Kind.STRING, State.LINE), (".+", Kind.UNCLOSED, State.DOUBLE)),
    State.EXPORT: (*_blank(State.EXPORT), (_WORD, Kind.WORD, State.LINE)),
    State.WATCH: (
        *_blank(State.WATCH),
        (rf"[0-9][0-9.]*[a-z]*{_END}", Kind.WORD, State.LINE),
        ("", None, State.LINE),
    ),
    State.HMP: (
        (r"#.*", Kind.COMMENT, State.HMP),
        (rf"[{_B}]+", Kind.BLANK, State.HMP_INDENT),
        ("", None, State.HMP_INDENT),
    ),
    State.HMP_INDENT: (
        (rf"\.[a-zA-Z][a-zA-Z-]*{_END}", Kind.VERB, State.BODY),
        ("", None, State.HMP_TEXT),
    ),
    State.HMP_TEXT: ((rf"[{_B}]+", Kind.BLANK, State.HMP_TEXT), (".+", Kind.TEXT, State.HMP_TEXT)),
    # Only "..." quotes in HMP. Source: QEMU, monitor/hmp.c, get_str().
    State.HMP_PROMPT: (
        (rf"[{_B}]+", Kind.BLANK, State.HMP_GAP),
        (rf'[^{_B}"]+|"(?:{_DOUBLE_END}|.*)', Kind.TEXT, State.HMP_PROMPT),
    ),
    State.HMP_GAP: (
        (rf"\|(?=[{_B}])", Kind.PIPE, State.SHELL),
        (rf">>?(?=[{_B}])", Kind.REDIRECT, State.TARGET),
        ("", None, State.HMP_PROMPT),
    ),
}
_patterns: dict[State, re.Pattern[str]] = {}


def _pattern(state: State) -> re.Pattern[str]:
    """The rules of a state as one pattern, a group a rule; compiled when first asked for.

    A one-shot needs three of them, and all together would take longer than its answer.
    """
    pattern = _patterns.get(state)
    if pattern is None:
        rules = "|".join(f"({rule})" for rule, _, _ in RULES[state])
        pattern = _patterns[state] = re.compile(rules, re.DOTALL)
    return pattern


class Scanner:
    """Scans one logical line, whole or physical line by physical line.

    A text that is not the last of a line is fed with its newline. open_at: where the outermost of
    what is open stands, counted over all that was fed.
    """

    def __init__(self, mode: Mode = _PLAIN, state: State = State.LINE) -> None:
        self._mode = mode
        self._state = state
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
        match = _pattern(state).match(text, position, end)
        # The last rule of a state fits whatever its other rules leave.
        assert match is not None
        rule = (match.lastindex or 1) - 1
        _, kind, self._state = RULES[state][rule]
        if kind is None:
            self._enter(self._state)
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
        if state is State.LINE and self._mode.hmp:
            state = State.HMP
        elif state is State.HMP_TEXT and self._mode.prompt:
            state = State.HMP_PROMPT
        self._state = state

    def _after(self, kind: Kind, word: str) -> Kind:
        """Do what a rule alone cannot say; the kind, or another one where the mode wants it."""
        if kind is Kind.NAME and word in self._mode.bare_verbs:
            kind = Kind.VERB
        action = _ACTIONS.get(kind)
        if action is not None:
            action(self, word)
        return kind

    def _open_bracket(self, mark: str) -> None:
        if not self._brackets:
            self._behind = self._state
        self._brackets.append(mark)
        self._go_inside(mark)

    def _close_bracket(self, mark: str) -> None:
        """A wrong mark closes everything: the line is at fault, not unfinished."""
        if CLOSING[self._brackets.pop()] != mark:
            self._brackets.clear()
        if not self._brackets:
            self._state = self._behind

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
        self._enter(LINE_VERBS.get(word.removeprefix("."), State.BODY))


_ACTIONS: dict[Kind, Callable[[Scanner, str], None]] = {
    Kind.OPEN: Scanner._open_bracket,
    Kind.CLOSE: Scanner._close_bracket,
    Kind.COMMA: Scanner._go_inside,
    Kind.UNCLOSED: Scanner._leave_quote_open,
    Kind.STRING: Scanner._close_quote,
    Kind.MODIFIER: Scanner._expect_operand,
    Kind.VERB: Scanner._enter_verb,
}
"""What a token of a kind changes besides what its rule says."""
