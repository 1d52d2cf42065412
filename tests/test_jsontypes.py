"""The accessors of JSON values: whatever a server sends, they give the type that is asked for."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.jsontypes import (
    Json,
    as_dict,
    as_dicts,
    as_list,
    as_str,
    get_dict,
    get_dicts,
    get_list,
    get_str,
    get_strs,
    is_broken_size,
    read_boolean,
    read_int,
    read_number,
)

WHOLE: Json = {"d": {"a": 1}, "l": [1, "b", {"c": 2}], "s": "text"}


def test_members_of_the_right_type() -> None:
    assert get_dict(WHOLE, "d") == {"a": 1}
    assert get_list(WHOLE, "l") == [1, "b", {"c": 2}]
    assert get_dicts(WHOLE, "l") == [{"c": 2}]
    assert get_strs(WHOLE, "l") == ("b",)
    assert get_str(WHOLE, "s") == "text"


@pytest.mark.parametrize("value", [None, 1, True, "d", [], [WHOLE], {}, {"x": {}, "d": None}])
def test_anything_else_is_empty(value: Json) -> None:
    assert (get_dict(value, "d"), get_list(value, "l"), get_dicts(value, "l")) == ({}, [], [])
    assert (get_strs(value, "l"), get_str(value, "s")) == ((), "")


def test_values() -> None:
    assert (as_dict(WHOLE), as_list(WHOLE), as_str(WHOLE), as_dicts(WHOLE)) == (WHOLE, [], "", [])
    assert (as_dict([{}]), as_list([{}]), as_dicts([{}, 1])) == ({}, [{}], [{}])
    assert as_str("x") == "x"


WORDS = st.text(st.sampled_from("0123456789.-+eExXabkKMGT \u0663_")) | st.text()


@given(WORDS)
@example("0 ")
def test_any_word_is_a_number_or_none(text: str) -> None:
    """What JSON takes for a number within the bounds of the wire is that number here."""
    number, whole = read_number(text), read_int(text)
    assert whole is None or number == whole
    assert not (is_broken_size(text) and whole is not None)
    assert read_boolean(text) in (None, False, True)
    try:
        # Blanks around a number are JSON, and no word.
        found = json.loads(text) if re.fullmatch(r"-?[0-9]\S*", text) else None
    except ValueError:
        return
    if isinstance(found, int | float) and abs(found) < 2**63:
        assert number == found


@given(st.integers(-(2**63), 2**64 - 1))
def test_each_integer_reads_back(number: int) -> None:
    assert read_int(str(number)) == number
    assert read_int(hex(number)) == number
    assert read_int(f"{number % 1000}k") == number % 1000 * 1024
