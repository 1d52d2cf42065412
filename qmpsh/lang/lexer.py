"""The highlighting of a line, as an ordinary pygments lexer on the language's own scanner.

The only module of the room that needs pygments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.lexer import Lexer
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
    Whitespace,
    _TokenType,
)
from pygments.util import get_bool_opt

from qmpsh.lang.build import is_constant
from qmpsh.lang.modifiers import MODIFIERS
from qmpsh.lang.scan import Scanner
from qmpsh.lang.syntax import Mode
from qmpsh.lang.tokens import Kind, Token

_NUMBER = re.compile(
    r"-?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+|[kKmMgGtTpPeE])?)"
)

TOKEN_TYPES: dict[Kind, _TokenType] = {
    Kind.BLANK: Whitespace,
    Kind.COMMENT: Comment,
    Kind.MARK: Generic.Prompt,
    Kind.CONTINUE: Punctuation,
    Kind.NAME: Name.Function,
    Kind.VERB: Keyword,
    Kind.TRANSACTION: Keyword,
    Kind.PAREN: Keyword,
    Kind.PART: Name.Attribute,
    Kind.QUOTED_PART: Name.Attribute,
    Kind.DOT: Punctuation,
    Kind.EQUALS: Operator,
    Kind.WORD: String,
    Kind.STRING: String,
    Kind.UNCLOSED: String,
    Kind.OPEN: Punctuation,
    Kind.CLOSE: Punctuation,
    Kind.DEEP: Error,
    Kind.COMMA: Punctuation,
    Kind.COLON: Punctuation,
    Kind.GLUED: Error,
    Kind.MODIFIER: Name.Decorator,
    Kind.PIPE: Operator.Word,
    Kind.REDIRECT: Operator.Word,
    Kind.SHELL: Text,
    Kind.TEXT: Text,
}
"""What a token looks like; words are told apart further: numbers, constants, other text."""


class QmpshLexer(Lexer):
    """Lines of qmpsh. Total: any text, every character in exactly one token.

    Options: `hmp` (the lines are the human monitor's), `prompt` (redirects of HMP lines are ours).
    """

    name = "qmpsh"
    aliases = ("qmpsh",)
    filenames = ("*.qmp",)
    url = ""

    def __init__(self, **options: object) -> None:
        options.setdefault("stripnl", False)
        options.setdefault("ensurenl", False)
        super().__init__(**options)
        hmp = get_bool_opt(options, "hmp", False)
        self.mode = Mode(hmp=hmp, prompt=get_bool_opt(options, "prompt", False))

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """(offset, type, text) of each token."""
        scanner = Scanner(self.mode)
        start = 0
        while start < len(text):
            end = (text.find("\n", start) + 1) or len(text)
            for token in scanner.feed(text, start, end):
                yield token.start, _token_type(token, text), token.text(text)
            if not scanner.open_mark or self.mode.hmp:
                scanner = Scanner(self.mode)
            start = end


def _token_type(token: Token, source: str) -> _TokenType:
    text = token.text(source)
    if token.kind is Kind.MODIFIER and text[2:] not in MODIFIERS:
        return Error
    if token.kind is Kind.WORD and is_constant(text, inside=True):
        return Keyword.Constant
    if token.kind is Kind.WORD and _NUMBER.fullmatch(text):
        return Number
    return TOKEN_TYPES[token.kind]
