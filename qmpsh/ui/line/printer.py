"""Prints what the session reports, and the results of each line.

The line prompt's counterpart of `ui.screen.output`, which puts the same into panes.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.render.answers import AnswerBody, BodyKind, answer_body, bare_body, error_body, text_body
from qmpsh.render.formats import compact
from qmpsh.render.theme import Glyphs, Line
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.steps import Answer, Note
from qmpsh.ui.line.scrollback import Scrollback
from qmpsh.ui.screen.events import EventFilter
from qmpsh.ui.screen.output import TONES, farewell

COLOURED = 1024 * 1024
"""characters of one text that are coloured: of more nobody reads the colours, all wait for them"""


class Printer:
    """The output of the line prompt: a `SessionListener`, and a `Presenter` for the runner.

    wall:       Unix time
    learned:    called when more is known of the machine
    completed:  called when values came that a completion lacked
    deliver:    takes an answer with a redirect; None if redirects are not supported
    last_reply: what keys may page, copy and save
    machine:    set once there is a session; its farewell says how the VM ended
    """

    def __init__(self, paper: Scrollback, glyphs: Glyphs, wall: Callable[[], float]) -> None:
        self.learned: Callable[[], None] = _nothing
        self.completed: Callable[[], None] = _nothing
        self.deliver: Callable[[Answer], None] | None = None
        self.last_reply: AnswerBody | None = None
        self.machine: Machine | None = None
        self.advice = paper.advice
        self._paper = paper
        self._glyphs = glyphs
        self._wall = wall
        self._filter = EventFilter()

    # ------------------------------------------------------------------ called by the session

    def event(self, event: Event) -> None:
        """See SessionListener."""
        if self._filter.shows(event.name):
            seconds = self._wall() if event.seconds is None else event.seconds
            self.advice.get(
                "events",
                lambda: self._paper.print_event(event, seconds),
                lambda: self._say(text_body(f"event {event.name}", BodyKind.DIM)),
            )

    def stray(self, reply: Reply | ErrorReply) -> None:
        """See SessionListener."""
        self._say(text_body("a reply that belongs to no command:", BodyKind.DIM))
        self._say(text_body(compact(reply.raw), BodyKind.JSON))

    def refresh(self) -> None:
        """See SessionListener."""
        self.learned()

    def facts(self) -> None:
        """See SessionListener."""
        self.completed()

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """See SessionListener."""
        self._filter = EventFilter(patterns)

    def lost(self, error: QmpshError) -> None:
        """See SessionListener."""
        if self.machine is not None:
            self._say(text_body(farewell(self.machine, error), BodyKind.WARNING))

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """See SessionListener."""
        self._say(text_body(text, TONES[tone]))

    def columns(self) -> int:
        """See SessionListener."""
        return self._paper.columns()

    # ------------------------------------------------------------------ called by the runner

    def begin(self, prompt: str, line: str) -> None:
        """See Presenter. The line is already on the terminal, where it was typed."""

    def show(self, key: None, item: Answer | Note) -> None:
        """See Presenter."""
        if isinstance(item, Note):
            self.remark(item.text)
        elif item.redirect is None or item.failed or self.deliver is None:
            self.reply(self._body(item))
        else:
            self.deliver(item)

    def _body(self, item: Answer) -> AnswerBody:
        def make() -> AnswerBody:
            return answer_body(item, more=self._glyphs.more)

        return self.advice.get("layout", make, lambda: bare_body(item))

    def error(self, error: QmpshError) -> None:
        """See Presenter."""
        self._say(error_body(error, self.columns()))

    # ------------------------------------------------------------------ what is printed

    def reply(self, body: AnswerBody) -> None:
        """Print the text of an answer, and keep it for the keys."""
        if body.lines:
            self.last_reply = body
        self._say(body)

    def _say(self, body: AnswerBody) -> None:
        """Print lines."""
        width, places = self.columns(), range(len(body.lines))
        if sum(map(len, body.lines)) > COLOURED:
            self._paper.print([("", body.laid_out(place, width))] for place in places)
        else:
            self._paper.print(self._line(body, place, width) for place in places)

    def _line(self, body: AnswerBody, place: int, width: int) -> Line:
        return self.advice.get(
            "output", lambda: body.line(place, width), lambda: [("", body.lines[place])]
        )


def _nothing() -> None:
    """Do nothing until the prompt exists."""
