"""Verbs, the human monitor's lines, transactions."""

from __future__ import annotations

import pytest

from qmpsh.errors import NoValue
from qmpsh.language.parser import parse_argument_words, parse_arguments, parse_line, parse_words
from qmpsh.language.syntax import (
    CommandLine,
    HmpLine,
    Mode,
    Modifiers,
    Redirect,
    Scalar,
    TransactionClose,
    TransactionOpen,
    VerbLine,
)
from tests.language.helpers import (
    HMP,
    HMP_PROMPT,
    PROMPT,
    TRANSACTION,
    command,
    one,
    pictures,
    refusal,
    refused_line,
    verb,
)

VERBS = [
    (".exit", "exit", "", (5, 5)),
    ("  .exit  ", "exit", "", (7, 7)),
    (".help device_add", "help", "device_add", (6, 16)),
    (".add-fd /a b", "add-fd", "/a b", (8, 12)),
    (".help  a  b # why", "help", "a  b", (7, 11)),
    (".wait X id='a b' --timeout 5", "wait", "X id='a b'", (6, 16)),
    (".wait --timeout 5 X", "wait", "X", (18, 19)),
    (".wait X --new id=a", "wait", "X       id=a", (6, 18)),
    (".help a | less", "help", "a", (6, 7)),
    ("-> .help a", "help", "a", (9, 10)),
    (".log on \\\n ", "log", "on", (5, 7)),
    (".wait X a={b:\n1}", "wait", "X a={b:\n1}", (6, 16)),
    # The verbs that take a whole line keep it as it stands.
    (".json x a=b --wait | jq # c", "json", "x a=b --wait | jq # c", (6, 27)),
    (".export bash x > f ", "export", "x > f", (13, 18)),
    (".watch 2s query-status", "watch", "query-status", (10, 22)),
    (".watch 2s --count 2 query-status --json", "watch", "query-status --json", (20, 39)),
    (".watch --count=2 2s {", "watch", "{", (20, 21)),
    (".watch 2s 3s", "watch", "3s", (10, 12)),
    (".watch 2s ", "watch", "", (9, 9)),
    (".watch query-status", "watch", "query-status", (7, 19)),
    (".exec sh -c 'a | b' --x", "exec", "sh -c 'a | b' --x", (6, 23)),
    (".hmp info block #block123", "hmp", "info block #block123", (5, 25)),
    (".hmp", "hmp", "", (4, 4)),
]


@pytest.mark.parametrize("text,name,rest,span", VERBS)
def test_a_verb(text: str, name: str, rest: str, span: tuple[int, int]) -> None:
    line = verb(text)
    assert (line.name, line.rest, line.rest_span) == (name, rest, span)
    assert text[slice(*line.name_span)] == f".{name}"
    assert line.words is None


def test_the_modifiers_and_the_redirect_of_a_verb() -> None:
    line = verb(".events --count 3 BLOCK_* --timeout=1m > f")
    assert line.modifiers == Modifiers(timeout=60.0, count=3)
    assert line.redirect == Redirect(">", "f", (39, 42))
    assert verb(".json x --wait").modifiers == Modifiers()


@pytest.mark.parametrize(
    "text", [".watch 2s --count 2 x a=b --json", ".watch --count 2 2s x a=b --json"]
)
def test_what_stands_before_a_line_is_the_verbs(text: str) -> None:
    [argv] = parse_words(text.split())
    for line in (verb(text), argv):
        assert isinstance(line, VerbLine)
        assert (line.head, line.modifiers) == ("2s", Modifiers(count=2))
        assert (line.rest, line.rest_span) == ("x a=b --json", (20, 32))
    assert verb(".export bash x").head == "bash"


@pytest.mark.parametrize("mode", [HMP, HMP_PROMPT])
def test_verbs_work_in_hmp_mode(mode: Mode) -> None:
    assert verb(".wait X --new", mode) == verb(".wait X --new")
    assert verb(" .hmp", mode).name == "hmp"
    assert verb(".watch 2s info status", mode).rest == "info status"


REFUSED = """
expected a verb after the dot, as in .help
.
^

expected a verb after the dot, as in .help
.5 x
^^

expected the closing '
.help 'a
      ^

.wait takes no --count
.wait X --count 2
        ^^^^^^^^^

.watch takes no --new
.watch --new query-status
       ^^^^^

no modifier --tiemout; did you mean --timeout?
.wait X --tiemout 5
        ^^^^^^^^^
"""


@pytest.mark.parametrize("expected", pictures(REFUSED))
def test_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1]) == expected


# ---------------------------------------------------------------------------- the end of a wait


def test_the_arguments_of_an_end() -> None:
    [found] = parse_arguments("DEVICE_DELETED device=net1", 15)
    assert (found.key[0].text, found.span) == ("device", (15, 26))
    text = verb(".wait JOB_STATUS_CHANGE id='a b' --new").rest
    [found] = parse_arguments(text, 18)
    assert text[slice(*found.span)] == "id='a b'"


def test_the_arguments_of_an_end_from_words() -> None:
    [found] = parse_argument_words(["id=a b"])
    assert isinstance(found.value, Scalar)
    assert (found.value.text, found.span) == ("a b", (0, 6))


@pytest.mark.parametrize("text", ["a=b --json", "a=b | jq", "a=b > f"])
def test_what_is_no_end(text: str) -> None:
    found = refusal(lambda: parse_arguments(text, 0)).split("\n")[0]
    assert found == "expected a name, or a name and KEY=value, as in SHUTDOWN guest=true"


