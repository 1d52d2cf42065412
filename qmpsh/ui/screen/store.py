"""A pane's content: a bounded list of blocks of numbered lines, and the kinds of blocks.

Lines are numbered from 0 since the program started and keep their numbers when older ones are
dropped, so that the view keeps its place. Finding a line takes a binary search; a line is styled
and wrapped when first shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.light_typing import NamedTuple
from qmpsh.render.answers import AnswerBody, windowed
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Line, plain
from qmpsh.render.units import number
from qmpsh.ui.common.banner import Banner
from qmpsh.ui.common.wrap import justify, wrap

_MAX_CACHED_LINES = 500
"""lines whose rows are kept: more than any screen shows"""


MAX_STORE_CHARACTERS = 32 * 1024 * 1024
"""characters kept"""

MAX_BLOCKS = 20_000
"""blocks kept: each takes a kilobyte, however little it shows"""


OverviewLines = Callable[[int | None, int | None], list[Line]]
"""Makes lines for so many columns and rows at most, None for no limit."""


class Block:
    """Lines that came together; possibly none are shown.

    Subclasses define how many there are, their content, and the weight of keeping them.
    """

    __slots__ = ("change_count", "start")

    def __init__(self) -> None:
        self.start = 0
        self.change_count = 0

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

    def invalidate(self) -> None:
        """Draw it again, since its content has changed."""
        self.change_count += 1


class Store:
    """A bounded list of blocks. Above either bound the oldest are dropped, a sixteenth at a time.

    limit: the weight to keep
    noun:  the unit of weight, for the line that says how many were dropped
    room:  the characters to keep, since a line may be of any length
    """

    def __init__(
        self, limit: int, noun: str, room: int = MAX_STORE_CHARACTERS, advice: Advice = UNGUARDED
    ) -> None:
        self.advice = advice
        self.blocks: list[Block] = []
        self.appended = 0
        self.dropped = 0
        self._limit = limit
        self._noun = noun
        self._weight = 0
        self._room = room
        self._size = 0
        self._first = 0
        # What was drawn last. Kept here and not with each block, of which there may be thousands.
        self._drawn: dict[tuple[Block, int, int], tuple[int, list[Line]]] = {}

    @property
    def start(self) -> int:
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
        if self._exceeds(self._limit, self._room, MAX_BLOCKS):
            self._drop_oldest()

    def renumber(self, block: Block) -> None:
        """Renumber the lines after a block whose number of lines has changed."""
        block.invalidate()
        start = block.start + block.count
        for later in self.blocks[self.index_of_line(block.start) + 1 :]:
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
            if self.dropped and index == self.start:
                return [[("dim", f"{number(self.dropped)} older {self._noun} dropped")]]
            return [[]]
        if not self.blocks:
            return [[]]
        block = self.blocks[self.index_of_line(index)]
        place = index - block.start
        if place >= block.count:
            return [[]]
        return self.advice.get(
            "output",
            lambda: self._rows_of(block, place, width),
            lambda: [self._without_looks(block, place, width)],
        )

    def _rows_of(self, block: Block, index: int, width: int) -> list[Line]:
        """Return the rows of a block's line, made again only if they may differ."""
        key = (block, index, width)
        change_count, rows = self._drawn.get(key, (-1, []))
        if change_count == block.change_count:
            return rows
        if len(self._drawn) >= _MAX_CACHED_LINES:
            self._drawn.clear()
        rows = block.draw(index, width)
        self._drawn[key] = (block.change_count, rows)
        return rows

    def index_of_line(self, line: int) -> int:
        """Return the index of the block that contains a line; -1 before the first."""
        return bisect_right(self.blocks, line, key=_start) - 1

    def index_of(self, block: Block) -> int:
        """Return the index of a block; -1 once it was dropped."""
        place = self.index_of_line(block.start)
        return place if place >= 0 and self.blocks[place] is block else -1

    def _exceeds(self, weight: int, size: int, count: int) -> bool:
        return self._weight > weight or self._size > size or len(self.blocks) > count

    def _without_looks(self, block: Block, place: int, width: int) -> Line:
        """Return a line without its looks, which had a fault."""
        return self.advice.get(
            "output",
            lambda: [("", visible_word(block.texts()[place])[:width])],
            lambda: [("error", "this line could not be shown"[:width])],
        )

    def _drop_oldest(self) -> None:
        keep, room, count = (most - most // 16 for most in (self._limit, self._room, MAX_BLOCKS))
        gone = 0
        # The newest block is kept even if it alone is too heavy.
        while gone < len(self.blocks) - 1 and self._exceeds(keep, room, count + gone):
            self._weight -= self.blocks[gone].weight
            self._size -= self.blocks[gone].size
            self.dropped += self.blocks[gone].weight
            gone += 1
        del self.blocks[:gone]
        self._drawn.clear()  # or they would be kept after all
        self._first = self.blocks[0].start


def _start(block: Block) -> int:
    return block.start


# ---------------------------------------------------------------------------- the kinds of blocks


class FixedLines(Block):
    """Fixed lines; `right_end` is put at the right edge of the first line that is not empty."""

    __slots__ = ("_first", "_lines", "_right_end")

    def __init__(self, lines: list[Line], right_end: Line | None = None) -> None:
        super().__init__()
        self._lines = lines
        self._first = next((index for index, line in enumerate(lines) if line), 0)
        self._right_end: Line = right_end or []

    @property
    def count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]

    def right(self, index: int) -> Line:
        return self._right_end if index == self._first else []

    def set_right_end(self, right_end: Line) -> None:
        """Put something at the right edge after the lines were shown."""
        self._right_end = right_end
        self.invalidate()


