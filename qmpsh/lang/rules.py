"""The scanner's rules: a state says what may stand next.

The rules of a state are tried in order and the last one fits whatever the others leave, so that
the scanner is total. They know no values: what a word means is decided in `values` and `build`.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from qmpsh.lang.tokens import BLANKS, Kind
from qmpsh.lang.verbs import Takes, takes


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
    TOOL = auto()  # .export, before the name of the tool
    TIMED = auto()  # .watch, before the line that it repeats
    HMP = auto()  # at the start of an HMP line
    HMP_INDENT = auto()  # the same, behind blanks
    HMP_TEXT = auto()
    HMP_PROMPT = auto()  # HMP text in which redirects are ours
    HMP_GAP = auto()  # in such text, behind a blank


_BEHIND = {
    Takes.HMP: State.HMP_TEXT,
    Takes.LINE: State.LINE,
    Takes.TOOL_LINE: State.TOOL,
    Takes.TIMED_LINE: State.TIMED,
}
"""What may stand behind a verb where that is a line."""


def behind_verb(name: str) -> State:
    """What may stand behind a verb, known or not. name: without its dot."""
    return _BEHIND.get(takes(name), State.BODY)


TIME = r"[0-9][0-9.]*[a-z]*"
"""What is meant as a time where one may stand."""

_B = BLANKS
_WORD = rf"[^{_B}]+"
_END = rf"(?=[{_B}]|\Z)"
_BEHIND_BLANK = rf"(?<=[{_B}])"
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

Rule = tuple[str, Kind | None, State]


def _blank(then: State) -> tuple[Rule, Rule]:
    return (
        (rf"[{_B}]+", Kind.BLANK, then),
        (rf"{_ALONE}\\(?=[ \t\r]*(?:\n|\Z))", Kind.CONTINUE, then),
    )


def _comment(then: State) -> Rule:
    return (rf"{_ALONE}#[^\n]*", Kind.COMMENT, then)


def _quotes(kind: Kind, then: State) -> tuple[Rule, Rule]:
    return ((QUOTED, kind, then), (r"[\"'].*", Kind.UNCLOSED, then))


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
        (rf"#[^\n]*|{_FENCE}|{GAP}", Kind.COMMENT, State.LINE),
        (_MARK, Kind.MARK, State.LINE),
        (r"\{", Kind.OPEN, State.OBJECT),
        (rf"transaction[ \t]*\({_END}", Kind.TRANSACTION, State.LINE),
        (rf"\){_END}", Kind.PAREN, State.BODY),
        (rf"\.[^{_B}]*", Kind.VERB, State.BODY),
        (_WORD, Kind.NAME, State.BODY),
    ),
    State.OBJECT: (
        *_blank(State.OBJECT),
        _comment(State.OBJECT),
        (_MARK, Kind.MARK, State.OBJECT),
        (r"\{", Kind.OPEN, State.OBJECT),
        (rf"{_BEHIND_BLANK}\|", Kind.PIPE, State.SHELL),
        (rf"{_BEHIND_BLANK}>>?", Kind.REDIRECT, State.TARGET),
        (_WORD, Kind.GLUED, State.OBJECT),
    ),
    State.BODY: (
        *_blank(State.BODY),
        _comment(State.BODY),
        _PIPE,
        _REDIRECT,
        (rf"\){_END}", Kind.PAREN, State.BODY),
        (_MODIFIER, Kind.MODIFIER, State.MODIFIER),
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
        _comment(State.TARGET),
        *_quotes(Kind.STRING, State.DONE),
        (_WORD, Kind.WORD, State.DONE),
    ),
    State.DONE: (
        *_blank(State.DONE),
        _comment(State.DONE),
        (_WORD, Kind.GLUED, State.DONE),
    ),
    State.SHELL: (*_blank(State.SHELL), (_WORD, Kind.SHELL, State.SHELL)),
    State.MEMBER: _brackets(State.MEMBER, rf"[^{_B},:{{}}\[\]]+", Kind.PART, Kind.QUOTED_PART),
    State.ITEM: _brackets(State.ITEM, rf"[^{_B},{{}}\[\]]+", Kind.WORD, Kind.STRING),
    State.SINGLE: ((_SINGLE_END, Kind.STRING, State.LINE), (".+", Kind.UNCLOSED, State.SINGLE)),
    State.DOUBLE: ((_DOUBLE_END, Kind.STRING, State.LINE), (".+", Kind.UNCLOSED, State.DOUBLE)),
    State.TOOL: (*_blank(State.TOOL), (_WORD, Kind.WORD, State.LINE)),
    State.TIMED: (
        *_blank(State.TIMED),
        (rf"{TIME}{_END}", Kind.WORD, State.TIMED),
        (_MODIFIER, Kind.MODIFIER, State.MODIFIER),
        ("", None, State.LINE),
    ),
    State.HMP: (
        (r"#.*", Kind.COMMENT, State.HMP),
        (rf"[{_B}]+", Kind.BLANK, State.HMP_INDENT),
        ("", None, State.HMP_INDENT),
    ),
    State.HMP_INDENT: (
        (rf"[{_B}]+", Kind.BLANK, State.HMP_INDENT),
        (PROMPT_MARK, Kind.MARK, State.HMP_INDENT),
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


def pattern_of(state: State) -> re.Pattern[str]:
    """The rules of a state as one pattern, a group a rule; compiled when first asked for.

    A one-shot needs three of them, and all together would take longer than its answer.
    """
    pattern = _patterns.get(state)
    if pattern is None:
        rules = "|".join(f"({rule})" for rule, _, _ in RULES[state])
        pattern = _patterns[state] = re.compile(rules, re.DOTALL)
    return pattern
