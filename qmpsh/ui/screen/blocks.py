"""The kinds of blocks in the output pane: fixed lines, a command's echo, a reply, the banner."""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.light_typing import NamedTuple
from qmpsh.render.answers import AnswerBody, windowed
from qmpsh.render.theme import Line
from qmpsh.ui.common.banner import Banner
from qmpsh.ui.common.wrap import line_width, wrap
from qmpsh.ui.screen.store import Block


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
    """The line above a reply: what was run."""

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

    __slots__ = ("_body", "_size", "fold", "folded")

    def __init__(self, body: AnswerBody, fold: Fold | None = None) -> None:
        super().__init__()
        self._body = body
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
        return len(self._body.lines)

    def line(self, index: int) -> Line:
        return self.unwrapped(index, None)

    def unwrapped(self, index: int, width: int | None) -> Line:
        """Return one line before wrapping; a table is laid out for the width."""
        if self.fold and self.folded and index == self.fold.head:
            return self.fold.notices[0]
        return self._body.line(index, width)

    def draw(self, index: int, width: int) -> list[Line]:
        if self.fold is None or not self.folded:
            return super().draw(index, width)
        if index == self.fold.head:
            fitting = (line for line in self.fold.notices if line_width(line) <= width)
            return [next(fitting, self.fold.notices[-1])]
        return super().draw(index, width)[: self.fold.rows]

    def texts(self) -> Sequence[str]:
        return self._body.lines

    def text(self) -> str:
        """Return all the text, folded or not, without a final newline."""
        return self._body.text()

    @property
    def is_table(self) -> bool:
        """Whether it is a table, which a pager must not wrap."""
        return self._body.table is not None

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


def head_lines(body: AnswerBody, width: int, height: int) -> int | None:
    """Return how many lines of a body to show if all need more than `height` rows, else None.

    One row is reserved for the line that says so; at least one line is shown.
    """
    rows = 0
    head = 0
    for index in range(len(body.lines)):
        rows += len(wrap([("", body.laid_out(index, width))], width))
        if rows > height:
            return max(1, head)
        if rows < height:
            head += 1
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
