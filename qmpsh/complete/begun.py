"""A word that is still being typed: what it says so far, though its quote may be open."""

from __future__ import annotations

from qmpsh.errors import LineSyntaxError
from qmpsh.lang.body import split_words
from qmpsh.lang.scan import Scanner
from qmpsh.lang.tokens import IGNORED, Kind, Token
from qmpsh.lang.values import Source, unescaped, unquoted


def word_at_end(text: str) -> tuple[int, str]:
    """Where the last word of a line begins, and what it says so far: nothing after a blank."""
    tokens = Scanner().feed(text)
    if not tokens or tokens[-1].kind in IGNORED:
        return len(text), ""
    word = split_words(tokens)[-1]
    start = word[0].start
    return start, begun_word(text, word[0]) if len(word) == 1 else text[start:]


def begun_word(text: str, token: Token, *, in_brackets: bool = False) -> str:
    """What a word says whose quote may still be open; as it stands where its escapes are wrong."""
    read = unescaped if in_brackets else unquoted
    quoted = text[token.start : token.end]
    if token.kind is Kind.UNCLOSED:
        quoted += quoted[0]
    elif token.kind not in (Kind.STRING, Kind.QUOTED_PART):
        return quoted
    try:
        return read(Source(quoted), Token(Kind.STRING, 0, len(quoted)))
    except LineSyntaxError:
        return quoted[1:-1]