class Heading(FixedLines):
    """The line above a reply: what was run. is_marked: whether the user has moved to it"""

    __slots__ = ("is_marked",)

    def __init__(self, lines: list[Line], right_end: Line | None = None) -> None:
        super().__init__(lines, right_end)
        self.is_marked = False

    def line(self, index: int) -> Line:
        """Return a line; where it is marked, its beginning, which is the prompt, says so."""
        line = super().line(index)
        if not self.is_marked or index != self._first:
            return line
        (_, text), *rest = line
        shown = text.rstrip()
        return [("match.current", shown), ("", text[len(shown) :]), *rest]

    @property
    def heading_line(self) -> int:
        """The number of the first line that is not empty."""
        return self.start + self._first


class Fold(NamedTuple):
    """The way in which a long text is shown while folded.

    head:    lines shown
    rows:    the most rows one line may take, so that a single long line cannot fill the screen
    notices: the line that says what is missing, from the fullest wording to the shortest
    """

    head: int
    rows: int
    notices: tuple[Line, ...]


class Foldable(Block):
    """A reply's text, initially folded if it has a fold."""

    __slots__ = ("_size", "body", "fold", "folded")

    def __init__(self, body: AnswerBody, fold: Fold | None = None) -> None:
        super().__init__()
        self.body = body
        self._size = sum(map(len, body.lines))
        self.fold = fold
        self.folded = fold is not None

    @property
    def count(self) -> int:
        return self.fold.head + 1 if self.fold and self.folded else self.weight

    @property
    def size(self) -> int:
        return self._size

    @property
    def weight(self) -> int:
        return len(self.body.lines)

    def line(self, index: int) -> Line:
        return self.unwrapped(index, None)

    def unwrapped(self, index: int, width: int | None) -> Line:
        """Return one line before wrapping; a table is laid out for the width."""
        if self.fold and self.folded and index == self.fold.head:
            return self.notice(0)
        return self.body.line(index, width)

    def draw(self, index: int, width: int) -> list[Line]:
        if self.fold is None or not self.folded:
            foot = self.body.foot(width) if index == self.count - 1 else []
            return super().draw(index, width) + foot
        if index == self.fold.head:
            return [self.notice(width)]
        return super().draw(index, width)[: self.fold.rows]

    def notice(self, width: int) -> Line:
        """Return the line in place of what is folded, in its shortest wording."""
        return self.fold.notices[-1] if self.fold is not None else []

    def texts(self) -> Sequence[str]:
        return self.body.lines

    def text(self) -> str:
        """Return all the text, folded or not, without a final newline."""
        return self.body.text()

    def toggle(self) -> None:
        """Fold or unfold, if there is a fold."""
        self.folded = self.fold is not None and not self.folded


