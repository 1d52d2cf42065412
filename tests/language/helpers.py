"""What the tests of the language share: short ways to a statement, to its JSON, to its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from qmpsh.errors import LineError, LineSyntaxError
from qmpsh.jsontypes import JsonObject
from qmpsh.language.parser import parse_line, parse_words
from qmpsh.language.reader import LineAssembler
from qmpsh.language.syntax import PLAIN, CommandLine, JsonLine, Mode, Statement, VerbLine
from qmpsh.language.untyped import guess_arguments
from qmpsh.render.answers import caret_lines

DATA = Path(__file__).parent / "data"
PROMPT = Mode(prompt=True)
HMP = Mode(hmp=True)
HMP_PROMPT = Mode(hmp=True, prompt=True)
TRANSACTION = Mode(in_transaction=True)


def one(text: str, mode: Mode = PLAIN) -> Statement:
    """The only statement of a line."""
    [statement] = parse_line(text, mode)
    return statement


def command(text: str, mode: Mode = PLAIN) -> CommandLine:
    statement = one(text, mode)
    assert isinstance(statement, CommandLine)
    return statement


def verb(text: str, mode: Mode = PLAIN) -> VerbLine:
    statement = one(text, mode)
    assert isinstance(statement, VerbLine)
    return statement


def json_lines(text: str) -> list[JsonLine]:
    statements = parse_line(text)
    return [statement for statement in statements if isinstance(statement, JsonLine)]


def guessed(text: str) -> JsonObject:
    """The arguments of a line where no type is known."""
    return guess_arguments(command(text))


def guessed_words(words: Sequence[str]) -> JsonObject:
    [statement] = parse_words(words)
    assert isinstance(statement, CommandLine)
    return guess_arguments(statement)


def refusal(act: Callable[[], object]) -> str:
    """The error's sentence, and its two lines with the place, as a user sees them."""
    with pytest.raises(LineSyntaxError) as caught:
        act()
    return "\n".join([str(caught.value), *caret_lines(caught.value)])


def fault(act: Callable[[], object]) -> LineError | None:
    """The only error that a text may raise, or None."""
    try:
        act()
    except LineError as error:
        return error
    return None


def refused_line(text: str, mode: Mode = PLAIN) -> str:
    return refusal(lambda: parse_line(text, mode))


def refused_guess(text: str) -> str:
    return refusal(lambda: guessed(text))


def pictures(text: str) -> list[str]:
    """Expected refusals, a blank line between them: sentence, the line as typed, marks."""
    return text.strip("\n").split("\n\n")


def assembled(text: str, mode: Mode = PLAIN) -> list[str]:
    """The logical lines of a whole script."""
    assembler = LineAssembler(mode)
    lines = [assembler.push(line) for line in text.splitlines(keepends=True)]
    assembler.close()
    return [line.text for line in lines if line is not None]
