"""Parses part of a roff page into a tree of blocks. Knows Sphinx's macros, not the manual.

Never fails: unknown macros are dropped, and anything else is kept as text. Source: groff_man(7),
groff_char(7), and docutils' manpage writer for .INDENT and .UNINDENT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Union

from qmpsh.light_typing import Enum, NamedTuple

MAX_INDENT_LEVELS = 16
"""Levels of indentation; text that is deeper is kept, at this level."""


class InlineMark(Enum):
    """The mark that introduces an item: a bullet or number, a heading, or the term it explains."""

    BULLET = "bullet"
    HEADING = "heading"
    TERM = "term"


class Paragraph(NamedTuple):
    """A paragraph. text: words joined by single spaces."""

    text: str


class CodeBlock(NamedTuple):
    """A block of code. lines: as they are in the page."""

    lines: tuple[str, ...]


class ListItem(NamedTuple):
    """An item of a list. text: of the mark; "-" for any bullet."""

    mark: InlineMark
    text: str
    body: list[ManualBlock]


class QuotedBlock(NamedTuple):
    """A sequence of blocks that are indented."""

    body: list[ManualBlock]


ManualBlock = Union[Paragraph, CodeBlock, ListItem, QuotedBlock]

_ESCAPE = re.compile(
    r"\\(?:f(?:\(..|\[[^]\n]*]|.)|\*?\((?P<two>..)|\*?\[(?P<long>[^]\n]*)]|s[-+]?\d|(?P<one>.))"
)
_SPECIAL = {
    "aq": "'",
    "bu": "-",
    "co": "(C)",
    "cq": "'",
    "dq": '"',
    "em": "--",
    "en": "-",
    "ga": "`",
    "ha": "^",
    "hy": "-",
    "lq": '"',
    "oq": "'",
    "rq": '"',
    "rs": "\\",
    "ti": "~",
}
_NOTHING = {"&", "%", ":", "|", "^", ")", "/", ",", "c", "\n"}
_SINGLE = {"e": "\\", "0": " ", "~": " ", "t": " "}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# QEMU 10's pages have some of these at the end of a text line.
_GLUED = ".INDENT "
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|(\S+)')

_BULLETS = {"-", "*", "\N{BULLET}"}
_FONTS = {"B", "I", "R", "SM", "SB", "BI", "BR", "IB", "IR", "RB", "RI"}


def plain(text: str) -> str:
    """Return text without escapes and control characters: `\\fBjob\\-id\\fP` is `job-id`."""
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    return _CONTROLS.sub("", text)


def _unescape(match: re.Match[str]) -> str:
    special = match["two"] or match["long"]
    if special is not None:
        return _SPECIAL.get(special, "")
    one = match["one"]
    if one is None or one in _NOTHING:
        return ""
    return _SINGLE.get(one, one)


def read_blocks(text: str) -> list[ManualBlock]:
    """Return the blocks of part of a page, up to where its own indentation ends."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.feed(line)
        if reader.is_closed:
            break
    reader.flush()
    return reader.blocks


class _Level:
    """The blocks at one level of indentation, and the item open there."""

    __slots__ = ("blocks", "item")

    def __init__(self, blocks: list[ManualBlock]) -> None:
        self.blocks = blocks
        self.item: ListItem | None = None

    def target(self) -> list[ManualBlock]:
        return self.blocks if self.item is None else self.item.body


class _Reader:
    """The parser of a page, which goes line by line."""

    def __init__(self) -> None:
        self.blocks: list[ManualBlock] = []
        self.is_closed = False
        self._levels = [_Level(self.blocks)]
        self._words: list[str] = []
        self._code: list[str] | None = None
        self._in_table = False
        self._wants_term = False

    def feed(self, line: str) -> None:
        """Take one line."""
        if line.startswith((".", "'")):
            match = re.match(r"[.'] *(\S*) *(.*)", line)
            if match is not None:
                self._macro(match[1], match[2])
        elif self._code is not None:
            self._code.append(plain(line).expandtabs().rstrip())
        elif not self._in_table:
            before, glued, _ = line.partition(_GLUED)
            self._text(plain(before))
            if glued:
                self._indent()

    def flush(self) -> None:
        """End the current paragraph or code."""
        if self._code is not None:
            code, self._code = self._code, None
            while code and not code[-1]:
                code.pop()
            if code:
                self._add(CodeBlock(tuple(code)))
        if self._words:
            text, self._words = " ".join(self._words), []
            self._add(Paragraph(text))

    def _text(self, text: str) -> None:
        words = text.split()
        if not words:
            self.flush()
        elif self._wants_term:
            self._wants_term = False
            self._open_item(InlineMark.TERM, " ".join(words))
        else:
            self._words += words

    def _macro(self, name: str, rest: str) -> None:
        if name in _FONTS:
            self._text(" ".join(plain(word) for word in _arguments(rest)))
        elif name in ("TS", "TE"):
            self._in_table = name == "TS"
        elif name in ("INDENT", "RS"):
            self._indent()
        elif name in ("UNINDENT", "RE"):
            self._unindent()
        elif name == "IP":
            self._labelled([plain(word) for word in _arguments(rest)])
        elif name == "TP":
            self.flush()
            self._levels[-1].item = None
            self._wants_term = True
        elif name in ("nf", "EX"):
            self.flush()
            self._code = []
        elif name in ("sp", "fi", "EE", "PP", "P", "LP"):
            self.flush()

    def _labelled(self, arguments: list[str]) -> None:
        """Begin an .IP item: `.IP "Example:"` is a heading, .IP with a width a list item."""
        text = arguments[0].strip() if arguments else ""
        mark = InlineMark.HEADING if len(arguments) == 1 else InlineMark.BULLET
        self._open_item(mark, "-" if not text or text in _BULLETS else text)

    def _open_item(self, mark: InlineMark, text: str) -> None:
        self.flush()
        level = self._levels[-1]
        level.item = ListItem(mark, text, [])
        level.blocks.append(level.item)

    def _indent(self) -> None:
        self.flush()
        target = self._levels[-1].target()
        if len(self._levels) <= MAX_INDENT_LEVELS:
            quote = QuotedBlock([])
            target.append(quote)
            target = quote.body
        self._levels.append(_Level(target))

    def _unindent(self) -> None:
        self.flush()
        self._levels.pop()
        if not self._levels:
            self.is_closed = True
            self._levels = [_Level(self.blocks)]

    def _add(self, block: ManualBlock) -> None:
        self._wants_term = False
        self._levels[-1].target().append(block)


def _arguments(rest: str) -> Iterator[str]:
    """Yield the arguments of a macro: words, or text in double quotes."""
    for match in _ARGUMENT.finditer(rest):
        yield match[2] if match[1] is None else match[1].replace('""', '"')