class MarkedLine(Block):
    """A line with an error, the carets below it, and the message.

    The first two never wrap, since the carets would lose their place: what is far from the carets
    is cut off.
    """

    __slots__ = ("_body",)

    def __init__(self, body: AnswerBody) -> None:
        super().__init__()
        self._body = body

    @property
    def count(self) -> int:
        return len(self._body.lines)

    def line(self, index: int) -> Line:
        return self._body.line(index)

    def draw(self, index: int, width: int) -> list[Line]:
        if index > 1:
            return super().draw(index, width)
        shown = windowed(self._body.lines[0], self._body.lines[1], width)
        ((role, _),) = self.line(index)
        return [[(role, shown[index])]]


def head_lines(body: AnswerBody, width: int, height: int, least: int = 1) -> int | None:
    """Return how many lines of a body to show if it is to be folded, else None.

    height: most rows, of which one is reserved for the line that says so; at least one line is
            shown
    least:  rows that a fold hides at the least
    """
    rows = shown = head = 0
    for index in range(len(body.lines)):
        rows += len(wrap([("", body.laid_out(index, width))], width))
        if rows < height:
            head, shown = head + 1, rows
        elif rows > height and rows - (shown or height - 1) >= least:
            return max(1, head)
    return None


class BannerBlock(Block):
    """A banner in the output."""

    __slots__ = ("_banner", "_lines")

    def __init__(self, banner: Banner) -> None:
        super().__init__()
        self._banner = banner
        self._lines = banner.lines()

    @property
    def count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]

    def draw(self, index: int, width: int) -> list[Line]:
        """Make the rows; a part longer than a row is wrapped like any text."""
        return [row for line in self._banner.rows(width)[index] for row in wrap(line, width)]

    def update(self) -> None:
        """Fill in what is known by now."""
        self._banner.update()
        self._lines = self._banner.lines()
        self.invalidate()


class OverviewBlock(Block):
    """The machine at a glance: the rows that have come, and lines to try.

    A row is a line of the store, so that the transcript and a search have all of them; beside each
    other on a wide screen they take fewer rows, on a narrow one some are not shown.

    lines:  makes them
    height: rows that are free for it, called when it is drawn
    """

    __slots__ = ("_count", "_height", "_laid_out", "_lines")

    def __init__(self, lines: OverviewLines, height: Callable[[], int]) -> None:
        super().__init__()
        self._lines = lines
        self._height = height
        self._count = 0
        self._laid_out: tuple[int, list[Line]] | None = None

    def update(self) -> bool:
        """Take what has come; return whether it is another number of lines."""
        before, self._count = self._count, len(self._lines(None, None))
        self._laid_out = None
        self.invalidate()
        return self._count != before

    @property
    def count(self) -> int:
        return self._count

    @property
    def weight(self) -> int:
        return 0  # it grows after it was added

    def line(self, index: int) -> Line:
        return self._lines(None, None)[index]

    def draw(self, index: int, width: int) -> list[Line]:
        """Make the row, or none where fewer are shown than there are."""
        if self._laid_out is None or self._laid_out[0] != width:
            self._laid_out = width, self._lines(width, max(2, self._height()))
        lines = self._laid_out[1]
        return [lines[index]] if index < len(lines) else []
