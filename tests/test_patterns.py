"""A late pattern finds what a compiled one finds, and is compiled at its first use alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from qmpsh import patterns
from qmpsh.patterns import LatePattern

TEXT = "one=1, Two=22"

METHODS: dict[str, Callable[[LatePattern | re.Pattern[str]], object]] = {
    "match": lambda one: bool(one.match(TEXT, 7)),
    "fullmatch": lambda one: one.fullmatch(TEXT),
    "search": lambda one: bool(one.search(TEXT, 5)),
    "finditer": lambda one: [found.span() for found in one.finditer(TEXT)],
    "findall": lambda one: one.findall(TEXT),
    "split": lambda one: one.split(TEXT, maxsplit=1),
    "sub": lambda one: one.sub("x", TEXT),
}


@pytest.mark.parametrize("method", METHODS)
def test_it_finds_what_a_compiled_pattern_finds(method: str) -> None:
    pattern, flags = r"[a-z]+=", re.IGNORECASE
    call = METHODS[method]
    assert call(LatePattern(pattern, flags)) == call(re.compile(pattern, flags))


def test_it_is_compiled_once_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []

    def count(pattern: str, flags: int) -> re.Pattern[str]:
        compiled.append(pattern)
        return re.compile(pattern, flags)

    monkeypatch.setattr(patterns, "_compile", count)
    late = LatePattern("a+")
    assert (late.pattern, compiled) == ("a+", [])
    assert (late.sub("b", "caat"), late.findall("aab")) == ("cbt", ["aa"])
    assert compiled == ["a+"]


def test_it_has_no_other_method() -> None:
    assert not hasattr(LatePattern("a"), "groups")
