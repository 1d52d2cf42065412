"""Raw JSON lines and pasted transcripts."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import CommandLine, JsonLine
from tests.language.helpers import DATA, assembled, json_lines, pictures, refused_line


def test_everything_that_a_command_can_hold() -> None:
    text = '{"execute": "x", "arguments": {"a": [1, 2.5]}, "id": null, "more": 1}'
    assert json_lines(f"  {text}") == [
        JsonLine(
            source=f"  {text}",
            name="x",
            arguments={"a": [1, 2.5]},
            has_arguments=True,
            oob=False,
            has_id=True,
            id=None,
            extra={"more": 1},
            span=(2, 2 + len(text)),
        )
    ]


def test_out_of_band() -> None:
    [line] = json_lines('{"exec-oob": "migrate-pause", "id": 7}')
    assert (line.name, line.oob, line.id, line.has_arguments) == ("migrate-pause", True, 7, False)


ONE = [
    ('{"execute": "x", "arguments": 5}', 5),
    ('{"execute": "x", "arguments": {"a": "\\ud83d\\ude00\\n"}}', {"a": "\U0001f600\n"}),
    (
        '{"execute": "x", "arguments": {"a": 123456789012345678901234567890}}',
        {"a": 123456789012345678901234567890},
    ),
    (
        "{'execute': 'x', 'arguments': {'a': 'b', \"c\": [true, null, 1]}}",
        {"a": "b", "c": [True, None, 1]},
    ),
    (
        "{'execute': 'x', 'arguments': {'a': True, 'b': [FALSE, None],}}",
        {"a": True, "b": [False, None]},
    ),
    (r"{'execute': 'x', 'arguments': {'a': 'b\nc\u00e9'}}", {"a": "b\nc\u00e9"}),
    (r"""{"execute": "x", "arguments": {"a": "it\'s"}}""", {"a": "it's"}),
    (
        r"""{'execute': 'x', "arguments": {'\"\'\\\/\b\f\n\r\t': '\ud83d\ude00"'}}""",
        {"\"'\\/\b\f\n\r\t": '\U0001f600"'},
    ),
    (
        r"{'execute': 'x', 'arguments': {'a': 123456789012345678901234567890, 'b': 1.5}}",
        {"a": 123456789012345678901234567890, "b": 1.5},
    ),
    ('{"execute":\n"x"\n, "arguments": {\r\n}}', {}),
    ('{"execute": "x", "arguments": {"a": "} {\'"}} # comment', {"a": "} {'"}),
]


@pytest.mark.parametrize("text,arguments", ONE)
def test_arguments(text: str, arguments: Json) -> None:
    [line] = json_lines(text)
    assert line.arguments == arguments


SEVERAL = [
    ('{"execute": "a"} {"execute": "b"}', ["a", "b"]),
    ('{"execute": "a"}{"execute": "b"}', ["a", "b"]),
    ('-> {"execute": "a"} <- {"return": {}} -> {"execute": "b"}', ["a", "b"]),
    ('<- {"execute": "a"}\n-> {"return": {}}', ["a"]),
    ('S: {"QMP": {}} C: {"execute": "a"} S: {"return": {}}', ["a"]),
    ('{"return": {}}', []),
    ('{"id": 5, "error": {"class": "GenericError"}}', []),
    ('{"timestamp": {"seconds": 1}, "event": "STOP"} # why', []),
    ('{"return": [ {...}, ... ]}', []),
    ('<- { "return": { "a": it\'s, b } } -> {"execute": "a"}', ["a"]),
    ('{"event": "X", "execute": "a"}', ["a"]),
    ('{"return": NaN}', []),
    ('{"return": {"a": 1, "a": 2}}', []),
    ('{ ..., "return": [ ... ] }', []),
    ("{'timestamp': {...}, 'event': 'X' }", []),
]


@pytest.mark.parametrize("text,names", SEVERAL)
def test_replies_are_skipped(text: str, names: list[str]) -> None:
    assert [line.name for line in json_lines(text)] == names


REFUSED = r"""
expected an object that holds "execute", as in {"execute": "query-status"}
{}
^^

expected an object that holds "execute", as in {"execute": "query-status"}
{"execute": "a"} {"command": "b"}
                 ^^^^^^^^^^^^^^^^

expected "execute" or "exec-oob", not both
{"execute": "a", "exec-oob": "a"}
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

expected a command's name in "execute"
{"execute": 5}
^^^^^^^^^^^^^^

expected a name in double quotes
{"execute": "a",}
                ^

expected a value
{"execute": "a", "x": [1 , ]}
                           ^

expected a name in double quotes
{execute: "a"}
 ^

expected a colon
{"execute" "a"}
           ^

expected a comma or the closing bracket
{"execute": "a" "id": 1}
                ^

