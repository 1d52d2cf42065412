"""Prints what the session reports, and the results of each line.

The line prompt's counterpart of `reporter`: it prints what the other puts into panes.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.errors import QmpshError
from qmpsh.shell.life import Tone
from qmpsh.shell.machine import Machine
from qmpsh.shell.outcome import Answer, Note
from qmpsh.tui.eventfilter import EventFilter
from qmpsh.tui.paper import Paper
from qmpsh.tui.reporter import TONES, farewell
from qmpsh.view.answers import Body, Kind, answer_body, bare_body, error_body, text_body
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.jsontext import compact
from qmpsh.view.theme import Line
from qmpsh.wire.messages import ErrorReply, Event, Reply

COLOURED = 1024 * 1024
"""characters of one text that are coloured: of more nobody reads the colours, all wait for them"""


class Printer:
    """A `Watcher` for the session and a `Presenter` for the runner.

    wall:       Unix time
    learned:    called when more is known of the machine
    completed:  called when values came that a completion lacked
    deliver:    takes an answer with a redirect; None if redirects are not supported
    last_reply: what keys may page, copy and save
    machine:    set once there is a session; its farewell tells how the VM ended
    """

    def __init__(self, paper: Paper, glyphs: Glyphs, wall: Callable[[], float]) -> None:
        self.learned: Callable[[], None] = _nothing
        self.completed: Callable[[], None] = _nothing
        self.deliver: Callable[[Answer], None] | None = None
        self.last_reply: Body | None = None
        self.machine: Machine | None = None
        self.advice = paper.advice
        self._paper = paper
        self._glyphs = glyphs
        self._wall = wall
        self._filter = EventFilter()

    # ------------------------------------------------------------------ told by the session

    def event(self, event: Event) -> None:
        """See Watcher."""
        if self._filter.shows(event.name):
            seconds = self._wall() if event.seconds is None else event.seconds
            self.advice.get(
                "events",
                lambda: self._paper.print_event(event, seconds),
                lambda: self._say(text_body(f"event {event.name}", Kind.DIM)),
            )

    def stray(self, reply: Reply | ErrorReply) -> None:
        """See Watcher."""
        self._say(text_body("a reply that belongs to no command:", Kind.DIM))
        self._say(text_body(compact(reply.raw), Kind.JSON))

    def refresh(self) -> None:
        """See Watcher."""
        self.learned()

    def facts(self) -> None:
        """See Watcher."""
        self.completed()

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """See Watcher."""
        self._filter = EventFilter(patterns)

    def lost(self, error: QmpshError) -> None:
        """See Watcher."""
        if self.machine is not None:
            self._say(text_body(farewell(self.machine, error), Kind.WARNING))

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """See Watcher."""
        self._say(text_body(text, TONES[tone]))

    def columns(self) -> int:
        """See Watcher."""
        return self._paper.columns()

    # ------------------------------------------------------------------ told by the runner

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

    def _body(self, item: Answer) -> Body:
        def make() -> Body:
            return answer_body(item, more=self._glyphs.more)

        return self.advice.get("layout", make, lambda: bare_body(item))

    def error(self, error: QmpshError) -> None:
        """See Presenter."""
        self._say(error_body(error, self.columns()))

    # ------------------------------------------------------------------ what is printed

    def reply(self, body: Body) -> None:
        """Print the text of an answer, and keep it for the keys."""
        if body.lines:
            self.last_reply = body
        self._say(body)

    def _say(self, body: Body) -> None:
        """Print lines."""
        width, places = self.columns(), range(len(body.lines))
        if sum(map(len, body.lines)) > COLOURED:
            self._paper.print([("", body.laid_out(place, width))] for place in places)
        else:
            self._paper.print(self._line(body, place, width) for place in places)

    def _line(self, body: Body, place: int, width: int) -> Line:
        return self.advice.get(
            "output", lambda: body.line(place, width), lambda: [("", body.lines[place])]
        )


def _nothing() -> None:
    """Do nothing until the prompt exists."""
