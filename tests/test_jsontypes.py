"""The accessors of JSON values: whatever a server sends, they give the type that is asked for."""

from __future__ import annotations

import pytest

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
