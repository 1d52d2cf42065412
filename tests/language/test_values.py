"""Values: quotes, brackets, and how they are read where no type is known."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import Json
from qmpsh.language.cursor import CursorWalk
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import ArrayLiteral, ObjectLiteral, Part, Scalar
from qmpsh.language.tokens import TokenKind
from qmpsh.language.untyped import doubtful_words
from tests.language.helpers import (
    TRANSACTION,
    command,
    guessed,
    pictures,
    refused_guess,
    refused_line,
)

QUOTED = [
    ("''", ""),
    ("'a b'", "a b"),
    (r"'a\'b'", "a'b"),
    (r"'a\\b'", "a\\b"),
    (r"'a\nb\"'", r"a\nb\""),
    (r"'C:\new'", r"C:\new"),
    ("'a\nb'", "a\nb"),
    ('""', ""),
    ('"[::1]"', "[::1]"),
    (r'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
    (r'"\u00e9\u20AC"', "\u00e9\u20ac"),
    (r'"\ud83d\ude00"', "\U0001f600"),
    (r'"\uD83D\uDE00\ud83d\ude01"', "\U0001f600\U0001f601"),
    ('"a\tb\nc"', "a\tb\nc"),
    ('"it\'s"', "it's"),
    ("'5'", "5"),
    ('"true"', "true"),
    ("'?'", "?"),
]


@pytest.mark.parametrize("text,value", QUOTED)
def test_a_quoted_value_is_a_string(text: str, value: str) -> None:
    [argument] = command(f"x a={text} b=c").arguments[:1]
    assert argument.value == Scalar(value, True, (4, 4 + len(text)))
    assert guessed(f"x a={text}") == {"a": value}


WORDS = [
    ("0", 0),
    ("-0", 0),
    ("5", 5),
    ("-12", -12),
    ("18446744073709551615", 2**64 - 1),
    ("-9223372036854775808", -(2**63)),
    ("18446744073709551616", "18446744073709551616"),
    ("-9223372036854775809", "-9223372036854775809"),
    ("9" * 5000, "9" * 5000),
    ("007", "007"),
    ("1_000", "1_000"),
    ("+5", "+5"),
    ("0x10", "0x10"),
    ("64M", "64M"),
    ("1.5", "1.5"),
    ("1e3", "1e3"),
    ("\u0665", "\u0665"),
    ("true", True),
    ("false", False),
    ("null", None),
    ("True", True),
    ("FALSE", False),
    ("tRue", True),
    ("True1", "True1"),
    ("None", "None"),
    ("none", "none"),
    ("Null", "Null"),
    ("on", "on"),
    ("NaN", "NaN"),
    ("?", "?"),
]


@pytest.mark.parametrize("text,value", WORDS)
def test_a_bare_word_is_guessed(text: str, value: Json) -> None:
    assert guessed(f"x a={text}") == {"a": value}
    # 1 is equal to True.
    assert isinstance(guessed(f"x a={text}")["a"], bool) is isinstance(value, bool)


DOUBTFUL = [
    ("a=0x10 b.c=1_000 d=5 e=text", [("a", "0x10"), ("b.c", "1_000")]),
    (
        "a=18446744073709551616 b=007 c=+5",
        [("a", "18446744073709551616"), ("b", "007"), ("c", "+5")],
    ),
    ("a=1.5 b=64M c=1e3", [("a", "1.5"), ("b", "64M"), ("c", "1e3")]),
    ("a={'b': 0x10, c: [1_000, 1.5, '007']}", [("a.b", "0x10"), ("a.c.0", "1_000")]),
    ("a=None b=none c=[None]", [("a", "None")]),
    ("a='0x10' b=\"None\" c=10.0.0.1 d=52:54 e=5x f=- g=e5 addr=0x10", []),
]


@pytest.mark.parametrize("text,found", DOUBTFUL)
def test_a_word_that_looks_like_what_it_is_not(text: str, found: list[tuple[str, str]]) -> None:
    read = guessed(f"x {text}")
    assert list(doubtful_words(read, read)) == found


BRACKETS = [
    ("{}", {}),
    ("[]", []),
    ("{ }", {}),
    ("[ 1 , 2 ]", [1, 2]),
    ("[1,2,]", [1, 2]),
    ("{a:1,}", {"a": 1}),
    ('{"a": 1, "b": [true, false, null]}', {"a": 1, "b": [True, False, None]}),
    ("{'a': True, 'b': [False, None]}", {"a": True, "b": [False, None]}),
    ("[TRUE, False, None, none, NONE]", [True, False, None, "none", "NONE"]),
    (r"""{'a': 'b\nc\u00e9', 'd\t': "\'"}""", {"a": "b\nc\u00e9", "d\t": "'"}),
    (r"['\\d', '\/', '\"']", ["\\d", "/", '"']),
    (r"['\ud83d\ude00']", ["\U0001f600"]),
    ("[(a), f(1)]", ["(a)", "f(1)"]),
    ("{a: b, c-d: e_f}", {"a": "b", "c-d": "e_f"}),
    ("{a.b: 1}", {"a.b": 1}),
    ("{a\n:\n1\n,\nb\n:\n[\n]\n}", {"a": 1, "b": []}),
    ("[1.5, 1e3, -2.5E-1, 007, 0x10, 64M]", [1.5, 1000.0, -0.25, "007", "0x10", "64M"]),
    ("[18446744073709551616]", [2**64]),
    ("['1', \"true\", 'a\\'b']", ["1", "true", "a'b"]),
    ("[::1]", ["::1"]),
    ("{mac: 52:54:00:12:34:56}", {"mac": "52:54:00:12:34:56"}),
    ("{mac:52:54}", {"mac": "52:54"}),
    ("{path: /a=b#c|d}", {"path": "/a=b#c|d"}),
    ("[[[1], {a: {}}]]", [[[1], {"a": {}}]]),
    ('["# not a comment", "]"]', ["# not a comment", "]"]),
    ('{"": 1}', {"": 1}),
    ('{"a b": "c\\u0041"}', {"a b": "cA"}),
]


@pytest.mark.parametrize("text,value", BRACKETS)
def test_a_literal_in_brackets(text: str, value: Json) -> None:
    assert guessed(f"x a={text}") == {"a": value}
    assert guessed(f"x a={text} b=c # d") == {"a": value, "b": "c"}


def test_inside_brackets_every_part_knows_its_place() -> None:
    [argument] = command("x a={b: [c, 'd']}").arguments
    c = Scalar("c", False, (9, 10))
    d = Scalar("d", True, (12, 15))
    member = (Part("b", False, (5, 6)), ArrayLiteral((c, d), (8, 16)))
    assert argument.value == ObjectLiteral((member,), (4, 17))


REFUSED = r"""
expected a space after the closing mark; text that begins with [ is quoted as a whole: h="[::1]:80"
x h=[::1]:80
         ^^^

expected a space after the closing mark; text that begins with " is quoted as a whole: a='"b"c'
x a="b"c
       ^

expected a space after the closing mark; text that begins with ' is quoted as a whole: a="'b''c'"
x a='b''c'
       ^^^

expected a space after the closing mark; text that begins with { is quoted as a whole: a.b="{}}"
x a.b={}}
        ^

no such escape in "..."; write a backslash as \\
x a="b\qc"
      ^^

no such escape in '...'; write a backslash as \\
x a={b: '\d'}
         ^^

no such escape in '...'; write a backslash as \\
x a={'C:\dir': 1}
        ^^

\ud800 is half of a surrogate pair: expected both halves
x a=['\ud800']
      ^^^^^^

JSON has no tuples: write a list, as in [1, 2]; text is quoted
x a=[(1,2),3]
     ^^

JSON has no tuples: write a list, as in [1, 2]; text is quoted
x a={b: ()}
        ^^

expected four hex digits after \u, as in \u00e9
x a="\u12"
     ^^

\ud800 is half of a surrogate pair: expected both halves
x a="\ud800A"
     ^^^^^^

\udc00 is half of a surrogate pair: expected both halves
x a="A\udc00"
      ^^^^^^

no such escape in "..."; write a backslash as \\
x "\q"=1
   ^^

expected the closing ]
x a=[1, 2
    ^

expected the closing }
x a={b: [1], c: {d: 1}
    ^

expected the closing }
x a={b:
    ^

expected the closing "
x a=[1, "2]
        ^

expected ]
x a=[1, }
        ^

expected }
x a={b: 1]
         ^

