"""The highlighting of a line, as an ordinary pygments lexer on the language's own scanner.

The only module of the package `language` that needs pygments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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

from qmpsh.language.analysis import analyse
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import Token, TokenKind
from qmpsh.language.untyped import is_constant

_NUMBER = re.compile(
    r"-?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+|[kKmMgGtTpPeE])?)"
)

TOKEN_TYPES: dict[TokenKind, _TokenType] = {
    TokenKind.BLANK: Whitespace,
    TokenKind.COMMENT: Comment,
    TokenKind.MARK: Generic.Prompt,
    TokenKind.CONTINUE: Punctuation,
    TokenKind.NAME: Name.Function,
    TokenKind.VERB: Keyword,
    TokenKind.TRANSACTION: Keyword,
    TokenKind.PAREN: Keyword,
    TokenKind.PART: Name.Attribute,
    TokenKind.QUOTED_PART: Name.Attribute,
    TokenKind.DOT: Punctuation,
    TokenKind.EQUALS: Operator,
    TokenKind.WORD: String,
    TokenKind.STRING: String,
    TokenKind.UNCLOSED: String,
    TokenKind.OPEN: Punctuation,
    TokenKind.CLOSE: Punctuation,
    TokenKind.DEEP: Error,
    TokenKind.COMMA: Punctuation,
    TokenKind.COLON: Punctuation,
    TokenKind.GLUED: Error,
    TokenKind.MODIFIER: Name.Decorator,
    TokenKind.PIPE: Operator.Word,
    TokenKind.REDIRECT: Operator.Word,
    TokenKind.SHELL: Text,
    TokenKind.TEXT: Text,
}
"""What a token looks like; words are distinguished further: numbers, constants, other text."""


class QmpshLexer(Lexer):
    """The pygments lexer for lines of qmpsh. Total: any text, every character in exactly one token.

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
        """Yield (offset, type, text) of each token."""
        for token in self._tokens(text):
            word = token.text(text)
            yield token.start, _token_type(token.kind, word), word

    def _tokens(self, text: str) -> Sequence[Token]:
        if "\n" not in text:
            return analyse(text, self.mode).tokens
        tokens: list[Token] = []
        scanner = Scanner(self.mode)
        start = 0
        while start < len(text):
            end = (text.find("\n", start) + 1) or len(text)
            tokens += scanner.feed(text, start, end)
            if not scanner.open_mark or self.mode.hmp:
                scanner = Scanner(self.mode)
            start = end
        return tokens


def _token_type(kind: TokenKind, text: str) -> _TokenType:
    if kind is TokenKind.MODIFIER and text[2:] not in MODIFIERS:
        return Error
    if kind is TokenKind.WORD and is_constant(text, inside=True):
        return Keyword.Constant
    if kind is TokenKind.WORD and _NUMBER.fullmatch(text):
        return Number
    return TOKEN_TYPES[kind]
