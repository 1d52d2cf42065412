"""Ranges of names and choices in texts: tables, and what holds for any names."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.many.ranges import MOST, expand_braces, expand_nodes, fold_names, natural_key


@pytest.mark.parametrize(
    "text, expected",
    [
        ("ssh://h{1..3}/a", ["ssh://h1/a", "ssh://h2/a", "ssh://h3/a"]),
        ("{01..02}", ["01", "02"]),
        ("{3..1}", ["3", "2", "1"]),
        ("a{b,}c", ["abc", "ac"]),
        ("{a,b}{1..2}", ["a1", "a2", "b1", "b2"]),
        ("{a}", ["{a}"]),
        ("{}", ["{}"]),
        ("plain", ["plain"]),
    ],
)
def test_braces(text: str, expected: list[str]) -> None:
    assert expand_braces(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("web[1-3]", ["web1", "web2", "web3"]),
        ("web[1-2,9].lan", ["web1.lan", "web2.lan", "web9.lan"]),
        ("web[08-10]", ["web08", "web09", "web10"]),
        ("[::1]", ["[::1]"]),
        ("[1-3]", ["[1-3]"]),
        ("web[a-c]", ["web[a-c]"]),
        ("web[1-]", ["web[1-]"]),
    ],
)
def test_nodes(text: str, expected: list[str]) -> None:
    assert expand_nodes(text) == expected


@pytest.mark.parametrize("text", ["{1..10001}", "{1..200}{1..200}", "{0..999999999}"])
def test_too_many(text: str) -> None:
    with pytest.raises(UsageError, match=f"more than {MOST} targets"):
        expand_braces(text)


@pytest.mark.parametrize(
    "names, expected",
    [
        (["web1", "web2", "web3", "db"], ["db", "web[1-3]"]),
        (["web10", "web9", "web1"], ["web[1,9-10]"]),
        (["n08", "n09", "n10", "n100"], ["n[08-10]", "n100"]),
        (["vm1.lan", "vm2.lan"], ["vm[1-2].lan"]),
        (["r1-vm1", "r1-vm2", "r2-vm1"], ["r1-vm[1-2]", "r2-vm1"]),
        (["1", "2"], ["1", "2"]),
        (["a[1", "a[2"], ["a[1", "a[2"]),
        ([], []),
    ],
)
def test_folded(names: list[str], expected: list[str]) -> None:
    assert fold_names(names) == expected


NAMES = st.lists(st.from_regex(r"[ab\[,{-]{0,2}(0?[0-9]{1,3})?(\.x|\])?", fullmatch=True))


@given(NAMES | st.lists(st.text(max_size=12)))
def test_what_is_folded_can_be_unfolded(names: list[str]) -> None:
    folded = fold_names(names)
    again = [
        name
        for piece in folded
        for name in (expand_nodes(piece) if piece not in names else [piece])
    ]
    assert sorted(again) == sorted({*names})


@given(st.text(max_size=40))
def test_any_text_stands_for_something(text: str) -> None:
    try:
        assert expand_braces(text)
        assert expand_nodes(text)
    except UsageError:
        pass


@given(st.lists(st.text(max_size=8)), st.randoms())
def test_any_names_have_one_order(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))
    assert sorted(shuffled, key=natural_key) == sorted(names, key=natural_key)
