"""Modifiers, and the times they take."""

from __future__ import annotations

import pytest

from qmpsh.errors import UsageError
from qmpsh.language.syntax import Modifiers, parse_duration, parse_limit
from tests.language.helpers import command, guessed, pictures, refused_line, verb

MODIFIERS = [
    ("--wait", Modifiers(wait="")),
    ("--wait=", Modifiers(wait="")),
    ("--wait=SHUTDOWN", Modifiers(wait="SHUTDOWN")),
    ("--wait='X id=\"a b\"'", Modifiers(wait='X id="a b"')),
    ("--timeout 5", Modifiers(timeout=5.0)),
    ("--timeout=500ms", Modifiers(timeout=0.5)),
    ('--timeout "2m"', Modifiers(timeout=120.0)),
    ("--timeout \\\n 5", Modifiers(timeout=5.0)),
    ("--json --raw --table", Modifiers(formats=frozenset({"json", "raw", "table"}))),
    ("--oob --yes", Modifiers(oob=True, yes=True)),
    ("--fd /a", Modifiers(fd="/a")),
    ("--fd='a b'", Modifiers(fd="a b")),
]


@pytest.mark.parametrize("text,modifiers", MODIFIERS)
def test_of_a_command(text: str, modifiers: Modifiers) -> None:
    assert command(f"x {text}").modifiers == modifiers
    assert command(f"x a=b {text} # c").modifiers == modifiers
    assert guessed(f"x {text} a=b") == {"a": "b"}


def test_wait_takes_a_value_only_with_equals() -> None:
    assert guessed("x --wait a=b") == {"a": "b"}
    assert command("x --wait a=b").modifiers == Modifiers(wait="")


def test_of_a_verb() -> None:
    assert verb(".wait X --new").modifiers == Modifiers(new=True)
    assert verb(".events --count 12").modifiers == Modifiers(count=12)


REFUSED = """
no modifier --jsno; did you mean --json?
x --jsno
  ^^^^^^

--json is given twice
x --json a=b --json
             ^^^^^^

--json takes no value
x --json=yes
  ^^^^^^^^^^

--timeout needs a time, as in --timeout 5
x --timeout
  ^^^^^^^^^

--timeout needs a time, as in --timeout 5
x --timeout= a=b
  ^^^^^^^^^^

--fd needs a file, as in --fd /path
x --fd ""
  ^^^^^^^

expected a time such as 5, 500ms, 2m or 1h, not soon
x --timeout soon
  ^^^^^^^^^^^^^^

expected a space after the closing quote
x --fd="a"b
          ^

expected the closing "
x --fd "a
       ^

--count is for verbs such as .events
x --count 3
  ^^^^^^^^^

--new is for verbs such as .wait
x --new
  ^^^^^

--count needs a number from 1 on, not 0
.events --count 0
        ^^^^^^^^^

--head needs a number from 0 on, not -1
.type x --head -1
        ^^^^^^^^^

--layout is for verbs such as .type
x --layout de
  ^^^^^^^^^^^
"""


@pytest.mark.parametrize("expected", pictures(REFUSED))
def test_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1]) == expected


def test_an_unknown_one_that_is_near_to_none() -> None:
    known = (
        "--timeout, --fd, --count, --depth, --device, --head, --until, --font, --layout, --rate,"
        " --wait, --watch, --json, --new, --oob, --raw, --table, --yes"
    )
    assert refused_line("x --") == f"no modifier --; there are {known}\nx --\n  ^^"


DURATIONS = [
    ("5", 5.0),
    ("0", 0.0),
    ("500ms", 0.5),
    ("1.5s", 1.5),
    ("2m", 120.0),
    ("1h", 3600.0),
    ("0.5h", 1800.0),
]


@pytest.mark.parametrize("text,seconds", DURATIONS)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_limit_is_some_time() -> None:
    assert parse_limit("1ms") == 0.001
    for text in ("0", "0.0s"):
        with pytest.raises(UsageError, match=f"^expected more time than {text}, as in 500ms$"):
            parse_limit(text)


@pytest.mark.parametrize(
    "text", ["", "s", "5 s", "-5", "+5", "1e3", "5d", "5S", ".5", "5.", "inf", "\u0665"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert (
        str(caught.value) == f"expected a time such as 5, 500ms, 2m or 1h, not {text or 'nothing'}"
    )
