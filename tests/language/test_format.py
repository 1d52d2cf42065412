"""JSON to a line of the language."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.language.formatting import format_command

BOTH = [
    ({}, "x"),
    ({"a": "b", "c": 5, "d": True, "e": None}, "x a=b c=5 d=true e=null"),
    ({"a": "b c", "d": "", "e": "5", "f": "null"}, 'x a="b c" d="" e="5" f="null"'),
    ({"a": 'say "hi"', "b": "C:\\x", "c": "it's"}, "x a='say \"hi\"' b='C:\\\\x' c=\"it's\""),
    ({"a": "b\nc\x1b"}, 'x a="b\\nc\\u001b"'),
    ({"a": "?", "b": "x)", "c": "[::1]"}, 'x a="?" b="x)" c="[::1]"'),
    ({"node-name": "#block1", "id": "007"}, 'x node-name="#block1" id=007'),
    ({"a.b": 1, "0": 2, "__x": 3, "": 4}, 'x "a.b"=1 "0"=2 "__x"=3 ""=4'),
    ({"a": [1, "b"]}, 'x a=[1, "b"]'),
    ({"addr": "5"}, 'x addr="5"'),
    ({"addr": {}}, "x addr={}"),
    # What the untyped reading has no word for.
    ({"a": 1.5}, '{"execute": "x", "arguments": {"a": 1.5}}'),
    ({"a": 2**64}, '{"execute": "x", "arguments": {"a": 18446744073709551616}}'),
    ({"addr": 5}, '{"execute": "x", "arguments": {"addr": 5}}'),
]


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("arguments,text", BOTH)
def test_in_both_forms(arguments: JsonObject, text: str, dotted: bool) -> None:
    assert format_command("x", arguments, dotted=dotted) == text


OBJECTS = [
    (
        {"file": {"driver": "file", "filename": "/a b"}},
        'x file={"driver": "file", "filename": "/a b"}',
        'x file.driver=file file.filename="/a b"',
    ),
    ({"a": {"b": {"c": [{}]}}}, 'x a={"b": {"c": [{}]}}', "x a.b.c=[{}]"),
    ({"a": {}}, "x a={}", "x a={}"),
    ({"a": {"b.c": 1, "0": 2}}, 'x a={"b.c": 1, "0": 2}', 'x a."b.c"=1 a."0"=2'),
    ({"a": {"b": 1.5, "c": 1}}, 'x a={"b": 1.5, "c": 1}', 'x a={"b": 1.5, "c": 1}'),
    ({"a": {"b": {"c": 1.5}, "d": 1}}, 'x a={"b": {"c": 1.5}, "d": 1}', 'x a.b={"c": 1.5} a.d=1'),
    ({"__a": {"b": 1}}, 'x "__a"={"b": 1}', 'x "__a".b=1'),
]


@pytest.mark.parametrize("arguments,brackets,dots", OBJECTS)
def test_objects(arguments: JsonObject, brackets: str, dots: str) -> None:
    assert format_command("x", arguments) == brackets
    assert format_command("x", arguments, dotted=True) == dots


def test_without_arguments() -> None:
    assert format_command("query-status") == "query-status"


def test_a_name_that_is_none() -> None:
    assert format_command("a b") == '{"execute": "a b"}'
    assert format_command("", {"a": 1}) == '{"execute": "", "arguments": {"a": 1}}'
