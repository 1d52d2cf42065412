"""What Tab inserts means what it stands for, and nothing else."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.complete.candidates import Form
from qmpsh.complete.complete import complete
from qmpsh.language.arguments import words_and_redirect
from qmpsh.language.lines import parse_line
from qmpsh.language.parser import parse_arguments
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import (
    Argument,
    ArrayLiteral,
    CommandLine,
    HmpLine,
    Mode,
    Modifiers,
    Node,
    ObjectLiteral,
    RawLiteral,
    Redirect,
    Scalar,
    Statement,
    TransactionOpen,
    VerbLine,
)
from qmpsh.language.tokens import CLOSING, TokenKind
from qmpsh.language.verbs import LINES as LINE_VERBS
from qmpsh.language.verbs import Takes, takes
from qmpsh.ui.common.completer import completions
from tests.complete.hostile import LINES, hostile_catalog, inserted, names
from tests.evil import obeyed
from tests.fuzzing import examples

STAND_IN = "zq9"
"""A name that nothing could read in another way"""

ENDS = {": ": "v", "=": "v", ".": "k=v", "": "=v"}
"""What a person would type behind a key that ends so"""


@examples(3)
@given(names, st.sampled_from(LINES))
@example("zz | touch X #", ("command either=", Mode()))
@example("zz | touch X #", (".wait ", Mode()))
@example("zz\t|\ttouch X #", ("", Mode(hmp=True, prompt=True)))
@example("zz | touch X #", ("transaction( action kind=", Mode()))
@example("a > b", (".source ", Mode()))
@example(">b", ("command >", Mode()))
@example("5s", (".watch ", Mode()))
@example("a)", ("action kind=", Mode(in_transaction=True)))
@example("(", ("command either={", Mode()))
@example("null", ("command either=", Mode()))
def test_a_candidate_reads_back_as_what_it_stands_for(name: str, place: tuple[str, Mode]) -> None:
    line, mode = place
    known = hostile_catalog(name)
    found = complete(line, len(line), known, mode)
    for candidate in found:
        after = inserted(line, candidate)
        if candidate.form is Form.OURS:
            assert candidate.text.isascii()
            assert not set("|>#'\"\\") & set(candidate.text)
            continue
        tail, end = "", ""
        if candidate.form in (Form.KEY, Form.INDEX):
            tail = next(filter(candidate.text.endswith, ENDS), "")
            end = ENDS[tail]
        plain = line[: candidate.start] + STAND_IN + tail
        assert shape(after + end, mode) == shape(plain + end, mode, candidate.value)
    for completion in completions(found, len(line), 80, "…"):
        shown = "".join(part[1] for part in completion.display) + completion.display_meta_text
        assert not obeyed(shown)


def shape(text: str, mode: Mode, stands_for: str = STAND_IN) -> object:
    """What a line says once it is finished, without where it says so and how it is quoted."""
    return _shapes(finished(text, mode), mode, stands_for)


def finished(text: str, mode: Mode) -> str:
    """The line with every bracket in it closed."""
    tokens = Scanner(mode).feed(text)
    kinds = [token.kind for token in tokens]
    open_marks: list[str] = []
    for token in tokens:
        if token.kind is TokenKind.OPEN:
            open_marks.append(token.text(text))
        elif token.kind is TokenKind.CLOSE:
            open_marks.pop()
    text += "".join(CLOSING[mark] for mark in reversed(open_marks))
    return f"{text} )" if TokenKind.TRANSACTION in kinds else text


def _shapes(text: str, mode: Mode, stands_for: str) -> object:
    return [_statement(one, mode, stands_for) for one in parse_line(text, mode)]


def _statement(one: Statement, mode: Mode, stands_for: str) -> object:
    def said(text: str) -> str:
        return text.replace(STAND_IN, stands_for)

    match one:
        case CommandLine():
            arguments = [_argument(argument, stands_for) for argument in one.arguments]
            after = _behind(one.modifiers, one.redirect, stands_for)
            return "command", said(one.name.text), arguments, after
        case TransactionOpen():
            assert one.action is not None
            return "transaction", _statement(one.action, mode, stands_for)
        case HmpLine():
            return "hmp", said(one.text), _behind(Modifiers(), one.redirect, stands_for)
        case VerbLine():
            after = _behind(one.modifiers, one.redirect, stands_for)
            return "verb", one.name, one.head, _rest(one, mode, stands_for), after
    raise AssertionError(one)


def _rest(verb: VerbLine, mode: Mode, stands_for: str) -> object:
    behind = takes(verb.name)
    if behind in LINE_VERBS:
        return _shapes(verb.rest, mode, stands_for)
    if behind is Takes.HMP:
        return _shapes(verb.rest, mode._replace(hmp=True), stands_for)
    if behind is Takes.FILE:
        words, redirect = words_and_redirect(verb.rest)
        assert redirect is None
        return [word.replace(STAND_IN, stands_for) for word in words]
    if behind in (Takes.EVENT, Takes.EVENTS) and " " in verb.rest:
        name, _, arguments = verb.rest.partition(" ")
        text = arguments if "=" in arguments else f"{arguments}=v"
        return name, [_argument(argument, stands_for) for argument in parse_arguments(text, 0)]
    return [word.replace(STAND_IN, stands_for) for word in verb.rest.split()]


def _behind(modifiers: Modifiers, redirect: Redirect | None, stands_for: str) -> object:
    texts = [str(value).replace(STAND_IN, stands_for) for value in modifiers]
    target = redirect and (redirect.mark, redirect.target.replace(STAND_IN, stands_for))
    return texts, target


def _argument(argument: Argument, stands_for: str) -> object:
    key = ".".join(part.text for part in argument.key).replace(STAND_IN, stands_for)
    return key, _node(argument.value, stands_for)


def _node(node: Node | RawLiteral, stands_for: str) -> object:
    match node:
        case ObjectLiteral():
            return [
                (part.text.replace(STAND_IN, stands_for), _node(value, stands_for))
                for part, value in node.members
            ]
        case ArrayLiteral():
            return [_node(item, stands_for) for item in node.items]
        case Scalar() | RawLiteral():
            return node.text.replace(STAND_IN, stands_for)
