"""The content of the output pane: commands, their answers, and the shell's remarks.

Builds blocks and puts them into a store; knows neither the session nor the application.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.errors import QmpshError
from qmpsh.shell.outcome import Answer
from qmpsh.tui.blocks import Fold, Foldable, Heading, Lines, Marked, head_lines
from qmpsh.tui.eventlog import EventBlock
from qmpsh.tui.lexing import bare_echo_lines
from qmpsh.tui.store import Block, Store
from qmpsh.tui.viewport import Viewport
from qmpsh.view.answers import Body, Kind, cost, error_body, text_body
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.jsontext import pretty
from qmpsh.view.safe import visible_word
from qmpsh.view.theme import Line, plain
from qmpsh.view.units import number, size

LIMIT = 200_000
"""lines kept, folded ones included"""

TRANSCRIPT = 1000
"""lines printed to the normal screen when the shell ends"""

Highlight = Callable[[str, str], list[Line]]
"""Returns a line's physical lines styled, given prompt and line; the first includes the prompt."""


class Echo:
    """A command line in the output, with the answers that belong to it."""

    __slots__ = ("answered", "block", "line")

    def __init__(self, line: str, block: Lines) -> None:
        self.line = line
        self.block = block
        self.answered = False


class Output:
    """The output pane's blocks. highlight: styles a line as it was while typed."""

    def __init__(
        self,
        glyphs: Glyphs,
        highlight: Highlight,
        limit: int = LIMIT,
        advice: Advice = UNGUARDED,
    ) -> None:
        self.advice = advice
        self.store = Store(limit, "lines", advice=advice)
        self.view = Viewport(self.store)
        self.last_reply: Foldable | None = None
        self.glyphs = glyphs
        self._highlight = highlight

    def echo(self, prompt: str, line: str) -> Echo:
        """Add a command line as typed; what follows belongs to it."""
        shown = self.advice.get(
            "colours",
            lambda: self._highlight(prompt, line),
            lambda: bare_echo_lines(prompt, line),
        )
        block = Heading(self._spaced(shown))
        self.store.append(block)
        # The first line as shown: the typed one may contain a secret.
        return Echo(plain(shown[0]).removeprefix(prompt), block)

    def head(self, echo: Echo, text: str) -> None:
        """Add a heading for answers to a line not right above. text: says whose they are."""
        echo.block = Heading(self._spaced([[("dim", visible_word(text))]]))
        echo.answered = False
        self.store.append(echo.block)

    def stamp(self, echo: Echo, answer: Answer) -> None:
        """Show an answer's time and size: beside its line, or on a separate line further down."""
        right: Line = [("dim", cost(answer))] if cost(answer) else []
        if not echo.answered:
            echo.block.finish(right)
        else:
            # The line already had an answer: say what this one belongs to.
            name = answer.command or echo.line
            title: Line = [("dim", visible_word(name))]
            self.store.append(Heading(self._spaced([title]), right))
        echo.answered = True

    def reply(self, body: Body, size_on_wire: int = 0) -> None:
        """Add the text of an answer, folded if longer than the screen."""
        if body.lines:
            self.last_reply = Foldable(body, self._fold(body, size_on_wire))
            self.store.append(self.last_reply)

    def event(self, block: EventBlock) -> None:
        """Add a whole event as the server sent it."""
        self.store.append(Heading(self._spaced([[("dim", "event "), *block.head()]])))
        self.reply(Body(pretty(block.event.raw).split("\n"), Kind.JSON))

    def note(self, text: str, kind: Kind = Kind.DIM) -> None:
        """Add a remark by the shell. text: any."""
        self._add(text_body(text, kind))

    def error(self, error: QmpshError) -> None:
        """Add an error."""
        body = error_body(error)
        if body.kind is Kind.MARKED:
            self.store.append(Marked(body))
        else:
            self._add(body)

    def _add(self, body: Body) -> None:
        if body.lines:
            self.store.append(Foldable(body))

    def _spaced(self, lines: list[Line]) -> list[Line]:
        """Return the lines with a blank line before them, unless they are the first."""
        return [[], *lines] if self.store.blocks else lines

    def _fold(self, body: Body, size_on_wire: int) -> Fold | None:
        # Leave room for the echo above the reply and the blank line before it.
        height = max(2, self.view.height - 2)
        head = head_lines(body, self.view.width, height)
        if head is None:
            return None
        hidden = len(body.lines) - head
        # A single line may by itself be longer than the screen.
        what = f"{self.glyphs.more} {number(hidden)} more lines" if hidden else "a long line"
        if size_on_wire:
            what += f", {size(size_on_wire)}"
        between = f" {self.glyphs.dot} "
        words = [what, "F4 unfolds", "F5 pager"]
        notices = tuple([("dim", between.join(words[:count]))] for count in (3, 2, 1))
        return Fold(head, height - 1, notices)


def transcript(store: Store, width: int, limit: int = TRANSCRIPT) -> list[Line]:
    """Return the last lines of a store, unwrapped, for the normal screen."""
    lines: list[Line] = []
    for block in reversed(store.blocks):
        for index in reversed(range(block.count)):
            lines.append(store.advice.get("transcript", partial(_line, block, index, width), list))
            if len(lines) >= limit:
                return lines[::-1]
    return lines[::-1]


_HOW_TO_LEAVE = re.compile(r"(\.?)[; ]+Ctrl-D leaves\.$")


def _after_leaving(line: Line) -> Line:
    """A line without its invitation to leave: on the normal screen Ctrl-D ends the user's shell.

    A reply, which is styled as JSON or not at all, keeps its words.
    """
    if not line or not line[-1][0] or line[-1][0].startswith("json."):
        return line
    role, text = line[-1]
    return [*line[:-1], (role, _HOW_TO_LEAVE.sub(".", text))]


def _line(block: Block, index: int, width: int) -> Line:
    return _beside(_after_leaving(block.unwrapped(index, width)), block.right(index), width)


def _beside(left: Line, right: Line, width: int) -> Line:
    if not right:
        return left
    used = sum(len(text) for _, text in left + right)
    return [*left, ("", " " * max(2, width - used)), *right]
