"""A command line: names, keys, bare values, comments, marks, redirects. docs/language.md."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.language.arguments import words_and_redirect
from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import CommandLine, Mode, Part, Redirect, Scalar
from tests.language.helpers import (
    PROMPT,
    command,
    guessed,
    pictures,
    refusal,
    refused_line,
    verb,
)


def test_every_node_knows_its_place() -> None:
    line = command("(QEMU) device_add driver=e1000 \"my.key\".x='a b' --json > f")
    assert line.name == Part("device_add", False, (7, 17))
    driver, quoted = line.arguments
    assert driver.key == (Part("driver", False, (18, 24)),)
    assert driver.value == Scalar("e1000", False, (25, 30))
    assert driver.span == (18, 30)
    assert quoted.key == (Part("my.key", True, (31, 39)), Part("x", False, (40, 41)))
    assert quoted.value == Scalar("a b", True, (42, 47))
    assert line.redirect == Redirect(">", "f", (55, 58))


@pytest.mark.parametrize("text", ["", "   ", "\t", "# comment", "   # comment", "(QEMU)", "->"])
def test_nothing_to_do(text: str) -> None:
    assert parse_line(text) == []


@pytest.mark.parametrize("text", ["```", "```json", "  ```"])
def test_a_markdown_fence_is_a_comment(text: str) -> None:
    assert parse_line(text) == []


@pytest.mark.parametrize("mark", ["(QEMU) ", "-> ", "<- ", "C: ", "S: ", "->\t", "  -> "])
def test_the_mark_of_a_transcript_is_dropped(mark: str) -> None:
    assert command(f"{mark}query-status").name.text == "query-status"


BARE = [
    ("x a=b", {"a": "b"}),
    ("x  a=b\tc=d ", {"a": "b", "c": "d"}),
    ("x a=", {"a": ""}),
    ("x a= b=c", {"a": "", "b": "c"}),
    ("x a=b=c", {"a": "b=c"}),
    ("x a==", {"a": "="}),
    ("x path=C:\\new\\table", {"path": "C:\\new\\table"}),
    ("x a=\\", {"a": "\\"}),
    ("x a=it's", {"a": "it's"}),
    ('x a=5"', {"a": '5"'}),
    ("x a=b{c}[d]", {"a": "b{c}[d]"}),
    ("x a=b|c a2=d>e", {"a": "b|c", "a2": "d>e"}),
    ("x a=--json", {"a": "--json"}),
    ("x a=#b", {"a": "#b"}),
    ("x a=b#c", {"a": "b#c"}),
    ("x a='b\xa0c'", {"a": "b\xa0c"}),
    ("x a=b\r", {"a": "b"}),
    ("x a=f(b)", {"a": "f(b)"}),
]


@pytest.mark.parametrize("text,arguments", BARE)
def test_a_bare_value_is_literal_to_the_first_blank(text: str, arguments: JsonObject) -> None:
    assert guessed(text) == arguments


COMMENTS = [
    ("x a=b # c=d", {"a": "b"}),
    ("x a=b\t#", {"a": "b"}),
    ("x # a=b", {}),
    ("x a='b # c'", {"a": "b # c"}),
    ("x a=[b, '# c']", {"a": ["b", "# c"]}),
]


@pytest.mark.parametrize("text,arguments", COMMENTS)
def test_a_comment_begins_behind_a_blank(text: str, arguments: JsonObject) -> None:
    assert guessed(text) == arguments


WHOLE = [
    ("x 'id=my rng'", {"id": "my rng"}),
    ('x "id=my rng" n=5', {"id": "my rng", "n": 5}),
    ("x 'n=5'", {"n": 5}),
    ("x 'a.b=c d'", {"a": {"b": "c d"}}),
    ("x 'id=it\\'s'", {"id": "it's"}),
    ("x 'a={b: [1, \"c d\"]}'", {"a": {"b": [1, "c d"]}}),
    ("x 'a={b: \"it\\'s\"}'", {"a": {"b": "it's"}}),
    ("x 'a= b'", {"a": " b"}),
    ("x 'a=\"b\"'", {"a": '"b"'}),
]


@pytest.mark.parametrize("text,arguments", WHOLE)
def test_a_whole_argument_may_be_quoted(text: str, arguments: JsonObject) -> None:
    assert guessed(text) == arguments


def test_an_escape_inside_a_whole_argument_blurs_the_places_within() -> None:
    [argument] = command("x 'id=it\\'s'").arguments
    assert argument.span == argument.value.span == argument.key[0].span == (2, 12)


KEYS = [
    ("x a.b=1", [("a", False), ("b", False)]),
    ('x "a.b"=1', [("a.b", True)]),
    ("x a.'b.c'.d=1", [("a", False), ("b.c", True), ("d", False)]),
    ('x ""=1', [("", True)]),
    ('x "a\\nb"=1', [("a\nb", True)]),
    ('x a"b.c=1', [('a"b', False), ("c", False)]),
    ("x __com.redhat_x=1", [("__com", False), ("redhat_x", False)]),
    ("x a.0=1", [("a", False), ("0", False)]),
]


@pytest.mark.parametrize("text,parts", KEYS)
def test_a_key_is_a_tuple_of_parts(text: str, parts: list[tuple[str, bool]]) -> None:
    [argument] = command(text).arguments
    assert [(part.text, part.quoted) for part in argument.key] == parts


REDIRECTS = [
    ("x | jq .", Redirect("|", "jq .", (2, 8))),
    ("x |jq .", Redirect("|", "jq .", (2, 7))),
    ("x | a '|' \"b # c", Redirect("|", "a '|' \"b # c", (2, 16))),
    ("x a=b | jq \\\n . ", Redirect("|", "jq \\\n .", (6, 15))),
    ("x > out", Redirect(">", "out", (2, 7))),
    ("x >out", Redirect(">", "out", (2, 6))),
    ("x >> out # why", Redirect(">>", "out", (2, 8))),
    ('x >"my file"', Redirect(">", "my file", (2, 12))),
    ("x > 'it\\'s' ", Redirect(">", "it's", (2, 11))),
    ('{"execute": "x"} | jq', Redirect("|", "jq", (17, 21))),
    ('{"execute": "x"} >> f # why', Redirect(">>", "f", (17, 21))),
    (".help x | less", Redirect("|", "less", (8, 14))),
    (") > f", Redirect(">", "f", (2, 5))),
]


@pytest.mark.parametrize("text,redirect", REDIRECTS)
def test_redirects(text: str, redirect: Redirect) -> None:
    [statement] = parse_line(text)
    assert getattr(statement, "redirect", None) == redirect


@pytest.mark.parametrize(
    "text,name,redirect",
    [
        ("query-block|jq .", "query-block", Redirect("|", "jq .", (11, 16))),
        ("query-block| less", "query-block", Redirect("|", "less", (11, 17))),
        ("query-block>>f.json", "query-block", Redirect(">>", "f.json", (11, 19))),
        ("query-block x=a|b>c", "query-block", None),
    ],
)
def test_at_the_prompt_a_redirect_may_follow_the_name(
    text: str, name: str, redirect: Redirect | None
) -> None:
    line = command(text, PROMPT)
    assert line.name.text == name
    assert line.redirect == redirect


def test_a_verb_may_be_redirected_so_too() -> None:
    assert verb(".history|tail", PROMPT).redirect == Redirect("|", "tail", (8, 13))


def test_elsewhere_a_redirect_needs_its_space() -> None:
    assert "expected a space before | or >" in refusal(lambda: command("query-block|jq ."))


def test_a_redirect_leaves_the_arguments_alone() -> None:
    line = command("x a=b --json | jq .")
    assert [argument.key[0].text for argument in line.arguments] == ["a"]
    assert "json" in line.modifiers.formats


def test_a_lone_backslash_joins_lines() -> None:
    assert guessed("x a=b \\\n c=d \\ \n  e=f") == {"a": "b", "c": "d", "e": "f"}
    assert guessed("x \\\n") == {}


def test_verbs_without_their_dot_are_the_callers_to_allow() -> None:
    [statement] = parse_line("help stop", Mode(bare_verbs=frozenset({"help"})))
    assert (type(statement).__name__, statement.source) == ("VerbLine", "help stop")
    [line] = parse_line("help a=b")
    assert isinstance(line, CommandLine)


REFUSED = r"""
expected KEY=value
device_del net1
           ^^^^