expected , or ]
x a=[b c]
       ^

expected a value
x a=[,]
     ^

expected a value
x a={b: , c: 1}
        ^

expected a value
x a={b: }
        ^

expected a member's name, as in {name: value}
x a={,}
     ^

expected a member's name, as in {name: value}
x a={[1]: 2}
     ^

expected a colon after b
x a={b, c}
      ^

expected a colon after b; text that begins with { is quoted: "{b}"
x a={b}
      ^

expected a colon after "b"
x a={"b" 1}
         ^

the member "b" is given twice
x a={b: 1, "b": 2}
           ^^^

text that holds a quote is quoted as a whole, as in "it's"
x a=[it's]
     ^^^^

text that holds a quote is quoted as a whole, as in 'a"b'
x a={a"b: 1}
     ^^^

text that holds a quote is quoted as a whole, as in 'a"b\\c'
x a={a"b\c: 1}
     ^^^^^
"""


@pytest.mark.parametrize("expected", pictures(REFUSED))
def test_refused(expected: str) -> None:
    assert refused_line(expected.split("\n")[1]) == expected


GUESSES_REFUSED = r"""
expected a number that fits; such text is quoted
x a=[1, 1e999]
        ^^^^^

expected a value
x 'a=[1, ,]'
         ^

expected nothing after the closing bracket
x 'a={b: c} d'
            ^

expected the closing ]
x 'a=[b'
     ^

expected a colon after b
x 'a={b, \'c\'}'
  ^^^^^^^^^^^^^^
"""


@pytest.mark.parametrize("expected", pictures(GUESSES_REFUSED))
def test_refused_when_it_is_read(expected: str) -> None:
    assert refused_guess(expected.split("\n")[1]) == expected


def test_a_number_of_any_length_is_no_crash() -> None:
    found = refused_guess(f"x a=[{'9' * 5000}]")
    assert found.startswith("expected a number that fits; such text is quoted\n")


@pytest.mark.parametrize("opening", ["[", "{a:", "[{a:"])
def test_nesting_has_a_bound(opening: str) -> None:
    message = refused_line(f"x a={opening * 5_000}").split("\n")[0]
    assert message == "expected brackets to nest 256 deep at most"


def test_what_nests_too_deep_is_no_bracket_any_more() -> None:
    scanner = Scanner()
    kinds = [token.kind for token in scanner.feed(f"x a={'[' * 300}{']' * 300}")]
    assert kinds[4:] == [TokenKind.OPEN] * 256 + [TokenKind.DEEP] * 88 + [TokenKind.CLOSE] * 256
    assert scanner.open_mark == ""


def test_the_way_to_a_value_is_bounded_however_deep_it_stands() -> None:
    text = f"x a={'[' * 5_000}1{']' * 5_000}"
    walk = CursorWalk(text)
    walk.follow(Scanner().feed(text))
    assert max(len(given.path) for given in walk.given) == 257


def test_nesting_within_the_bound() -> None:
    value = guessed(f"x a={'[' * 256}{']' * 256}")["a"]
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    assert depth == 256


PAREN = "put a space before the closing ); quote a value that ends in )"


@pytest.mark.parametrize("text", ["x name=b3)", "x a={b: 1})", 'x name="b3")', "x y)", "abort)"])
def test_a_glued_paren_inside_a_transaction(text: str) -> None:
    marks = " " * (len(text) - 1) + "^"
    assert refused_line(text, TRANSACTION) == f"{PAREN}\n{text}\n{marks}"


def test_a_paren_that_belongs_to_the_value() -> None:
    assert command("x name=f(3)", TRANSACTION).arguments[0].value.span == (7, 11)
    assert guessed("x name=b3)") == {"name": "b3)"}
