"""What a pane shows, however long it gets: blocks of lines, numbered, bounded.

Lines are numbered from 0 when the program starts and keep their numbers when older ones are
dropped, so that a reader's place stays his place. Finding a line costs a binary search; a line is
styled and wrapped when first shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from qmpsh.tui.rows import justify
from qmpsh.view.theme import Line, plain
from qmpsh.view.units import number

_CACHED_LINES = 2000
"""rows kept per block; more than any screen shows, little beside the text itself"""


ROOM = 32 * 1024 * 1024
"""characters kept"""


class Block:
    """Some lines that came together; one that shows none stands nowhere.

    Its kinds say how many there are, what stands in one, and what keeping it weighs.
    """

    __slots__ = ("_rows", "_width", "start")

    def __init__(self) -> None:
        self.start = 0
        self._rows: dict[int, list[Line]] = {}
        self._width = 0

    @property
    def count(self) -> int:
        """How many lines it shows now."""
        raise NotImplementedError

    @property
    def weight(self) -> int:
        """What it counts against the store's limit, whether shown or not."""
        return self.count

    @property
    def size(self) -> int:
        """Characters of it, about: what it counts against the store's room."""
        return 0

    def line(self, index: int) -> Line:
        """One line, styled; 0 <= index < count."""
        raise NotImplementedError

    def unwrapped(self, index: int, width: int | None) -> Line:
        """One line for a terminal of this width, which wraps it where it is longer; None: whole."""
        return self.line(index)

    def right(self, index: int) -> Line:
        """What stands at the right edge of a line."""
        return []

    def texts(self) -> Sequence[str]:
        """The text of all of its lines, the folded ones too."""
        return [plain(self.line(index)) for index in range(self.count)]

    def draw(self, index: int, width: int) -> list[Line]:
        """The rows of one line, freshly made: wrapped unless its kind knows better."""
        return justify(self.unwrapped(index, width), self.right(index), width)

    def rows(self, index: int, width: int) -> list[Line]:
        """The rows of one line, as drawn when it was first shown at this width."""
        if width != self._width or len(self._rows) > _CACHED_LINES:
            self._rows.clear()
            self._width = width
        rows = self._rows.get(index)
        if rows is None:
            rows = self._rows[index] = self.draw(index, width)
        return rows

    def touch(self) -> None:
        """What it shows has changed: draw it again."""
        self._rows.clear()


class Store:
    """limit: the weight to keep; past it the oldest blocks go, a sixteenth of it at a time; so they
    do past `room`, characters: a line may be of any length.

    noun: what a unit of weight is called in the line that says how many were dropped
    """

    def __init__(self, limit: int, noun: str, room: int = ROOM) -> None:
        self.blocks: list[Block] = []
        self.appended = 0
        self.dropped = 0
        self._limit = limit
        self._noun = noun
        self._weight = 0
        self._room = room
        self._size = 0
        self._first = 0

    @property
    def begin(self) -> int:
        """Number of the first line there is; once blocks were dropped, the one that says so."""
        return self._first - 1 if self.dropped else self._first

    @property
    def end(self) -> int:
        """Number of the line that comes next."""
        return self.blocks[-1].start + self.blocks[-1].count if self.blocks else self._first

    def append(self, block: Block) -> None:
        """Add a block at the end, drop the oldest that no longer fit."""
        block.start = self.end
        self.blocks.append(block)
        self.appended += block.count
        self._weight += block.weight
        self._size += block.size
        if self._weight > self._limit or self._size > self._room:
            self._drop()

    def renumber(self, block: Block) -> None:
        """A block has more or fewer lines than before: number those behind it anew."""
        block.touch()
        start = block.start + block.count
        for later in self.blocks[self.place_of(block.start) + 1 :]:
            later.start = start
            start += later.count

    def recount(self) -> None:
        """Any block may show more or fewer lines than before: number all of them anew."""
        start = self._first
        for block in self.blocks:
            block.start = start
            start += block.count

    def rows(self, index: int, width: int) -> list[Line]:
        """The rows of a line; any number may be asked for, one row is the least."""
        if index < self._first:
            if self.dropped and index == self.begin:
                return [[("dim", f"{number(self.dropped)} older {self._noun} dropped")]]
            return [[]]
        if index >= self.end:
            return [[]]
        block = self.blocks[self.place_of(index)]
        return block.rows(index - block.start, width)

    def place_of(self, line: int) -> int:
        """Which block holds a line; -1 where that would be one before the first."""
        return bisect_right(self.blocks, line, key=_start) - 1

    def position(self, block: Block) -> int:
        """Which one a block is; -1 once it was dropped."""
        place = self.place_of(block.start)
        return place if place >= 0 and self.blocks[place] is block else -1

    def _drop(self) -> None:
        keep, room = (most - most // 16 for most in (self._limit, self._room))
        gone = 0
        # The newest block is kept even when it alone is too heavy.
        while gone < len(self.blocks) - 1 and (self._weight > keep or self._size > room):
            self._weight -= self.blocks[gone].weight
            self._size -= self.blocks[gone].size
            self.dropped += self.blocks[gone].weight
            gone += 1
        del self.blocks[:gone]
        self._first = self.blocks[0].start


def _start(block: Block) -> int:
    return block.start
