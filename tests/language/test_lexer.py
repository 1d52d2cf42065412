"""What a line looks like while it is typed."""

from __future__ import annotations

import pytest
from pygments.token import (
    Comment,
    Error,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    _TokenType,
)

from qmpsh.language.lexer import TOKEN_TYPES, QmpshLexer
from qmpsh.language.tokens import TokenKind


def coloured(text: str, **options: object) -> list[tuple[_TokenType, str]]:
    """The tokens but for blanks."""
    return [pair for pair in QmpshLexer(**options).get_tokens(text) if pair[1].strip()]


def test_every_kind_has_a_type() -> None:
    assert TOKEN_TYPES.keys() == set(TokenKind)


LINES = [
    ("device_add", [(Name.Function, "device_add")]),
    ("# why", [(Comment, "# why")]),
    (".help x", [(Keyword, ".help"), (Name.Attribute, "x")]),
    (
        "-> x a=b",
        [
            (Generic.Prompt, "->"),
            (Name.Function, "x"),
            (Name.Attribute, "a"),
            (Operator, "="),
            (String, "b"),
        ],
    ),
    ("x --json", [(Name.Function, "x"), (Name.Decorator, "--json")]),
    ("x --jsn", [(Name.Function, "x"), (Error, "--jsn")]),
    ("x | jq", [(Name.Function, "x"), (Operator.Word, "|"), (Text, "jq")]),
    ("x >f", [(Name.Function, "x"), (Operator.Word, ">"), (String, "f")]),
    (
        "x 'a'.b",
        [
            (Name.Function, "x"),
            (Name.Attribute, "'a'"),
            (Punctuation, "."),
            (Name.Attribute, "b"),
        ],
    ),
    (
        "x a=[]b",
        [
            (Name.Function, "x"),
            (Name.Attribute, "a"),
            (Operator, "="),
            (Punctuation, "["),
            (Punctuation, "]"),
            (Error, "b"),
        ],
    ),
    (
        "{a: 'b'}",
        [
            (Punctuation, "{"),
            (Name.Attribute, "a"),
            (Punctuation, ":"),
            (String, "'b'"),
            (Punctuation, "}"),
        ],
    ),
]


@pytest.mark.parametrize("text,tokens", LINES)
def test_a_line(text: str, tokens: list[tuple[_TokenType, str]]) -> None:
    assert coloured(text) == tokens


WORDS = [
    ("5", Number),
    ("-1.5e3", Number),
    ("0x1F", Number),
    ("64M", Number),
    ("true", Keyword.Constant),
    ("None", Keyword.Constant),
    ("disk0", String),
    ("5a", String),
    ('"a b"', String),
    ("'open", String),
]


@pytest.mark.parametrize("word,kind", WORDS)
def test_a_value(word: str, kind: _TokenType) -> None:
    assert coloured(f"x a={word}")[-1] == (kind, word)


def test_a_script_is_lexed_line_by_line() -> None:
    script = "x a={\nb: 1}\ny\n\n# c\n"
    assert [text for kind, text in coloured(script) if kind is Name.Function] == ["x", "y"]
    assert coloured(script)[-1] == (Comment, "# c")
    assert "".join(text for _, text in QmpshLexer().get_tokens(script)) == script


def test_hmp() -> None:
    assert coloured("info x | jq", hmp=True) == [(Text, "info x | jq")]
    assert coloured("info | jq", hmp="true", prompt="yes") == [
        (Text, "info"),
        (Operator.Word, "|"),
        (Text, "jq"),
    ]
    assert coloured("'a {\nb", hmp=True) == [(Text, "'a {\n"), (Text, "b")]
