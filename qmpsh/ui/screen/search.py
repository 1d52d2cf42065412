"""Searches the output: finds a text, moves to the next or previous match, and highlights it.

Pure. Lines are read in slices, so that the owner of the event loop decides how long it may take.
No line is searched twice; new lines are searched when asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from qmpsh.light_typing import NamedTuple
from qmpsh.render.theme import Line, plain
from qmpsh.ui.common.wrap import part
from qmpsh.ui.screen.store import Block, Store

LINES_PER_STEP = 10_000
"""most lines that one step reads: a few milliseconds"""


class Match(NamedTuple):
    """A line that contains the text. offset: among its block's lines, folded or not."""

    block: Block
    offset: int

    @property
    def line(self) -> int:
        """Its number in the store; valid while its block shows all its lines."""
        return self.block.start + self.offset


class Search:
    """A search of a store. Smart case: a text without capitals matches any case."""

    def __init__(self, store: Store) -> None:
        self.needle = ""
        self.matches: list[Match] = []
        self.current: Match | None = None
        self._store = store
        self._block: Block | None = None
        self._done = 0
        self._dropped = store.dropped

    def start(self, needle: str) -> None:
        """Start searching for a text, from the first line on."""
        self.needle = needle
        self.matches = []
        self.current = None
        self._block = None
        self._done = 0

    def step(self, most: int = LINES_PER_STEP) -> bool:
        """Read some more lines; False once there are no more."""
        if not self.needle:
            return False
        self._forget_dropped()
        while most > 0:
            block = self._next_block()
            if block is None:
                return False
            texts = block.texts()
            end = min(len(texts), self._done + most)
            self._read(block, texts[self._done : end])
            most -= max(1, end - self._done)
            self._done = end
        return True

    def find(self, line: int) -> Match | None:
        """Go to the nearest match at or below a line, else to the nearest above."""
        index = bisect_left(self.matches, line, key=_line)
        self.current = self._match(min(index, len(self.matches) - 1))
        return self.current

    def next(self) -> Match | None:
        """Go to the next match; after the last comes the first."""
        if self.current is not None:
            index = bisect_right(self.matches, self.current.line, key=_line)
            self.current = self._match(index % max(1, len(self.matches)))
        return self.current

    def previous(self) -> Match | None:
        """Go to the previous match; before the first comes the last."""
        if self.current is not None:
            index = bisect_left(self.matches, self.current.line, key=_line)
            self.current = self._match(index - 1 if index else len(self.matches) - 1)
        return self.current

    @property
    def number(self) -> int:
        """The number of the current match, from 1; 0 for none."""
        if self.current is None:
            return 0
        return bisect_left(self.matches, self.current.line, key=_line) + 1

    def mark(self, line: int, rows: list[Line]) -> list[Line]:
        """Return the rows of a line with matches highlighted."""
        if not self.needle:
            return rows
        is_current = self.current is not None and self.current.line == line
        role = "match.current" if is_current else "match"
        return [highlighted(row, self._pattern(), role) for row in rows]

    def _pattern(self) -> re.Pattern[str]:
        flags = re.NOFLAG if self._is_exact else re.IGNORECASE
        return re.compile(re.escape(self.needle), flags)

    @property
    def _is_exact(self) -> bool:
        return self.needle != self.needle.lower()

    def _read(self, block: Block, texts: Sequence[str]) -> None:
        needle, first = self.needle, self._done
        for index, text in enumerate(texts, first):
            if needle in (text if self._is_exact else text.lower()):
                self.matches.append(Match(block, index))

    def _match(self, index: int) -> Match | None:
        return self.matches[index] if self.matches else None

    def _forget_dropped(self) -> None:
        """Forget matches in blocks that the store has dropped."""
        if self._dropped != self._store.dropped:
            self._dropped = self._store.dropped
            first = self._store.blocks[0].start
            self.matches = [match for match in self.matches if match.block.start >= first]

    def _next_block(self) -> Block | None:
        """Return the next block with lines to read; the store may have dropped the last one."""
        blocks = self._store.blocks
        if self._block is None:
            place = 0
        else:
            place = self._store.index_of(self._block)
            if place >= 0 and self._done < len(self._block.texts()):
                return self._block
            place += 1
        if place >= len(blocks):
            return None
        self._block, self._done = blocks[place], 0
        return self._block


def highlighted(row: Line, pattern: re.Pattern[str], role: str) -> Line:
    """Return a row with everything that matches the pattern in another role."""
    result: Line = []
    end = 0
    for found in pattern.finditer(plain(row)):
        result += part(row, end, found.start())
        result.append((role, found[0]))
        end = found.end()
    return [*result, *part(row, end, len(plain(row)))] if end else row


def _line(match: Match) -> int:
    return match.line