expected KEY=value
device_del "it's 5"
            ^^^^^^

expected no spaces around =: device_del id=net1?
device_del id = net1
           ^^^^^^^^^

expected no spaces around =: device_del id=net1?
device_del id =net1 x=y
           ^^^^^^^^

expected no spaces around =: device_del id=net1?
device_del id= net1
           ^^^^^^^^

expected no spaces around =: device_del id=?
device_del id =
           ^^^^

expected no spaces around =: x "id"=5?
x "id" = 5
  ^^^^^^^^

expected KEY=value, or quotes: command-line="info status"?
human-monitor-command command-line=info status
                                        ^^^^^^

expected KEY=value
x a={b: c} y
           ^

expected KEY=value, or the whole line as JSON: {"execute": "blockdev-add", "arguments": {...}}
blockdev-add {"driver":"raw"}
             ^^^^^^^^^^^^^^^^

expected two dashes before a modifier, as in --json
query-status -p
             ^^

expected a name before .
x a..b=1
    ^

expected a name before =
x a.=1
    ^

expected a name before =
x =1
  ^

expected a name before .
x 'a..b=1'
     ^

expected . or = after the closing quote of a name
x "a"b=1
     ^^^

expected the closing "
x a="b c
    ^

expected the closing '
x 'b c
  ^