NO_END = """
expected KEY=value
'a b'
 ^^^

expected no spaces around =: id=a?
id = a
^^^^^^

expected KEY=value, or quotes: id="a b"?
id=a b
     ^

expected KEY=value
{"id": 1}
^^^^^^
"""


@pytest.mark.parametrize("expected", pictures(NO_END))
def test_an_end_is_said_in_the_users_words(expected: str) -> None:
    assert refusal(lambda: parse_arguments(expected.split("\n")[1], 0)) == expected


# ---------------------------------------------------------------------------- HMP


@pytest.mark.parametrize("mode", [HMP, HMP_PROMPT])
@pytest.mark.parametrize("text", ["", "  ", "#", "# info status"])
def test_nothing_for_the_human_monitor(text: str, mode: Mode) -> None:
    assert parse_line(text, mode) == []


HMP_TEXTS = [
    "info status",
    "drive_del #block123",
    "info block #block123 --json",
    "device_add driver=e1000,id='a",
    'qemu-io d "read 0 \\',
    "x | y > z \\",
    '{"execute": "x"}',
    "-> x",
]


@pytest.mark.parametrize("text", HMP_TEXTS)
def test_hmp_is_verbatim_in_a_script(text: str) -> None:
    assert one(text, HMP) == HmpLine(text, text)
    assert one(f"  {text} ", HMP) == HmpLine(f"  {text} ", text)


AT_THE_PROMPT = [
    ("info block | grep a", "info block", Redirect("|", "grep a", (11, 19))),
    ("info block > my.txt", "info block", Redirect(">", "my.txt", (11, 19))),
    ('info block >> "a b"', "info block", Redirect(">>", "a b", (11, 19))),
    ('qemu-io d "a | b" > f', 'qemu-io d "a | b"', Redirect(">", "f", (18, 21))),
    ('x "a\\" | b" y', 'x "a\\" | b" y', None),
    ("it's | grep a", "it's", Redirect("|", "grep a", (5, 13))),
    ('x "a | b', 'x "a | b', None),
    ("x |y", "x |y", None),
    ("x >y z>", "x >y z>", None),
    ("x|y", "x|y", None),
    ("x # y", "x # y", None),
]


@pytest.mark.parametrize("text,hmp,redirect", AT_THE_PROMPT)
def test_redirects_of_hmp_at_the_prompt(text: str, hmp: str, redirect: Redirect | None) -> None:
    assert one(text, HMP_PROMPT) == HmpLine(text, hmp, redirect)


# ---------------------------------------------------------------------------- transactions


@pytest.mark.parametrize("text", ["transaction(", "transaction (", "  transaction(  # why"])
def test_a_transaction_opens(text: str) -> None:
    opening = one(text)
    assert isinstance(opening, TransactionOpen)
    assert text[slice(*opening.span)] in ("transaction(", "transaction (")
    assert opening.action is None


def test_a_transaction_closes() -> None:
    assert one(" )", TRANSACTION) == TransactionClose(" )", (1, 2))
    closing = one(") --wait --timeout 5 | jq", TRANSACTION)
    assert isinstance(closing, TransactionClose)
    assert closing.modifiers == Modifiers(wait="", timeout=5.0)
    assert closing.redirect == Redirect("|", "jq", (21, 25))


def test_a_transaction_on_one_line() -> None:
    opening = one("transaction( block-dirty-bitmap-add node=a name=b ) --json > f", PROMPT)
    assert isinstance(opening, TransactionOpen)
    assert opening.action is not None
    assert opening.action.name.text == "block-dirty-bitmap-add"
    assert [a.key[0].text for a in opening.action.arguments] == ["node", "name"]
    assert opening.action.redirect is None
    assert opening.modifiers == Modifiers(formats=frozenset({"json"}))
    assert opening.redirect == Redirect(">", "f", (59, 62))


def test_transaction_is_also_a_command() -> None:
    assert isinstance(one("transaction actions=[]"), CommandLine)
    assert command("abort", TRANSACTION).name.text == "abort"


TRANSACTIONS_REFUSED = """
expected an action, as in transaction( ACTION KEY=value )
transaction( )
^^^^^^^^^^^^

expected a command before | or >
transaction( > f
             ^

expected ) at the end of the line, as in transaction( ACTION KEY=value )
transaction( abort a=b
^^^^^^^^^^^^

put a space before the closing ); quote a value that ends in )
transaction( abort a=b)
                      ^

put a space before the closing ); quote a value that ends in )
transaction( abort)
                  ^

expected it after the ) of the transaction, since it applies to all of it
transaction( abort --json )
                   ^^^^^^

expected modifiers or a redirect after )
transaction( abort ) abort
                     ^^^^^

expected modifiers or a redirect after )
) )
  ^

--new is for verbs such as .wait
) --new
  ^^^^^
"""


@pytest.mark.parametrize("expected", pictures(TRANSACTIONS_REFUSED))
def test_transactions_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1]) == expected


ACTIONS_REFUSED = """
expected it after the ) of the transaction, since it applies to all of it
abort --wait
      ^^^^^^

expected it after the ) of the transaction, since it applies to all of it
abort | jq
      ^^^^

expected ) on a line of its own, or transaction( ACTION KEY=value )
abort a=b )
          ^
"""


@pytest.mark.parametrize("expected", pictures(ACTIONS_REFUSED))
def test_actions_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1], TRANSACTION) == expected


def test_a_word_behind_an_event_is_no_commands() -> None:
    with pytest.raises(NoValue) as caught:
        parse_arguments("SHUTDOWN guest", 9)
    assert caught.value.command == ""
    with pytest.raises(NoValue) as caught:
        parse_argument_words(["guest"])
    assert caught.value.command == ""
