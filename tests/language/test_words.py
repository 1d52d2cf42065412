"""One-shots: the words of the user's shell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.language.parser import parse_line, parse_words
from qmpsh.language.syntax import (
    Argument,
    CommandLine,
    HmpLine,
    Modifiers,
    Part,
    RawLiteral,
    Scalar,
    VerbLine,
)
from tests.language.helpers import guessed_words, pictures, refusal


def test_no_words() -> None:
    assert parse_words([]) == []
    assert parse_words([], hmp=True) == []


@pytest.mark.parametrize(
    "text",
    ["query-status", "x a='b c' | jq .", '{"execute": "x"}', ".help x", "transaction( x )", "# c"],
)
def test_a_single_word_is_a_whole_line(text: str) -> None:
    assert parse_words([text]) == parse_line(text)


WORDS = [
    (["x", "id=my rng"], {"id": "my rng"}),
    (["x", "a=b=c"], {"a": "b=c"}),
    (["x", "a="], {"a": ""}),
    (["x", "a=5", "b=true", "c=null", "d=1.5"], {"a": 5, "b": True, "c": None, "d": "1.5"}),
    (["x", "a= 5"], {"a": " 5"}),
    (["x", 'a="b"', "c='d'"], {"a": '"b"', "c": "'d'"}),
    (["x", "a=b # c", "d=#e", "f=g | h > i"], {"a": "b # c", "d": "#e", "f": "g | h > i"}),
    (["x", "a=\\n\n"], {"a": "\\n\n"}),
    (["x", "a={b: [1, 'c d'],}"], {"a": {"b": [1, "c d"]}}),
    (["x", "a= {b}"], {"a": " {b}"}),
    (["x", "a.b=1", "a.c d=2"], {"a": {"b": 1, "c d": 2}}),
    (["x", '"a.b"=1'], {'"a': {'b"': 1}}),
    (["x", "a=--json", "b=|"], {"a": "--json", "b": "|"}),
    (["transaction", "actions=[]"], {"actions": []}),
]


@pytest.mark.parametrize("words,arguments", WORDS)
def test_several_words_are_an_argument_each(words: Sequence[str], arguments: JsonObject) -> None:
    assert guessed_words(words) == arguments


def test_a_literal_is_left_for_the_declared_type_to_read() -> None:
    [statement] = parse_words(["x", "host=[::1]:80", "b=c"])
    assert statement == CommandLine(
        source="x host=[::1]:80 b=c",
        name=Part("x", False, (0, 1)),
        arguments=(
            Argument((Part("host", False, (2, 6)),), RawLiteral("[::1]:80", (7, 15)), (2, 15)),
            Argument((Part("b", False, (16, 17)),), Scalar("c", False, (18, 19)), (16, 19)),
        ),
    )
    found = refusal(lambda: guessed_words(["x", "host=[::1]:80"]))
    assert found == "expected nothing after the closing bracket\nx host=[::1]:80\n            ^^^"


def test_modifiers() -> None:
    [statement] = parse_words(
        ["x", "--timeout", "5", "a=b", "--wait=X id=a b", "--json", "--fd=/a"]
    )
    assert isinstance(statement, CommandLine)
    assert statement.modifiers == Modifiers("X id=a b", 5.0, frozenset({"json"}), fd="/a")
    assert len(statement.arguments) == 1


def test_a_verb() -> None:
    assert parse_words([".wait", "X", "--timeout=5", "id=a b"]) == [
        VerbLine(
            source=".wait X --timeout=5 id=a b",
            name="wait",
            name_span=(0, 5),
            rest="X id=a b",
            rest_span=(6, 26),
            modifiers=Modifiers(timeout=5.0),
            words=("X", "id=a b"),
        )
    ]
    [bare] = parse_words([".log", "--json"])
    assert isinstance(bare, VerbLine)
    assert (bare.rest, bare.rest_span, bare.words) == ("", (4, 4), ())


def test_behind_help_a_modifier_is_a_topic() -> None:
    [topic] = parse_words([".help", "--wait"])
    [typed] = parse_line("  .help --timeout=5 | less")
    assert isinstance(topic, VerbLine)
    assert isinstance(typed, VerbLine)
    assert (topic.rest, topic.modifiers) == ("--wait", Modifiers())
    assert (typed.rest, typed.modifiers) == ("--timeout=5", Modifiers())
    assert typed.redirect is not None
    [name] = parse_words([".help", "device_add", "--json"])
    assert isinstance(name, VerbLine)
    assert (name.rest, "json" in name.modifiers.formats) == ("device_add", True)


@pytest.mark.parametrize("verb", ["hmp", "json", "exec", "watch"])
def test_a_verb_that_takes_a_line_keeps_every_word(verb: str) -> None:
    words = ("ls", "-l", "--json", "|", "a b", "# c")
    [statement] = parse_words([f".{verb}", *words])
    assert isinstance(statement, VerbLine)
    assert (statement.words, statement.modifiers) == (words, Modifiers())
    assert statement.rest == "ls -l --json | a b # c"


def test_hmp_takes_the_words_as_they_stand() -> None:
    for words in (["info", "block", "#b", "|", ">", "-v"], ["info block #b | > -v"], [".exit"]):
        text = " ".join(words)
        assert parse_words(words, hmp=True) == [HmpLine(text, text)]
    assert parse_words(["# why"], hmp=True) == []
    assert parse_words([" "], hmp=True) == []


REFUSED = [
    (["x", "-p"], "write -p before the command\nx -p\n  ^^"),
    (
        ["x", "-x=3"],
        "-x=3 is not an option of qmpsh, and modifiers have two dashes, as in --json\n"
        "x -x=3\n  ^^^^",
    ),
    ([".wait", "X", "-v"], "write -v before the command\n.wait X -v\n        ^^"),
    (
        ["x", "|", "jq"],
        "expected the line quoted as a whole, or | left to your shell\nx | jq\n  ^",
    ),
    (
        [".help", ">>", "f"],
        "expected the line quoted as a whole, or >> left to your shell\n.help >> f\n      ^^",
    ),
    (
        ["device_del", "net1"],
        "expected KEY=value\ndevice_del net1\n           ^^^^",
    ),
    (["x", "my rng"], "expected KEY=value\nx my rng\n  ^^^^^^"),
    (["x", ""], "expected KEY=value\nx \n  ^"),
    (["x", "# why"], "expected KEY=value\nx # why\n  ^^^^^"),
    (["x", "=5"], "expected a name before =\nx =5\n  ^"),
    (["x", "a.=5"], "expected a name before =\nx a.=5\n    ^"),
    (
        ["x", "--pretty"],
        "--pretty is an option of qmpsh: write it before the command\nx --pretty\n  ^^^^^^^^",
    ),
    (["x", "--jsno"], "no modifier --jsno; did you mean --json?\nx --jsno\n  ^^^^^^"),
    (["x", "--timeout"], "--timeout needs a time, as in --timeout 5\nx --timeout\n  ^^^^^^^^^"),
    (["x", "--json=1"], "--json takes no value\nx --json=1\n  ^^^^^^^^"),
    (["x", "--count", "3"], "--count is for verbs such as .events\nx --count 3\n  ^^^^^^^^^"),
    (
        ['{"execute":', '"x"}'],
        'expected one word: quote the line as a whole\n{"execute": "x"}\n^^^^^^^^^^^',
    ),
    (
        ["transaction(", "x", ")"],
        "expected one word: quote the line as a whole\ntransaction( x )\n^^^^^^^^^^^^",
    ),
    (["a=b", "c=d"], "expected a command before its arguments\na=b c=d\n^^^"),
    ([".", "c"], "expected a verb after the dot, as in .help\n. c\n^"),
]


@pytest.mark.parametrize("words,expected", REFUSED)
def test_refused(words: Sequence[str], expected: str) -> None:
    assert refusal(lambda: parse_words(words)) == expected


LITERALS_REFUSED = """
expected a value
x a=[1, ,]
        ^

expected the closing }
x a={b
    ^

expected the closing '
x a={'b
     ^

expected nothing after the closing bracket
x a={} {}
       ^^
"""


@pytest.mark.parametrize("expected", pictures(LITERALS_REFUSED))
def test_literals_refused(expected: str) -> None:
    word = expected.split("\n")[1].removeprefix("x ")
    assert refusal(lambda: guessed_words(["x", word, "y=z"])) == expected.replace(
        word, f"{word} y=z"
    )


@pytest.mark.parametrize(
    "words, rest", [(["?", "stop"], "stop"), (["?", "blockdev-add", "file"], "blockdev-add file")]
)
def test_a_mark_before_a_name_asks_for_help(words: list[str], rest: str) -> None:
    [statement] = parse_words(words)
    assert isinstance(statement, VerbLine)
    assert (statement.name, statement.rest, statement.name_span) == ("help", rest, (0, 1))