expected another line after the lone \
x a=b \
      ^

expected a command of the host's shell, as in | jq .
x |
  ^

expected a file, as in >> out.json
x >> # f
  ^^

expected nothing after the file; a name with spaces is quoted
x > a b
      ^

expected nothing after the file; a name with spaces is quoted
x > "a"b
       ^

expected the closing "
x > "a
    ^

expected ) on a line of its own, or transaction( ACTION KEY=value )
x a=b )
      ^
"""


@pytest.mark.parametrize("expected", pictures(REFUSED))
def test_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1], PROMPT) == expected


NAMES = [
    ("--json", "expected a command before a modifier"),
    ("-p", "expected a command, not an option of qmpsh"),
    ("| jq", "expected a command before | or >"),
    ("> f", "expected a command before | or >"),
    ("'query-status'", "expected a command's name without quotes"),
    ("id=net1", "expected a command before its arguments"),
    ("query-status>f", "expected a space before | or >"),
    (
        "query-status;",
        "expected a command: letters, digits, - and _, as in query-status; .help lists them",
    ),
    ("[1]", "expected a command: letters, digits, - and _, as in query-status; .help lists them"),
    (
        "\u2026",
        "expected a command: letters, digits, - and _, as in query-status; .help lists them",
    ),
    ("transaction(x", "put a space after 'transaction('"),
    ("transaction()", "expected an action, as in transaction( ACTION KEY=value )"),
]


@pytest.mark.parametrize("text,message", NAMES)
def test_what_is_no_command(text: str, message: str) -> None:
    word = text.split()[0]
    assert refused_line(text) == f"{message}\n{text}\n{'^' * len(word)}"


def test_a_key_has_a_bound() -> None:
    key = "a." * 300 + "b"
    assert refused_line(f"x {key}=1").startswith("expected 256 names in a key at most\n")
    assert refused_line(f"x '{key}=1'").startswith("expected 256 names in a key at most\n")


WORDS = [
    ("ls -l --color=auto", ("ls", "-l", "--color=auto")),
    ("sh -c 'a b' \"c\\td\"", ("sh", "-c", "a b", "c\td")),
    ('--c="a b" x={"a": "b"}', ("--c=a b", 'x={"a": "b"}')),
    ("", ()),
]


@pytest.mark.parametrize("text,words", WORDS)
def test_plain_words_for_a_verb(text: str, words: tuple[str, ...]) -> None:
    assert words_and_redirect(text) == (words, None)
    assert words_and_redirect(f"{text} | jq")[0] == words


def test_plain_words_need_their_closing_quote() -> None:
    found = refusal(lambda: words_and_redirect("ls 'a"))
    assert found == "expected the closing '\nls 'a\n   ^"
