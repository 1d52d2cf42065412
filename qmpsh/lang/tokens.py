"""The tokens of the language: what the scanner makes of a text and everything else reads."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

BLANKS = " \t\r\n"
"""What separates words, as in JSON."""

CLOSING = {"{": "}", "[": "]"}

NESTING_LIMIT = 256
"""How deep brackets or dotted keys may nest: Python's own stack is what it protects."""


class Kind(Enum):
    """What a token is."""

    BLANK = auto()
    COMMENT = auto()  # also a markdown fence, and the ... of a transcript
    MARK = auto()  # (QEMU) TRANS> (qemu) -> <- C: S: of a transcript
    CONTINUE = auto()  # a backslash that stands alone at the end of a physical line
    NAME = auto()  # the command
    VERB = auto()
    TRANSACTION = auto()  # transaction(
    PAREN = auto()  # the ) of a transaction
    PART = auto()  # of a key, or a member's name inside brackets
    QUOTED_PART = auto()  # the same in quotes, or a whole argument in quotes
    DOT = auto()
    EQUALS = auto()
    WORD = auto()  # a bare value
    STRING = auto()
    UNCLOSED = auto()  # a quote without its end
    OPEN = auto()
    CLOSE = auto()
    DEEP = auto()  # a bracket of either kind beyond NESTING_LIMIT: it nests nothing
    COMMA = auto()
    COLON = auto()
    GLUED = auto()  # what follows a closing mark without a blank
    MODIFIER = auto()  # --name
    PIPE = auto()
    REDIRECT = auto()  # > or >>
    SHELL = auto()  # a word of the host shell's command
    TEXT = auto()  # HMP


class Token(NamedTuple):
    """start, end: offsets into the text that was scanned, end exclusive."""

    kind: Kind
    start: int
    end: int

    def text(self, source: str) -> str:
        """What the token is in the text that was scanned."""
        return source[self.start : self.end]


IGNORED = frozenset({Kind.BLANK, Kind.COMMENT, Kind.MARK, Kind.CONTINUE})
"""The kinds that mean nothing between words."""
