"""Text to lines, lines to the session, one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.tui.runner import split_lines


def is_open(text: str) -> bool:
    return text.count("{") > text.count("}")


@pytest.mark.parametrize(
    "text, lines, rest",
    [
        ("", [], ""),
        ("  ", [], ""),
        ("a", ["a"], ""),
        ("a\nb\n", ["a", "b"], ""),
        ("a\n\n\nb", ["a", "b"], ""),
        ("a {\n}\nb", ["a {\n}", "b"], ""),
        ("a\nb {\n", ["a"], "b {\n"),
        ("{", [], "{"),
        ("{\n\n}", ["{\n\n}"], ""),
    ],
)
def test_split_lines(text: str, lines: list[str], rest: str) -> None:
    assert split_lines(text, is_open) == (lines, rest)


@given(text=st.text("ab{}\n "))
def test_nothing_that_says_something_is_lost(text: str) -> None:
    lines, rest = split_lines(text, is_open)
    kept = "\n".join([*lines, rest])
    assert kept.split() == text.split()
