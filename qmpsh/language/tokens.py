"""The tokens of the language, and the scanner's rules: a state says which token may come next.

The rules of a state are tried in order and the last one fits whatever the others leave, so that
the scanner is total. They know no values: what a word means is decided in `values` and `untyped`.
"""

from __future__ import annotations

import re

from qmpsh.language.verbs import Takes, takes
from qmpsh.light_typing import Enum, NamedTuple, auto

BLANKS = " \t\r\n"
"""What separates words, as in JSON."""

CLOSING = {"{": "}", "[": "]"}

MAX_NESTING = 256
"""How deep brackets or dotted keys may nest: Python's own stack is what it protects."""


class TokenKind(Enum):
    """The kind of a token."""

    BLANK = auto()
    COMMENT = auto()  # also a markdown fence, and the ... of a transcript
    MARK = auto()  # (QEMU) TRANS> (qemu) -> <- C: S: of a transcript
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
    DEEP = auto()  # a bracket of either kind beyond MAX_NESTING: it nests nothing
    COMMA = auto()
    COLON = auto()
    GLUED = auto()  # what follows a closing mark without a blank
    MODIFIER = auto()  # --name
    PIPE = auto()
    REDIRECT = auto()  # > or >>
    SHELL = auto()  # a word of the host shell's command
    TEXT = auto()  # HMP


class Token(NamedTuple):
    """A piece of the text, with its kind.

    start, end: offsets into the text that was scanned, end exclusive.
    """

    kind: TokenKind
    start: int
    end: int

    def text(self, source: str) -> str:
        """Return what the token is in the text that was scanned."""
        return source[self.start : self.end]


IGNORED = frozenset({TokenKind.BLANK, TokenKind.COMMENT, TokenKind.MARK, TokenKind.CONTINUE})
"""The kinds that mean nothing between words."""


class ScanState(Enum):
    """A state of the scanner, which says what may stand next."""

    LINE = auto()
    OBJECT = auto()  # after a raw JSON object
    BODY = auto()  # at the start of a word after the name
    KEY = auto()  # after a part of a key
    PART = auto()  # after a dot in a key
    VALUE = auto()  # after `=`
    CLOSED = auto()  # after the closing mark of a value
    MODIFIER = auto()  # after a modifier that takes no value, or only with `=`
    VALUED = auto()  # after a modifier that needs a value
    SETTING = auto()  # after a modifier's `=`
    OPERAND = auto()  # before a modifier's value, a blank in between
    TARGET = auto()  # after `>`
    DONE = auto()  # after the file of a redirect
    SHELL = auto()  # after `|`
    MEMBER = auto()  # inside { } before a colon
    ITEM = auto()  # inside brackets, before a value
    SINGLE = auto()  # inside a quote that an earlier piece of text left open
    DOUBLE = auto()
    TOOL = auto()  # .export, before the name of the tool
    TIMED = auto()  # .watch, before the line that it repeats
    HMP = auto()  # at the start of an HMP line
    HMP_INDENT = auto()  # the same, after blanks
    HMP_TEXT = auto()
    HMP_PROMPT = auto()  # HMP text in which redirects are ours
    HMP_GAP = auto()  # in such text, after a blank


_AFTER_VERB = {
    Takes.HMP: ScanState.HMP_TEXT,
    Takes.LINE: ScanState.LINE,
    Takes.TOOL_LINE: ScanState.TOOL,
    Takes.TIMED_LINE: ScanState.TIMED,
    Takes.PATHS_LINE: ScanState.TIMED,
}
"""What may stand after a verb where that is a line."""


def state_after_verb(name: str) -> ScanState:
    """Return what may stand after a verb, known or not. name: without its dot."""
    return _AFTER_VERB.get(takes(name), ScanState.BODY)


TIME = r"[0-9][0-9.]*[a-z]*"
"""What is meant as a time where one may stand."""

