"""Finds the characters that web pages and word processors use as a space, a quote or a dash.

A line that holds one looks right and is not. Where such a character stands outside quotes it is an
error that names it; text that is meant to hold it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.language.tokens import Token, TokenKind
from qmpsh.language.values import SourceText

_BLANK = "[\u00a0\u00ad\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]"
_QUOTE = "[\u00ab\u00bb\u2018-\u201f\u2039\u203a]"
_DASH = "[\u2010-\u2015\u2212]"
# Compiled by `re` when first used: all that they find is beyond ASCII, and most text is not.
_IN_VALUE = f"(?P<blank>{_BLANK})|^(?P<quote>{_QUOTE})"
_IN_NAME = f"{_IN_VALUE}|(?P<dash>{_DASH})"
_IN_HMP = rf'(?s)"(?:[^"\\]|\\.)*(?:"|\Z)|(?P<blank>{_BLANK})|(?<![^ \t])(?P<quote>{_QUOTE})'
_MEANT = {
    "blank": "stands where a space is expected: type a space, or quote the text",
    "quote": "is not a quotation mark: type \" or ' instead",
    "dash": "stands where - or -- is expected: type that instead",
}
_PATTERNS = {
    TokenKind.NAME: _IN_NAME,
    TokenKind.VERB: _IN_NAME,
    TokenKind.MODIFIER: _IN_NAME,
    TokenKind.PART: _IN_NAME,
    TokenKind.WORD: _IN_VALUE,
    TokenKind.GLUED: _IN_VALUE,
    TokenKind.TEXT: _IN_HMP,
}


def find_look_alike(text: str, tokens: Iterable[Token]) -> tuple[Span, str] | None:
    """Return where the first of them stands, and the sentence on it; None for a line without."""
    if text.isascii():
        return None
    for token in tokens:
        pattern = _PATTERNS.get(token.kind)
        for match in re.finditer(pattern, token.text(text)) if pattern is not None else ():
            if match.lastgroup is not None:
                start = token.start + match.start()
                return (start, start + 1), _sentence(match[0], match.lastgroup)
    return None


def refuse_look_alikes(source: SourceText, tokens: Iterable[Token]) -> None:
    """Raise LineSyntaxError where a line has one."""
    found = find_look_alike(source.text, tokens)
    if found is not None:
        raise source.error(found[1], *found[0])


def refuse_in_name(word: str, line: str, start: int) -> None:
    """Raise LineSyntaxError if a name or a key that stands at `start` of the line has one."""
    match = None if word.isascii() else re.search(_IN_NAME, word)
    if match is not None:
        at = start + match.start()
        raise LineSyntaxError(_sentence(match[0], match.lastgroup or ""), line, (at, at + 1))


def needs_quotes(word: str, *, is_key: bool) -> bool:
    """Return whether a word can only be meant as it is in quotes."""
    return not word.isascii() and re.search(_IN_NAME if is_key else _IN_VALUE, word) is not None


def _sentence(char: str, kind: str) -> str:
    # Imported here: only an error names a character.
    import unicodedata

    name = unicodedata.name(char).lower()
    name = "curly quote" if "\u2018" <= char <= "\u201f" else name
    article = "an" if name[0] in "aeiou" else "a"
    return f"U+{ord(char):04X}, {article} {name}, {_MEANT[kind]}"
