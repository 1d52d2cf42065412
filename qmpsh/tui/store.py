"""A pane's content: a bounded list of blocks of numbered lines.

Lines are numbered from 0 since the program started and keep their numbers when older ones are
dropped, so that the view keeps its place. Finding a line takes a binary search; a line is styled
and wrapped when first shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from qmpsh.tui.rows import justify
from qmpsh.view.theme import Line, plain
from qmpsh.view.units import number

_CACHED_LINES = 2000
"""rows kept per block: more than any screen shows, and small compared to the text"""


ROOM = 32 * 1024 * 1024
"""characters kept"""


class Block:
    """Lines that came together; possibly none are shown.

    Subclasses define how many there are, their content, and the weight of keeping them.
    """

    __slots__ = ("_rows", "_width", "start")

    def __init__(self) -> None:
        self.start = 0
        self._rows: dict[int, list[Line]] = {}
        self._width = 0

    @property
    def count(self) -> int:
        """Number of lines it shows now."""
        raise NotImplementedError

    @property
    def weight(self) -> int:
        """What it counts against the store's limit, whether shown or not."""
        return self.count

    @property
    def size(self) -> int:
        """About how many characters it counts against the store's room."""
        return 0

    def line(self, index: int) -> Line:
        """Return one line, styled; 0 <= index < count."""
        raise NotImplementedError

    def unwrapped(self, index: int, width: int | None) -> Line:
        """Return one line, before wrapping. width: of the terminal, None to cut nothing."""
        return self.line(index)

    def right(self, index: int) -> Line:
        """Return what is shown at the right edge of a line."""
        return []

    def texts(self) -> Sequence[str]:
        """Return the text of all its lines, including folded ones."""
        return [plain(self.line(index)) for index in range(self.count)]

    def draw(self, index: int, width: int) -> list[Line]:
        """Make the rows of one line, wrapped unless a subclass overrides this."""
        return justify(self.unwrapped(index, width), self.right(index), width)

    def rows(self, index: int, width: int) -> list[Line]:
        """Return the rows of one line, cached since it was first shown at this width."""
        if width != self._width or len(self._rows) > _CACHED_LINES:
            self._rows.clear()
            self._width = width
        rows = self._rows.get(index)
        if rows is None:
            rows = self._rows[index] = self.draw(index, width)
        return rows

    def touch(self) -> None:
        """Draw it again, since its content has changed."""
        self._rows.clear()


class Store:
    """The blocks. Above either bound the oldest are dropped, a sixteenth of it at a time.

    limit: the weight to keep
    noun:  the unit of weight, for the line that says how many were dropped
    room:  the characters to keep, since a line may be of any length
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
        """Number of the first line; once blocks were dropped, that of the line that says so."""
        return self._first - 1 if self.dropped else self._first

    @property
    def end(self) -> int:
        """Number that the next line will get."""
        return self.blocks[-1].start + self.blocks[-1].count if self.blocks else self._first

    def append(self, block: Block) -> None:
        """Add a block at the end, and drop the oldest that no longer fit."""
        block.start = self.end
        self.blocks.append(block)
        self.appended += block.count
        self._weight += block.weight
        self._size += block.size
        if self._weight > self._limit or self._size > self._room:
            self._drop()

    def renumber(self, block: Block) -> None:
        """Renumber the lines after a block whose number of lines has changed."""
        block.touch()
        start = block.start + block.count
        for later in self.blocks[self.place_of(block.start) + 1 :]:
            later.start = start
            start += later.count

    def recount(self) -> None:
        """Renumber all lines, since any block may show more or fewer than before."""
        start = self._first
        for block in self.blocks:
            block.start = start
            start += block.count

    def rows(self, index: int, width: int) -> list[Line]:
        """Return the rows of a line, at least one; any number is allowed."""
        if index < self._first:
            if self.dropped and index == self.begin:
                return [[("dim", f"{number(self.dropped)} older {self._noun} dropped")]]
            return [[]]
        if index >= self.end:
            return [[]]
        block = self.blocks[self.place_of(index)]
        return block.rows(index - block.start, width)

    def place_of(self, line: int) -> int:
        """Return the index of the block that contains a line; -1 before the first."""
        return bisect_right(self.blocks, line, key=_start) - 1

    def position(self, block: Block) -> int:
        """Return the index of a block; -1 once it was dropped."""
        place = self.place_of(block.start)
        return place if place >= 0 and self.blocks[place] is block else -1

    def _drop(self) -> None:
        keep, room = (most - most // 16 for most in (self._limit, self._room))
        gone = 0
        # The newest block is kept even if it alone is too heavy.
        while gone < len(self.blocks) - 1 and (self._weight > keep or self._size > room):
            self._weight -= self.blocks[gone].weight
            self._size -= self.blocks[gone].size
            self.dropped += self.blocks[gone].weight
            gone += 1
        del self.blocks[:gone]
        self._first = self.blocks[0].start


def _start(block: Block) -> int:
    return block.start
