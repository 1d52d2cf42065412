"""The scroll position in a store, and the rows visible from there.

The rule: follow the tail until the user scrolls, then never move the view. A place is a line's
number and a row within that line, so neither new lines nor a change of width lose it. Pure; a view
takes time only for the rows it shows, however long the store is.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.light_typing import NamedTuple
from qmpsh.render.theme import Line
from qmpsh.ui.screen.store import Block, Foldable, Store


class RowPosition(NamedTuple):
    """The position of a row in a store.

    line: its number in the store; row: index among its wrapped rows.
    """

    line: int
    row: int = 0


class LinePosition(NamedTuple):
    """The lines in view, from 1: the first, the last, and how many there are."""

    first: int
    last: int
    total: int


Mark = Callable[[int, list[Line]], list[Line]]
"""Returns the rows of a line with something highlighted, given its number and rows."""


Foot = Callable[[int], Line]
"""Returns the note on how many lines there are below."""


def _do_nothing() -> None:
    """Do nothing before a view is drawn."""


class Viewport:
    """A view of a store.

    store: the content
    mark:  highlights something in the rows, if set
    foot:  makes the last row while there are lines below, if set
    focus: what the user has moved to by name, not by rows; scrolling forgets it
    on_draw: called before each drawing, once its size is known
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.width = 80
        self.height = 1
        self.mark: Mark | None = None
        self.foot: Foot | None = None
        self.focus: Block | None = None
        self.on_draw: Callable[[], None] = _do_nothing
        self._top: RowPosition | None = None
        self._floor = 0
        self._seen = 0

    @property
    def is_following(self) -> bool:
        """Whether the newest line is kept in view."""
        return self._top is None

    @property
    def unseen(self) -> int:
        """Number of lines that came since the user left the tail."""
        return 0 if self._top is None else self.store.appended - self._seen

    def visible_rows(self, width: int, height: int) -> list[Line]:
        """Return the rows to show, at most `height` of them."""
        self.width, self.height = max(1, width), max(1, height)
        self.on_draw()
        place = self._shown_top()
        rows: list[Line] = []
        line, end = place.line, self.store.end
        while len(rows) < height and line < end:
            drawn = self.store.rows(line, self.width)
            if self.mark is not None:
                drawn = self.mark(line, drawn)
            rows += drawn[place.row if line == place.line else 0 :]
            line += 1
        is_cut = line < end or len(rows) > height
        if self.foot is not None and is_cut and height > 1:
            # The row that it replaces is the first one of the next page.
            rows[height - 1 :] = [self.foot(end - line + 1)]
        return rows[:height]

    def scroll(self, rows: int) -> None:
        """Move by rows, up if negative; reaching the tail follows it again."""
        self.focus = None
        target = self._moved(self._shown_top(), rows)
        self._go_to(target)

    def page(self, pages: int) -> None:
        """Move by screens; one row of the old screen stays in view."""
        self.scroll(pages * max(1, self.height - 1))

    def to_start(self) -> None:
        """Show the first line."""
        self.focus = None
        self._go_to(RowPosition(self.store.start))

    def to_tail(self) -> None:
        """Show the newest line, and follow."""
        self.focus = None
        self._top = None

    @property
    def top_line(self) -> int:
        """Number of the first line in view."""
        return self._shown_top().line

    @property
    def bottom_line(self) -> int:
        """Number of the last line in view."""
        return self._moved(self._shown_top(), self.height - 1).line

    @property
    def position(self) -> LinePosition | None:
        """Which lines are in view; None while the newest is."""
        if self._top is None:
            return None
        start = self.store.start - 1
        bottom = min(self.bottom_line, self.store.end - 1)
        return LinePosition(self.top_line - start, bottom - start, self.store.end - start - 1)

    def scroll_to(self, line: int, focus: Block | None = None) -> None:
        """Scroll so that a line is the first in view, or as far down as possible.

        focus: the block that the user moves to
        """
        self.focus = focus
        self._go_to(RowPosition(line))

    def stay(self) -> None:
        """Stay here even at the tail, since the user is looking at something."""
        if self._top is None:
            self._seen = self.store.appended
            self._top = self._tail()

    def show(self, line: int) -> None:
        """Bring a line into view with some lines above it; does nothing if it is visible."""
        top = self._shown_top()
        bottom = self._moved(top, self.height - 1)
        if not top <= RowPosition(line) <= bottom:
            self._go_to(self._moved(RowPosition(line), -(self.height // 3)))

    def clear(self) -> None:
        """Empty the view; earlier lines can be scrolled back to."""
        self._floor = self.store.end
        self.to_tail()

    def toggle(self, block: Foldable) -> None:
        """Fold or unfold a block. The first line in view stays in place if it is still shown; else
        the block's own first line takes its place.
        """
        if self.store.index_of(block) < 0:
            return  # it has been dropped
        top = self._shown_top()
        old_end = block.start + block.count
        block.toggle()
        self.store.renumber(block)
        new_end = block.start + block.count
        if top.line >= old_end:
            top = RowPosition(top.line + new_end - old_end, top.row)
        elif top.line >= new_end:
            top = RowPosition(block.start)
        self._go_to(top)

    def _go_to(self, top: RowPosition) -> None:
        if top >= self._tail():
            self._top = None
            return
        if self._top is None:
            self._seen = self.store.appended
        self._top = top

    def _shown_top(self) -> RowPosition:
        if self._top is None:
            return self._tail()
        return max(self._top, RowPosition(self.store.start))

    def _tail(self) -> RowPosition:
        """Return the top place that puts the very last row at the bottom of the view."""
        last = self.store.end - 1
        floor = max(self.store.start, self._floor)
        if last < floor:
            return RowPosition(floor)
        bottom = RowPosition(last, len(self.store.rows(last, self.width)) - 1)
        return max(self._moved(bottom, 1 - self.height), RowPosition(floor))

    def _moved(self, place: RowPosition, rows: int) -> RowPosition:
        """Return the place some rows further on, within the content."""
        line, row = place.line, place.row + rows
        start, last = self.store.start, self.store.end - 1
        while row < 0 and line > start:
            line -= 1
            row += len(self.store.rows(line, self.width))
        while line < last and row >= (have := len(self.store.rows(line, self.width))):
            row -= have
            line += 1
        return RowPosition(line, max(0, row))
