"""The replies in the output: which one the keys act on, and how far short ones are folded.

The keys act on the reply that the user has moved to, else on the one that fills most of the view
while he has scrolled back, else on the last. Its fold alone names the keys. Pure.
"""

from __future__ import annotations

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.theme import Line
from qmpsh.ui.common.wrap import line_width
from qmpsh.ui.screen.store import Block, Fold, Foldable, Heading, Store, head_lines
from qmpsh.ui.screen.viewport import Viewport

if TYPE_CHECKING:
    from collections.abc import Callable

    from qmpsh.render.answers import AnswerBody

MAX_OPENED = 100
"""folds looked at when the window grows, the newest: each takes up to a millisecond"""

UNNAMED = "the reply"
"""what a reply is called that belongs to no line"""


class ReplyBlock(Foldable):
    """The text of an answer. name: of what was run; is_target: whether the keys act on it"""

    __slots__ = ("is_target", "name")

    def __init__(self, body: AnswerBody, fold: Fold | None = None, name: str = "") -> None:
        super().__init__(body, fold)
        self.name = name or UNNAMED
        self.is_target = False

    def notice(self, width: int) -> Line:
        """Return the line in place of what is folded; its shortest wording names no keys."""
        if self.fold is None or not self.is_target:
            return super().notice(0)
        fitting = (line for line in self.fold.notices if line_width(line) <= width)
        return next(fitting, super().notice(0))

    def is_short(self, width: int, height: int) -> bool:
        """Whether it is folded, but would not be now. width, height: of the view"""
        return (
            self.folded
            and self.weight < 2 * height
            and folded_head(self.body, width, height) is None
        )


class DrawingBlock(ReplyBlock):
    """A drawing, over which the next one of its line is drawn. height: rows of the view"""

    __slots__ = ("_height",)

    def __init__(self, body: AnswerBody, name: str, height: Callable[[], int]) -> None:
        super().__init__(body, name=name)
        self._height = height

    def redraw(self, body: AnswerBody) -> None:
        """Show another drawing. It may have more lines, which the store does not know then."""
        self.body = body
        self.invalidate()

    def draw(self, index: int, width: int) -> list[Line]:
        """Make the row, or none where the drawing has fewer for want of room."""
        if self.body.drawing is None:
            return super().draw(index, width)
        lines = self.body.drawing.lines(width, self._height())
        return [lines[index]] if index < len(lines) else []


class Aim:
    """The reply on which the keys act. last: the last reply; view: of the output"""

    def __init__(self, view: Viewport) -> None:
        self.last: ReplyBlock | None = None
        self._view = view
        self._target: ReplyBlock | None = None
        self._heading: Heading | None = None

    @property
    def target(self) -> ReplyBlock | None:
        """The reply; None where there is none."""
        view = self._view
        if view.focus is not None:
            return reply_of(view.store, view.focus)
        if view.is_following:
            return self.last
        return main_reply(view.store, view.top_line, view.bottom_line) or self.last

    @property
    def line(self) -> int:
        """The number of the line from which the previous and the next command line are meant."""
        focus, view = self._view.focus, self._view
        if focus is None or view.store.index_of(focus) < 0:
            return view.top_line
        return focus.heading_line if isinstance(focus, Heading) else focus.start

    def show(self) -> None:
        """Mark the command line that the user has moved to, and name the keys at the fold."""
        target, focus = self.target, self._view.focus
        if target is not self._target:
            for reply, is_target in ((self._target, False), (target, True)):
                if reply is not None:
                    reply.is_target = is_target
                    reply.invalidate()
            self._target = target
        heading = focus if isinstance(focus, Heading) else None
        if heading is not self._heading:
            for line, is_marked in ((self._heading, False), (heading, True)):
                if line is not None:
                    line.is_marked = is_marked
                    line.invalidate()
            self._heading = heading


def folded_head(body: AnswerBody, width: int, height: int) -> int | None:
    """Return how many lines of a reply a view of this size shows; None for all of them.

    A fold hides at least a third of the view, and leaves room for the command line and the blank
    above it.
    """
    return head_lines(body, width, rows_below_heading(height), -(-height // 3))


def rows_below_heading(height: int) -> int:
    """Return the rows of a view below a command line and the blank above it."""
    return max(2, height - 2)


def reply_of(store: Store, block: Block) -> ReplyBlock | None:
    """Return the reply that a block is, or that follows it before the next command line."""
    if isinstance(block, ReplyBlock):
        return block
    place = store.index_of(block)
    for index in range(place + 1, len(store.blocks) if place >= 0 else 0):
        found = store.blocks[index]
        if isinstance(found, Heading):
            return None
        if isinstance(found, ReplyBlock):
            return found
    return None


def main_reply(store: Store, top: int, bottom: int) -> ReplyBlock | None:
    """Return the reply that fills most of the lines from top to bottom, of equals the first."""
    found, most = None, 0
    for index in range(max(0, store.index_of_line(top)), len(store.blocks)):
        block = store.blocks[index]
        if block.start > bottom:
            break
        count = min(block.start + block.count, bottom + 1) - max(block.start, top)
        if isinstance(block, ReplyBlock) and count > most:
            found, most = block, count
    return found


def short_replies(store: Store, width: int, height: int) -> list[ReplyBlock]:
    """Return the folded replies that a view of this size shows whole."""
    folded = [block for block in store.blocks if isinstance(block, ReplyBlock) and block.folded]
    return [reply for reply in folded[-MAX_OPENED:] if reply.is_short(width, height)]


def heading_before(store: Store, line: int) -> Heading | None:
    """Return the nearest command line above a line; None if there is none."""
    for index in range(store.index_of_line(line), -1, -1):
        block = store.blocks[index]
        if isinstance(block, Heading) and block.heading_line < line:
            return block
    return None


def heading_after(store: Store, line: int) -> Heading | None:
    """Return the nearest command line below a line; None if there is none."""
    for index in range(max(0, store.index_of_line(line)), len(store.blocks)):
        block = store.blocks[index]
        if isinstance(block, Heading) and block.heading_line > line:
            return block
    return None