_B = BLANKS
_WORD = rf"[^{_B}]+"
_END = rf"(?=[{_B}]|\Z)"
_AFTER_BLANK = rf"(?<=[{_B}])"
_ALONE = rf"(?<![^{_B}])"
_DOUBLE_END = r'[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SINGLE_END = r"[^'\\]*+(?:\\.[^'\\]*+)*+'"
QUOTED = f"\"{_DOUBLE_END}|'{_SINGLE_END}"
"""A string in either kind of quotes."""
_FENCE = r"```[^\n]*"
_MODIFIER = rf"--[^{_B}=]*"
QEMU_MARK = r"(?:\(QEMU(?: [^)\n]*)?\)|TRANS(?: [0-9]+)?>)"
"""What qmp-shell prints before a line; TRANS inside a transaction."""
PROMPT_MARK = rf"(?:{QEMU_MARK}|\((?:hmp|guest|qemu)\)){_END}"
"""What a shell, ours too, or the human monitor prints before a line."""
_MARK = rf"(?:{PROMPT_MARK}|(?:-{{1,3}}>|<-{{1,3}}|[CS]:){_END})"
GAP = r"(?:\.\.\.|\[\.\.\.\])(?=[ \t\r]*(?:\n|\Z))"
"""What stands where a transcript leaves something out."""

Rule = tuple[str, TokenKind | None, ScanState]


def _blank(then: ScanState) -> tuple[Rule, Rule]:
    return (
        (rf"[{_B}]+", TokenKind.BLANK, then),
        (rf"{_ALONE}\\(?=[ \t\r]*(?:\n|\Z))", TokenKind.CONTINUE, then),
    )


def _comment(then: ScanState) -> Rule:
    return (rf"{_ALONE}#[^\n]*", TokenKind.COMMENT, then)


def _quotes(kind: TokenKind, then: ScanState) -> tuple[Rule, Rule]:
    return ((QUOTED, kind, then), (r"[\"'].*", TokenKind.UNCLOSED, then))


def _brackets(
    state: ScanState, word: str, word_kind: TokenKind, string_kind: TokenKind
) -> tuple[Rule, ...]:
    return (
        (rf"[{_B}]+", TokenKind.BLANK, state),
        (r"[{\[]", TokenKind.OPEN, ScanState.ITEM),
        (r"[}\]]", TokenKind.CLOSE, ScanState.ITEM),
        (",", TokenKind.COMMA, ScanState.ITEM),
        *_quotes(string_kind, state),
        (word, word_kind, state),
        (":", TokenKind.COLON, ScanState.ITEM),
    )


_PIPE: Rule = (r"\|", TokenKind.PIPE, ScanState.SHELL)
_REDIRECT: Rule = (r">>?", TokenKind.REDIRECT, ScanState.TARGET)
_KEY: tuple[Rule, ...] = (
    *_quotes(TokenKind.QUOTED_PART, ScanState.KEY),
    (rf"[^{_B}.=]+", TokenKind.PART, ScanState.KEY),
    (r"\.", TokenKind.DOT, ScanState.PART),
    ("=", TokenKind.EQUALS, ScanState.VALUE),
)
_SETTING: tuple[Rule, ...] = (
    *_quotes(TokenKind.STRING, ScanState.CLOSED),
    (_WORD, TokenKind.WORD, ScanState.BODY),
)
_BACK: Rule = ("", None, ScanState.BODY)

RULES: dict[ScanState, tuple[Rule, ...]] = {
    ScanState.LINE: (
        *_blank(ScanState.LINE),
        (rf"#[^\n]*|{_FENCE}|{GAP}", TokenKind.COMMENT, ScanState.LINE),
        (_MARK, TokenKind.MARK, ScanState.LINE),
        (r"\{", TokenKind.OPEN, ScanState.OBJECT),
        (rf"transaction[ \t]*\({_END}", TokenKind.TRANSACTION, ScanState.LINE),
        (rf"\){_END}", TokenKind.PAREN, ScanState.BODY),
        (rf"\.[^{_B}]*", TokenKind.VERB, ScanState.BODY),
        (_WORD, TokenKind.NAME, ScanState.BODY),
    ),
    ScanState.OBJECT: (
        *_blank(ScanState.OBJECT),
        _comment(ScanState.OBJECT),
        (_MARK, TokenKind.MARK, ScanState.OBJECT),
        (r"\{", TokenKind.OPEN, ScanState.OBJECT),
        (rf"{_AFTER_BLANK}\|", TokenKind.PIPE, ScanState.SHELL),
        (rf"{_AFTER_BLANK}>>?", TokenKind.REDIRECT, ScanState.TARGET),
        (_WORD, TokenKind.GLUED, ScanState.OBJECT),
    ),
    ScanState.BODY: (
        *_blank(ScanState.BODY),
        _comment(ScanState.BODY),
        _PIPE,
        _REDIRECT,
        (rf"\){_END}", TokenKind.PAREN, ScanState.BODY),
        (_MODIFIER, TokenKind.MODIFIER, ScanState.MODIFIER),
        *_KEY,
    ),
    ScanState.KEY: (
        (r"\.", TokenKind.DOT, ScanState.PART),
        ("=", TokenKind.EQUALS, ScanState.VALUE),
        (_WORD, TokenKind.GLUED, ScanState.BODY),
        _BACK,
    ),
    ScanState.PART: (*_KEY, _BACK),
    ScanState.VALUE: (
        *_quotes(TokenKind.STRING, ScanState.CLOSED),
        (r"[{\[]", TokenKind.OPEN, ScanState.CLOSED),
        (_WORD, TokenKind.WORD, ScanState.BODY),
        _BACK,
    ),
    ScanState.CLOSED: ((_WORD, TokenKind.GLUED, ScanState.BODY), _BACK),
    ScanState.MODIFIER: (("=", TokenKind.EQUALS, ScanState.SETTING), _BACK),
    ScanState.VALUED: (("=", TokenKind.EQUALS, ScanState.SETTING), ("", None, ScanState.OPERAND)),
    ScanState.SETTING: (*_SETTING, _BACK),
    ScanState.OPERAND: (*_blank(ScanState.OPERAND), *_SETTING),
    ScanState.TARGET: (
        *_blank(ScanState.TARGET),
        _comment(ScanState.TARGET),
        *_quotes(TokenKind.STRING, ScanState.DONE),
        (_WORD, TokenKind.WORD, ScanState.DONE),
    ),
    ScanState.DONE: (
        *_blank(ScanState.DONE),
        _comment(ScanState.DONE),
        (_WORD, TokenKind.GLUED, ScanState.DONE),
    ),
    ScanState.SHELL: (*_blank(ScanState.SHELL), (_WORD, TokenKind.SHELL, ScanState.SHELL)),
    ScanState.MEMBER: _brackets(
        ScanState.MEMBER, rf"[^{_B},:{{}}\[\]]+", TokenKind.PART, TokenKind.QUOTED_PART
    ),
    ScanState.ITEM: _brackets(
        ScanState.ITEM, rf"[^{_B},{{}}\[\]]+", TokenKind.WORD, TokenKind.STRING
    ),
    ScanState.SINGLE: (
        (_SINGLE_END, TokenKind.STRING, ScanState.LINE),
        (".+", TokenKind.UNCLOSED, ScanState.SINGLE),
    ),
    ScanState.DOUBLE: (
        (_DOUBLE_END, TokenKind.STRING, ScanState.LINE),
        (".+", TokenKind.UNCLOSED, ScanState.DOUBLE),
    ),
    ScanState.TOOL: (*_blank(ScanState.TOOL), (_WORD, TokenKind.WORD, ScanState.LINE)),
    ScanState.TIMED: (
        *_blank(ScanState.TIMED),
        (rf"{TIME}{_END}", TokenKind.WORD, ScanState.TIMED),
        (_MODIFIER, TokenKind.MODIFIER, ScanState.MODIFIER),
        ("", None, ScanState.LINE),
    ),
    ScanState.HMP: (
        (r"#.*", TokenKind.COMMENT, ScanState.HMP),
        (rf"[{_B}]+", TokenKind.BLANK, ScanState.HMP_INDENT),
        ("", None, ScanState.HMP_INDENT),
    ),
    ScanState.HMP_INDENT: (
        (rf"[{_B}]+", TokenKind.BLANK, ScanState.HMP_INDENT),
        (PROMPT_MARK, TokenKind.MARK, ScanState.HMP_INDENT),
        (rf"\.[a-zA-Z][a-zA-Z-]*{_END}", TokenKind.VERB, ScanState.BODY),
        ("", None, ScanState.HMP_TEXT),
    ),
    ScanState.HMP_TEXT: (
        (rf"[{_B}]+", TokenKind.BLANK, ScanState.HMP_TEXT),
        (".+", TokenKind.TEXT, ScanState.HMP_TEXT),
    ),
    # Only "..." quotes in HMP. Source: QEMU, monitor/hmp.c, get_str().
    ScanState.HMP_PROMPT: (
        (rf"[{_B}]+", TokenKind.BLANK, ScanState.HMP_GAP),
        (rf'[^{_B}"]+|"(?:{_DOUBLE_END}|.*)', TokenKind.TEXT, ScanState.HMP_PROMPT),
    ),
    ScanState.HMP_GAP: (
        (rf"\|(?=[{_B}])", TokenKind.PIPE, ScanState.SHELL),
        (rf">>?(?=[{_B}])", TokenKind.REDIRECT, ScanState.TARGET),
        ("", None, ScanState.HMP_PROMPT),
    ),
}
_patterns: dict[ScanState, re.Pattern[str]] = {}


def pattern_of(state: ScanState) -> re.Pattern[str]:
    """Return the rules of a state as one pattern, a group a rule; compiled when first asked for.

    A one-shot needs three of them, and all together would take longer than its answer.
    """
    pattern = _patterns.get(state)
    if pattern is None:
        rules = "|".join(f"({rule})" for rule, _, _ in RULES[state])
        pattern = _patterns[state] = re.compile(rules, re.DOTALL)
    return pattern
