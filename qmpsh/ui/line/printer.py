"""Prints what the session reports, and the results of each line."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.utils import is_dumb_terminal

from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import Event
from qmpsh.render.answers import AnswerBody, BodyKind, error_body, text_body
from qmpsh.render.theme import Glyphs, Line
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.reporter import EventFilter, Reporter
from qmpsh.ui.line.scrollback import Scrollback

COLOURED_CHARACTERS = 1024 * 1024
"""most of one text that are coloured: in more the colours are not read, but must be waited for"""


class Printer(Reporter[None]):
    """The output of the line prompt.

    wall:       Unix time
    last_reply: what keys may page, copy and save
    """

    def __init__(self, scrollback: Scrollback, glyphs: Glyphs, wall: Callable[[], float]) -> None:
        super().__init__(glyphs, scrollback.advice)
        self.last_reply: AnswerBody | None = None
        self._scrollback = scrollback
        self._wall = wall
        self._filter = EventFilter()

    def columns(self) -> int:
        return self._scrollback.columns()

    def _rows(self) -> int:
        return self._scrollback.rows()

    def note(self, text: str, kind: BodyKind = BodyKind.DIM) -> None:
        self._print(text_body(text, kind))

    def reply(self, body: AnswerBody, size_on_wire: int = 0) -> None:
        if body.lines:
            self.last_reply = body
        self._print(body)

    def _show_event(self, event: Event) -> None:
        if self._filter.matches(event.name):
            seconds = self._wall() if event.time is None else event.time
            self._scrollback.print_event(event, seconds)

    def _show_error(self, error: QmpshError) -> None:
        self._print(error_body(error, self.columns()))

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        self._filter = EventFilter(patterns)

    def begin(self, prompt: str, line: str) -> None:
        """Leave what the last line has drawn; this one is already on the terminal."""
        self._scrollback.keep_drawing()

    def draw(self, key: None, answer: Answer, body: AnswerBody) -> None:
        if is_dumb_terminal() or body.drawing is None:
            self.reply(text_body(answer.text or ""))
            return
        self.last_reply = body
        # A full row may wrap, and would then not be drawn over.
        self._scrollback.show_drawing(body.drawing.lines(self.columns() - 1))

    def _print(self, body: AnswerBody) -> None:
        width, indexes = self.columns(), range(len(body.lines))
        if sum(map(len, body.lines)) > COLOURED_CHARACTERS:
            self._scrollback.print([("", body.laid_out(index, width))] for index in indexes)
        else:
            self._scrollback.print(self._line(body, index, width) for index in indexes)
        if foot := body.foot(width):
            self._scrollback.print(foot)

    def _line(self, body: AnswerBody, index: int, width: int) -> Line:
        return self.advice.get(
            "output", lambda: body.line(index, width), lambda: [("", body.lines[index])]
        )