expected a comma or the closing bracket
{"execute": "a", "x": [1}
                        ^

expected a value
{"execute": }
            ^

JSON writes true, not True
{"execute": True}
            ^^^^

strings in JSON need double quotes: "query-status"
{"execute": query-status}
            ^^^^^^^^^^^^

JSON has no tuples: write a list, as in [1, 2]; text is quoted
{'execute': 'x', 'arguments': [(1,2)]}
                               ^^

no such escape in JSON; write a backslash as \\
{"execute": "a\qb"}
              ^

no such escape in '...'; write a backslash as \\
{'execute': 'a\db'}
              ^^

\ud83d is half of a surrogate pair: expected both halves
{"execute": "a\ud83d"}
              ^^^^^^

\udc00 is half of a surrogate pair: expected both halves
{"execute": "a", "arguments": {"\udc00": 1}}
                                ^^^^^^

expected four hex digits after \u, as in \u00e9
{"execute": "a\u12"}
               ^

expected the closing }
-> {"execute": "a"
   ^

expected the closing "
{"execute": "a}
            ^

expected a JSON value, not NaN
{"execute": "a", "arguments": [NaN]}
                               ^^^

expected a JSON value, not -Infinity
{"execute": "a", "arguments": -Infinity}
                              ^^^^^^^^^

strings in JSON need double quotes: "b"
{'execute': 'a', 'arguments': {'x': b}}
                                    ^

expected a number that fits; such text is quoted
{"execute": "a", "arguments": 1e999}
                              ^^^^^

the member "a" is given twice
{"execute": "x", "arguments": {"a": 1, "b": {"a": 1}, "a": 2}}
                                                      ^^^

the member "execute" is given twice
{"execute": "x", "execute": "y"}
                 ^^^^^^^^^

expected another object, a comment, or | or > after a space
{"execute": "a"} --json
                 ^^^^^^

expected another object, a comment, or | or > after a space
{"execute": "a"}| jq
                ^

expected one object before a redirect: write each on a line of its own
{"execute": "a"} {"execute": "b"} | jq
                                  ^^^^
"""


@pytest.mark.parametrize("expected", pictures(REFUSED))
def test_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1]) == expected


def test_the_place_is_shown_on_its_own_physical_line() -> None:
    found = refused_line('{"execute": "a",\n "arguments": {"b" 1}}')
    assert found == 'expected a colon\n "arguments": {"b" 1}}\n                   ^'


def test_a_control_character_in_strict_json() -> None:
    for mark in ('"', "'"):
        found = refused_line(f"{{'execute': {mark}a\x01{mark}}}").split("\n")[0]
        assert found == "expected \\n, \\t or \\u.... for a control character"
    found = refused_line('{"execute": "a\x01"}').split("\n")[0]
    assert found == "expected \\n, \\t or \\u.... for a control character"


def test_nesting_has_a_bound() -> None:
    found = refused_line('{"execute": "a", "arguments": ' + "[" * 5_000).split("\n")[0]
    assert found == "expected brackets to nest 256 deep at most"


def test_a_number_of_any_length_is_no_crash() -> None:
    found = refused_line(f'{{"execute": "a", "arguments": {"9" * 5000}}}').split("\n")[0]
    assert found == "expected a number that fits; such text is quoted"


def commands_of(name: str) -> list[tuple[str, Json]]:
    """(command, arguments) of all the statements in a transcript."""
    found: list[tuple[str, Json]] = []
    for line in assembled((DATA / name).read_text()):
        for statement in parse_line(line):
            assert isinstance(statement, JsonLine | CommandLine)
            if isinstance(statement, JsonLine):
                found.append((statement.name, statement.arguments))
            else:
                found.append((statement.name.text, len(statement.arguments)))
    return found


def test_the_wiki_of_qemu() -> None:
    assert commands_of("qemu-wiki.txt") == [
        ("qmp_capabilities", None),
        ("eject", {"device": "ide1-cd0"}),
        ("query-status", None),
        ("qmp_capabilities", None),
        ("query-commands", None),
        ("device_add", 2),
    ]


def test_the_slides_on_qmp() -> None:
    assert commands_of("qemu-slides.txt") == [
        ("eject", {"device": "ide1-cd0"}),
        ("eject", {"device": "foobar"}),
    ]


def test_the_manual_of_stratovirt() -> None:
    unix: JsonObject = {"type": "unix", "data": {"path": "/path/to/socket"}}
    backend: JsonObject = {"type": "socket", "data": {"addr": unix, "server": False}}
    assert commands_of("stratovirt-manual.txt") == [
        (
            "blockdev-add",
            {
                "node-name": "drive-0",
                "file": {"driver": "file", "filename": "/path/to/block"},
                "cache": {"direct": True},
                "read-only": False,
            },
        ),
        ("blockdev-del", {"node-name": "drive-0"}),
        ("netdev_add", {"id": "net-0", "ifname": "tap0"}),
        ("netdev_del", {"id": "net-0"}),
        ("chardev-add", {"id": "chardev_id", "backend": backend}),
        ("chardev-remove", {"id": "chardev_id"}),
        ("device_add", {"id": "net-0", "driver": "virtio-net-mmio", "addr": "0x0"}),
        ("device_del", {"id": "net-0"}),
        ("stop", None),
        ("cont", None),
        ("quit", None),
        ("query-status", None),
        ("getfd", {"fdname": "fd1"}),
        ("balloon", {"value": 2147483648}),
        ("query-balloon", None),
        ("migrate", {"uri": "file:path/to/template"}),
        ("query-migrate", None),
    ]
