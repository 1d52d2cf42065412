"""Dotted keys to JSON where nothing is declared, and the tree that the typed reading shares."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.language.syntax import Argument, Part
from qmpsh.language.untyped import UntypedBranch, key_tree
from tests.language.helpers import command, guessed, guessed_words, pictures, refused_guess

TREES = [
    ("x", {}),
    ("x a.b=1", {"a": {"b": 1}}),
    ("x a.b.c=1 a.b.d=2 a.e=3", {"a": {"b": {"c": 1, "d": 2}, "e": 3}}),
    # qmp-shell, wire.md section 14: the sibling of a dotted key went below it.
    (
        "blockdev-add driver=raw node-name=r0 file.driver=null-co file.size=1048576",
        {
            "driver": "raw",
            "node-name": "r0",
            "file": {"driver": "null-co", "size": 1048576},
        },
    ),
    (
        "blockdev-add file.driver=null-co driver=raw node-name=r1",
        {"file": {"driver": "null-co"}, "driver": "raw", "node-name": "r1"},
    ),
    ("x a.b=1 c=2 a.d=3", {"a": {"b": 1, "d": 3}, "c": 2}),
    ('x "a.b"=1', {"a.b": 1}),
    ('x "a.b".c=1 a.b.c=2', {"a.b": {"c": 1}, "a": {"b": {"c": 2}}}),
    ("x __com.redhat_x=1", {"__com.redhat_x": 1}),
    ("x __com.redhat_x.y=1", {"__com.redhat_x.y": 1}),
    ('x "__com".x=1', {"__com": {"x": 1}}),
    ("x a.__b.c=1", {"a": {"__b": {"c": 1}}}),
    ("x a.0=b", {"a": ["b"]}),
    ("x a.1=c a.0=b", {"a": ["b", "c"]}),
    ("x a.0.b=1 a.0.c=2 a.1=d", {"a": [{"b": 1, "c": 2}, "d"]}),
    ("x a.0.0=b", {"a": [["b"]]}),
    ('x a."0"=b', {"a": {"0": "b"}}),
    ('x "0"=b', {"0": "b"}),
    ("x a.b={c: 1} a.d=[]", {"a": {"b": {"c": 1}, "d": []}}),
    # An integer would be another slot to QEMU 10.
    ("device_add addr=5", {"addr": "5"}),
    ("device_add addr=05.0", {"addr": "05.0"}),
    ("device_add addr=true", {"addr": "true"}),
    ('device_add "addr"=5', {"addr": "5"}),
    ("x addr={type: unix}", {"addr": {"type": "unix"}}),
    ("x addr.port=5", {"addr": {"port": 5}}),
    ("x a.addr=5", {"a": {"addr": 5}}),
    # qmp-shell, wire.md section 14.
    (
        'human-monitor-command command-line="info status"',
        {"command-line": "info status"},
    ),
    (
        'nbd-server-start addr={"type": "unix", "data": {"path": "/tmp/s"}}',
        {"addr": {"type": "unix", "data": {"path": "/tmp/s"}}},
    ),
    ('qom-get path="/machine" property=type', {"path": "/machine", "property": "type"}),
    ("object-add qom-type=iothread id=007", {"qom-type": "iothread", "id": "007"}),
]


@pytest.mark.parametrize("text,arguments", TREES)
def test_dotted_keys(text: str, arguments: JsonObject) -> None:
    found = guessed(text)
    assert found == arguments
    assert list(found) == list(arguments)


REFUSED = """
a is given twice
x a=1 b=2 a=3
          ^

a.b is given both as a value and as a.b.c
x "a.b"=1 'a.b'.c=2
          ^^^^^

a is given both as a value and as a.b
x a=1 a.b=2
      ^

a is given both as a value and as a.b
x a.b=1 a=2
        ^

b is given twice
x a.b=1 a.b=2
          ^

b is given both as a value and as b.c
x a.b=1 a.b.c=2
          ^

expected the list index 0; a name made of digits is quoted, as in a."0"=x
x a.1=b
    ^

expected the list indexes 0 to 1; a name made of digits is quoted, as in a."0"=x
x a.0=b a.2=c
          ^

expected the list indexes 0 to 1; a name made of digits is quoted, as in a."0"=x
x a.b=1 a.0=c
    ^

expected the list indexes 0 to 1; a name made of digits is quoted, as in a."0"=x
x a.0=b a."1"=c
          ^^^

expected the list index 0; a name made of digits is quoted, as in a."0"=x
x a.00=b
    ^^

0 is given twice
x a.0=b a.0=c
          ^

expected a name, not a list index; digits are quoted: "0"
x 0=a
  ^
"""


@pytest.mark.parametrize("expected", pictures(REFUSED))
def test_refused(expected: str) -> None:
    assert refused_guess(expected.split("\n")[1]) == expected


def test_the_widths_are_the_callers() -> None:
    declared = {"zoned.zasl", "file"}

    def width(parts: Sequence[Part]) -> int:
        counts = range(len(parts), 0, -1)
        names = {count: ".".join(part.text for part in parts[:count]) for count in counts}
        return next((count for count, name in names.items() if name in declared), 1)

    root = key_tree(command("x zoned.zasl=1 file.driver=a file.size.x=2 zoned.other=3"))
    zasl, file, zoned = root.members([width(parts) for parts, _ in root.entries])
    assert (zasl.name, zasl.span) == ("zoned.zasl", (2, 12))
    assert isinstance(zasl.child, Argument)
    assert (file.name, file.span) == ("file", (15, 19))
    assert isinstance(file.child, UntypedBranch)
    widths = [width(parts) for parts, _ in file.child.entries]
    assert [member.name for member in file.child.members(widths)] == ["driver", "size"]
    assert zoned.name == "zoned"


def test_words_of_a_one_shot_are_guessed_alike() -> None:
    found = guessed_words(["x", "a.b=5", "c=[1, d]", "e= f", "addr=3"])
    assert found == {"a": {"b": 5}, "c": [1, "d"], "e": " f", "addr": "3"}
