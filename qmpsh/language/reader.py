"""Joins physical lines into logical ones: open brackets, quotes and a lone backslash continue."""

from __future__ import annotations

from qmpsh.errors import LineSyntaxError
from qmpsh.language.analysis import analyse
from qmpsh.language.lines import is_bare_word
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import PLAIN, Mode
from qmpsh.language.tokens import BLANKS, Token, TokenKind
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qmpsh.language.transcript import Transcript


_MARKS = ("(", "T", "Q")
"""What a line begins with that may make its file or paste a transcript."""
_BARE = frozenset({TokenKind.WORD, TokenKind.PART, TokenKind.GLUED})
_OPEN = {
    "bracket": "inside an open bracket that began on",
    "quote": "inside an open quote that began on",
    "backslash": "after the lone backslash of",
}


class LogicalLine(NamedTuple):
    """A logical line: physical ones that belong together.

    text: physical lines with a newline between them; number: of the first, from 1 on;
    note: what was passed over in it, as output of a transcript; "" for nothing to be shown.
    """

    text: str
    number: int
    note: str = ""


class Split(NamedTuple):
    """A text as the logical lines that are to be run, and the unfinished one at its end."""

    lines: list[LogicalLine]
    rest: str

    @property
    def total(self) -> int:
        """How many lines, an unfinished one included."""
        return len(self.lines) + bool(self.rest.strip())


class LineAssembler:
    """The assembler of logical lines: takes physical lines one by one, each scanned once.

    A line goes on where a bracket or a quote is open, or where a backslash stands alone as its last
    word. In HMP mode no line does. mode: that of the next line; may be set in between.
    """

    def __init__(self, mode: Mode = PLAIN) -> None:
        self.mode = mode
        self._number = 0
        self._lines: list[str] = []
        self._scanner: Scanner | None = None
        self._transcript: Transcript | None = None

    @property
    def pending(self) -> bool:
        """Whether a logical line has begun and not ended."""
        return bool(self._lines)

    @property
    def rest(self) -> str:
        """What has begun and not ended."""
        return "\n".join(self._lines)

    def push(self, physical_line: str) -> LogicalLine | None:
        """Take one physical line, with its end or without; the logical line that it completes."""
        line = physical_line.removesuffix("\n").removesuffix("\r")
        self._number += 1
        self._lines.append(line)
        if self._is_open(line):
            self._scanner = self._scanner or Scanner(self.mode)
            tokens = self._scanner.feed(line + "\n")
            if self._scanner.open_mark and not self._is_spoilt(line, tokens):
                return None
        text, number = "\n".join(self._lines), self._number - len(self._lines) + 1
        self.reset()
        return LogicalLine(*self._recorded(text, number))

    def _is_open(self, line: str) -> bool:
        """Return whether a physical line goes on, or the one before it does."""
        if self.mode.hmp or self._scanner is not None:
            return not self.mode.hmp
        return not _is_whole(line) and analyse(line, self.mode).open_mark != ""

    def _recorded(self, text: str, number: int) -> tuple[str, int, str]:
        """Return the text with only the commands of a transcript, its number, and a note."""
        # Imported here: few files and pastes are transcripts.
        if self._transcript is None and text.lstrip(BLANKS)[:1] in _MARKS:
            from qmpsh.language.transcript import Transcript

            self._transcript = Transcript()
        if self._transcript is None:
            return text, number, ""
        passage = self._transcript.filter_line(text, self.mode)
        return passage.text, number, passage.note

    def _is_spoilt(self, line: str, tokens: Sequence[Token]) -> bool:
        """Return whether a control character stands in an open bracket.

        What it opens, as in `ESC [ A`, was not typed as a bracket; it must not take further lines.
        """
        if line.isprintable() or self._scanner is None or self._scanner.open_mark != "bracket":
            return False
        words = [line[token.start : token.end] for token in tokens if token.kind in _BARE]
        return any(char < " " or "\x7f" <= char <= "\x9f" for word in words for char in word)

    def close(self) -> None:
        """Finish: no more lines follow. Raises LineSyntaxError if a line is unfinished."""
        scanner, text = self._scanner, "\n".join(self._lines)
        first = self._number - len(self._lines) + 1
        self.reset()
        if scanner is not None:
            at = scanner.open_at
            where = f"{_OPEN[scanner.open_mark]} line {first + text.count(chr(10), 0, at)}"
            raise LineSyntaxError(f"end of file {where}", text, (at, at + 1))

    def reset(self) -> None:
        """Forget what has begun; the numbers go on."""
        self._lines = []
        self._scanner = None


def _is_whole(line: str) -> bool:
    """Return whether a physical line is a logical one, as can be seen without scanning it."""
    if is_bare_word(line):
        return True
    if not line.startswith("{"):
        return False
    # Imported here: few lines are JSON.
    from qmpsh.language.jsonline import decode_object

    return decode_object(line) is not None


def split_lines(text: str, mode: Mode = PLAIN) -> Split:
    """Return the logical lines of a text that was typed or pasted, blank ones left out."""
    assembler = LineAssembler(mode)
    lines: list[LogicalLine] = []
    note = ""
    for physical in text.split("\n"):
        line = assembler.push(physical)
        if line is None:
            continue
        note = note or line.note
        if line.text.strip():
            lines.append(line)
        if lines and note:
            # What is passed over belongs to the line above it, if there is one.
            lines[-1], note = lines[-1]._replace(note=note), ""
    return Split(lines, assembler.rest)


def needs_more(text: str, mode: Mode = PLAIN) -> bool:
    """Return whether a text of one or more physical lines ends inside a logical one."""
    assembler = LineAssembler(mode)
    for line in text.split("\n"):
        assembler.push(line)
    return assembler.pending
