"""What holds for every text and for every command."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import assume, example, given
from hypothesis import strategies as st

from qmpsh.errors import LineError, Span
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.arguments import words_and_redirect
from qmpsh.language.formatting import format_command
from qmpsh.language.lexer import QmpshLexer
from qmpsh.language.names import HELP
from qmpsh.language.parser import parse_arguments, parse_line, parse_words
from qmpsh.language.reader import LineAssembler, needs_more
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import (
    Argument,
    ArrayLiteral,
    CommandLine,
    HmpLine,
    JsonLine,
    Mode,
    Node,
    ObjectLiteral,
    RawLiteral,
    Statement,
    TransactionClose,
    TransactionOpen,
    VerbLine,
)
from qmpsh.language.untyped import guess_arguments
from qmpsh.language.values import quote
from qmpsh.render.answers import caret_lines
from tests.fuzzing import examples
from tests.language.helpers import fault, guessed_words, one
from tests.language.strategies import PIECES, arguments, lines, modes

many = examples(3)
few = examples(1.5)


def read(text: str, mode: Mode) -> list[Statement]:
    """Parse and go on as the shell does."""
    statements = parse_line(text, mode)
    for statement in statements:
        if isinstance(statement, CommandLine):
            guess_arguments(statement)
        elif isinstance(statement, VerbLine):
            words_and_redirect(statement.rest)
            parse_arguments(statement.rest, 0)
    return statements


def check_fault(error: LineError) -> None:
    start, end = error.span
    assert 0 <= start <= end <= len(error.source)
    assert str(error)
    assert caret_lines(error)[1].endswith("^")


@many
@given(lines, modes)
@example("x a='b\\' c", Mode())
def test_any_text_is_parsed_or_refused(text: str, mode: Mode) -> None:
    error = fault(lambda: read(text, mode))
    if error is not None:
        check_fault(error)


@many
@given(lines, modes)
def test_every_place_lies_in_the_source(text: str, mode: Mode) -> None:
    statements: list[Statement] = []
    fault(lambda: statements.extend(parse_line(text, mode)))
    for statement in statements:
        assert statement.source == text
        assert all(0 <= start <= end <= len(text) for start, end in spans(statement))


@few
@given(st.lists(lines, max_size=4), st.booleans())
@example(["x", "a={'"], False)
def test_any_words_are_parsed_or_refused(words: list[str], hmp: bool) -> None:
    statements: list[Statement] = []
    error = fault(lambda: statements.extend(parse_words(words, hmp=hmp)))
    if error is not None:
        check_fault(error)
    for statement in statements:
        assert all(0 <= start <= end for start, end in spans(statement))


@few
@given(st.lists(st.sampled_from([*PIECES, "a=", "a.0="]), max_size=4).map("".join))
@example("--help")
def test_any_word_of_a_one_shot_is_read_or_refused(word: str) -> None:
    # `--help` asks for a verb.
    fault(lambda: guessed_words(["x", f"a={word}", word]) if word not in HELP else None)


def spans(statement: Statement) -> Iterator[Span]:
    """Every place that a statement knows of."""
    match statement:
        case CommandLine():
            yield statement.name.span
            for argument in statement.arguments:
                yield from argument_spans(argument)
        case VerbLine():
            yield from (statement.name_span, statement.rest_span)
        case TransactionOpen():
            yield statement.span
            if statement.action is not None:
                yield from spans(statement.action)
        case JsonLine() | TransactionClose():
            yield statement.span
        case HmpLine():
            pass
    if statement.redirect is not None:
        yield statement.redirect.span


def argument_spans(argument: Argument) -> Iterator[Span]:
    yield argument.span
    yield from (part.span for part in argument.key)
    yield from value_spans(argument.value)


def value_spans(value: Node | RawLiteral) -> Iterator[Span]:
    yield value.span
    match value:
        case ArrayLiteral():
            for item in value.items:
                yield from value_spans(item)
        case ObjectLiteral():
            for part, item in value.members:
                yield part.span
                yield from value_spans(item)


@given(arguments, st.booleans())
@example({"a": {"b": 1.5, "c": 1}, "d": {}}, True)
@example({"addr": 5}, False)
@example({"a": "\ud800\x00"}, False)
def test_a_formatted_command_reads_back(json_arguments: JsonObject, dotted: bool) -> None:
    text = format_command("device_add", json_arguments, dotted=dotted)
    statement = one(text)
    found: Json
    if isinstance(statement, JsonLine):
        found = statement.arguments or {}
    else:
        assert isinstance(statement, CommandLine)
        found = guess_arguments(statement)
    assert same(found, json_arguments)


def same(left: Json, right: Json) -> bool:
    """Equal, and of the same types all the way down: 1 is neither 1.0 nor true."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, str):
        return isinstance(right, str) and left == right
    return type(left) is type(right) and left == right


@few
@given(st.text())
def test_a_quoted_text_reads_back(text: str) -> None:
    [argument] = [a for s in parse_line(f"x a={quote(text)}") for a in getattr(s, "arguments", ())]
    assert (argument.value.text, argument.value.quoted) == (text, True)


@many
@given(lines, modes)
def test_tokens_cover_the_text(text: str, mode: Mode) -> None:
    position = 0
    for token in Scanner(mode).feed(text):
        assert token.start == position < token.end
        position = token.end
    assert position == len(text)


@many
@given(lines, st.booleans(), st.booleans())
def test_the_lexer_covers_the_text(text: str, hmp: bool, prompt: bool) -> None:
    lexer = QmpshLexer(hmp=hmp, prompt=prompt)
    position = 0
    for start, _, value in lexer.get_tokens_unprocessed(text):
        assert start == position
        position += len(value)
    assert position == len(text)


@many
@given(lines, modes)
def test_what_needs_more_is_pending(text: str, mode: Mode) -> None:
    assembler = LineAssembler(mode)
    complete = [assembler.push(line) for line in text.split("\n")]
    assert needs_more(text, mode) == assembler.pending == (complete[-1] is None)


def is_marked(text: str) -> bool:
    marks = ("(QEMU", "(qemu)", "(hmp)", "(guest)", "TRANS", "->", "<-", "C:", "S:")
    return any(mark in text for mark in marks)


@many
@given(lines, modes)
def test_nothing_is_lost_between_the_lines(text: str, mode: Mode) -> None:
    """Logical lines and what is pending are the text; an end of file inside is a LineError.

    But for a transcript in HMP mode, of which gaps are passed over: `test_transcripts` has that.
    """
    assume(not (mode.hmp and is_marked(text)))
    assembler = LineAssembler(mode)
    physical = [line.removesuffix("\r") for line in text.split("\n")]
    complete = [line for line in map(assembler.push, text.split("\n")) if line is not None]
    joined = "\n".join(line.text for line in complete)
    assert "\n".join(physical).startswith(joined)
    error = fault(assembler.close)
    rest = "\n".join(physical)[len(joined) + bool(complete) :]
    assert rest == (error.source if error else "")


@many
@given(lines, modes)
def test_an_open_line_is_no_statement_yet(text: str, mode: Mode) -> None:
    """Else the assembler would wait for more of what could run; a verb may not look at its line."""
    text = text.replace("\n", " ")
    if needs_more(text, mode):
        statements: list[Statement] = []
        error = fault(lambda: statements.extend(parse_line(text, mode)))
        assert error or all(isinstance(statement, VerbLine) for statement in statements)
