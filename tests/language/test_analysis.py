"""One analysis of a line serves all of its readers, whatever part of its mode each knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.language.analysis import MAX_KEPT_CHARACTERS, LineAnalysis, analyse
from qmpsh.language.cursor import find_context, parsed_line
from qmpsh.language.parser import line_statements, parse_line
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import PLAIN, Mode, Statement
from qmpsh.language.verbs import BARE
from tests.fuzzing import examples
from tests.language.strategies import lines, modes

many = examples(2)
PROMPT = Mode(prompt=True, bare_verbs=frozenset(BARE), helps=True)


def outcome(read: Callable[[], Sequence[Statement]]) -> list[Statement] | tuple[str, Span]:
    try:
        return list(read())
    except LineSyntaxError as error:
        return str(error), error.span


@many
@given(lines, modes)
@example("hmp info block | less", PROMPT)
@example("  query-x --help", PROMPT)
@example("query-x|jq .", PROMPT)
@example(".watch stop --count 3", Mode(counted=True))
def test_what_is_dropped_of_a_mode_changes_nothing(text: str, mode: Mode) -> None:
    line = analyse(text, mode)
    scanner = Scanner(mode)
    assert list(line.tokens) == scanner.feed(text)
    assert line.open_mark == scanner.open_mark
    whole = outcome(lambda: line_statements(LineAnalysis(text, mode)))
    assert outcome(lambda: parse_line(text, mode)) == whole


@given(st.from_regex(r"[A-Za-z0-9_.(-]{1,9}", fullmatch=True) | lines, modes)
@example("query-status", PLAIN)
@example("transaction", PLAIN)
@example("q", PROMPT)
@many
def test_the_tokens_are_those_of_the_scanner(text: str, mode: Mode) -> None:
    assert LineAnalysis(text, mode).tokens == tuple(Scanner(mode).feed(text))


def test_readers_of_one_line_share_its_analysis() -> None:
    text = "blockdev-add driver=raw"
    assert analyse(text, PROMPT) is analyse(text) is analyse(text, Mode(prompt=True))
    assert analyse("hmp info", PROMPT) is not analyse("hmp info")
    assert analyse("stop --help", PROMPT) is not analyse("stop --help")


def test_each_reader_gets_an_error_of_its_own() -> None:
    errors = []
    for _ in range(2):
        with pytest.raises(LineSyntaxError, match="expected the closing") as raised:
            parse_line("x a='")
        errors.append(raised.value)
    assert errors[0] is not errors[1]


def test_a_list_of_statements_may_be_changed() -> None:
    parse_line("x a=1").clear()
    assert parse_line("x a=1") != []


def test_a_long_line_is_not_kept() -> None:
    text = "x a=" + "1" * MAX_KEPT_CHARACTERS
    assert analyse(text) is not analyse(text)


def test_the_member_at_the_cursor_is_not_given() -> None:
    text = "x a=1 b=2"
    assert [m.path for m in analyse(text, PLAIN).reading(parsed_line).given] == [("a",), ("b",)]
    assert [m.path for m in find_context(text, 5, PLAIN).given] == [("b",)]
