"""What is said before a raw JSON command is sent that this server would refuse."""

from __future__ import annotations

import json

import pytest

from qmpsh.jsontypes import Json
from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import JsonLine
from qmpsh.schema.check import MAX_CHECKED_CHARACTERS, check_json
from tests.samples import schema


def said(line: str) -> str:
    [statement] = parse_line(line)
    assert isinstance(statement, JsonLine)
    return check_json(schema("10.0"), statement)


def said_of(name: str, arguments: Json) -> str:
    return said(json.dumps({"execute": name, "arguments": arguments}))


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("query-status", {}),
        ("device_del", {"id": "null"}),
        ("device_del", {"id": "true"}),
        ("balloon", {"value": 5}),
        ("set_link", {"name": "true", "up": True}),
        ("set_link", {"name": "5", "up": False}),
        ("qom-set", {"path": "/", "property": "p", "value": None}),
        ("qom-set", {"path": "/", "property": "p", "value": "5"}),
        ("qom-set", {"path": "/", "property": "p", "value": [1.5, {"a": [None, False]}]}),
        ("object-add", {"qom-type": "iothread", "id": "a"}),
        ("device_add", {"driver": "e1000", "addr": 3}),  # strings and numbers are read alike there
        ("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]}),
    ],
)
def test_nothing_of_what_is_taken(name: str, arguments: Json) -> None:
    assert said_of(name, arguments) == ""


@pytest.mark.parametrize(
    "name, arguments, why",
    [
        ("ballooon", {}, "no command ballooon; did you mean balloon?"),
        ("zzz", {}, "no command zzz"),
        ("device_del", [], "arguments must be an object"),
        ("device_del", "x", "arguments must be an object"),
        ("device_del", None, "arguments must be an object"),
        ("query-status", {"a": 1}, "query-status has no argument 'a'; it takes none"),
        ("device_add", {"bus": "x"}, "device_add needs driver=..."),
        ("device_del", {"id": 5}, "id: another type is declared"),
        ("device_del", {"id": True}, "id: another type is declared"),
        ("device_del", {"id": None}, "id: another type is declared"),
        ("object-add", {"qom-type": "iothread", "id": 1}, "id: another type is declared"),
        ("balloon", {"value": "5"}, "value is an integer: write it without quotes"),
        ("balloon", {"value": 5.5}, "value: expected an integer such as 5, 0x10 or 64M"),
        ("set_link", {"name": "a", "up": "on"}, "up is a boolean: write it without quotes"),
        (
            "set_link",
            {"name": "a", "up": None},
            "up: expected one of true, false, on, off, yes, no",
        ),
        (
            "migrate-set-capabilities",
            {"capabilities": {"capability": "events", "state": True}},
            "capabilities: expected a list [{capability, state}]",
        ),
        (
            "migrate-set-capabilities",
            {"capabilities": [{"capability": "events", "state": "on"}]},
            "state is a boolean: write it without quotes",
        ),
    ],
)
def test_what_would_be_refused(name: str, arguments: Json, why: str) -> None:
    assert said_of(name, arguments) == why


def test_arguments_that_are_left_out() -> None:
    assert said('{"execute": "query-status"}') == ""
    assert said('{"execute": "device_del"}') == "device_del needs id=..."


def test_a_line_that_a_program_wrote_is_not_checked() -> None:
    line = '{"execute": "zzz"}'.ljust(MAX_CHECKED_CHARACTERS)
    assert said(line) == "no command zzz"
    assert said(line + " ") == ""
