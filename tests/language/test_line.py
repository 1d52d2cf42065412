"""The short way for bare words says what the grammar says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.language import lines, parser
from qmpsh.language.syntax import Mode

MODES = [Mode(), Mode(prompt=True), Mode(in_transaction=True), Mode(bare_verbs=frozenset({"help"}))]


@pytest.mark.parametrize("mode", [*MODES, Mode(hmp=True)])
@pytest.mark.parametrize(
    "text", ["stop", "query-status", "device_add", "x-y_0", "help", "0", "_", "transaction", "Stop"]
)
def test_bare_words(text: str, mode: Mode) -> None:
    assert lines.parse_line(text, mode) == parser.parse_line(text, mode)


@pytest.mark.parametrize("text", ["", "-x", "--", "--wait", "stop ", ".help", "a.b", "é", "{", ")"])
def test_no_bare_words(text: str) -> None:
    assert not lines.is_bare_word(text)


@given(st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,12}", fullmatch=True), st.sampled_from(MODES))
def test_any_bare_word(text: str, mode: Mode) -> None:
    assert lines.is_bare_word(text) or not text.strip("_-")
    assert lines.parse_line(text, mode) == parser.parse_line(text, mode)


def test_words() -> None:
    for words in (["stop"], ["balloon", "value=5"], [".help"], []):
        assert lines.parse_words(words) == parser.parse_words(words)
    assert lines.parse_words(["info"], hmp=True) == parser.parse_words(["info"], hmp=True)
