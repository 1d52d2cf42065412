"""Puts into the panes what the session reports, and the results of each line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from qmpsh.advice import nothing
from qmpsh.errors import QmpshError
from qmpsh.shell.life import Tone
from qmpsh.shell.machine import Machine
from qmpsh.shell.outcome import Answer, Note
from qmpsh.tui.banner import Banner, BannerBlock
from qmpsh.tui.eventlog import EventLog
from qmpsh.tui.output import Echo, Output
from qmpsh.tui.runner import Whose
from qmpsh.tui.seam import Session
from qmpsh.view.answers import Body, Kind, answer_body, bare_body, text_body
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.jsontext import compact
from qmpsh.wire.messages import ErrorReply, Event, Reply

TONES = {Tone.QUIET: Kind.DIM, Tone.ALARMING: Kind.WARNING, Tone.PRINTED: Kind.PRINTED}

Redirect = Callable[[Answer], Awaitable[str]]
"""Sends an answer to its redirect; returns the text to show for it. Raises QmpshError."""


class Reporter:
    """A `Watcher` for the session and a `Presenter` for the runner.

    changed:   called after each piece of news
    learned:   called when more is known of the machine
    completed: called when values came that a completion lacked
    deliver:   takes an answer with a redirect
    """

    def __init__(self, output: Output, events: EventLog, glyphs: Glyphs) -> None:
        self.changed: Callable[[], None] = _nothing
        self.learned: Callable[[], None] = _nothing
        self.completed: Callable[[], None] = _nothing
        self.deliver: Callable[[Answer], None] = _ignore
        self.advice = output.advice
        self._output = output
        self._events = events
        self._glyphs = glyphs
        self._banner: BannerBlock | None = None
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """Take the new session and show the banner."""
        self._session = session
        self.advice.get("banner", lambda: self._greet(session), nothing)

    def _greet(self, session: Session) -> None:
        banner = BannerBlock(Banner(session.machine, session.catalog, self._glyphs))
        self._output.store.append(banner)
        self._banner = banner

    # ------------------------------------------------------------------ told by the session

    def event(self, event: Event) -> None:
        """See Watcher."""
        self.advice.get(
            "events",
            lambda: self._events.add(event),
            lambda: self._output.note(f"event {event.name}"),
        )
        self.changed()

    def stray(self, reply: Reply | ErrorReply) -> None:
        """See Watcher."""
        self._output.note("a reply that belongs to no command:")
        self._output.reply(text_body(compact(reply.raw), Kind.JSON), reply.size)
        self.changed()

    def refresh(self) -> None:
        """See Watcher."""
        if self._banner is not None:
            self.advice.get("banner", self._banner.renew, nothing)
        self.learned()
        self.changed()

    def facts(self) -> None:
        """See Watcher."""
        self.learned()
        self.completed()
        self.changed()

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """See Watcher."""
        self._events.only(patterns)
        self.changed()

    def lost(self, error: QmpshError) -> None:
        """See Watcher."""
        if self._session is not None:
            self._output.note(farewell(self._session.machine, error), Kind.WARNING)
        # The banner describes the connection that has ended.
        self._banner = None
        self.changed()

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """See Watcher."""
        self._output.note(text, TONES[tone])
        self.changed()

    def columns(self) -> int:
        """See Watcher."""
        return self._output.view.width

    # ------------------------------------------------------------------ told by the runner

    def begin(self, prompt: str, line: str) -> Echo:
        """See Presenter."""
        self._output.view.to_tail()
        return self._output.echo(prompt, line)

    def show(self, key: Echo, item: Answer | Note) -> None:
        """See Presenter."""
        if isinstance(item, Whose):
            self._output.head(key, item.text)
        elif isinstance(item, Note):
            self._output.note(item.text)
        else:
            self.advice.get("time and size", lambda: self._output.stamp(key, item), nothing)
            if item.redirect is None or item.failed:
                self._output.reply(self._body(item), item.size)
            else:
                self.deliver(item)
        self.changed()

    def _body(self, item: Answer) -> Body:
        def make() -> Body:
            return answer_body(item, more=self._glyphs.more)

        return self.advice.get("layout", make, lambda: bare_body(item))

    def error(self, error: QmpshError) -> None:
        """See Presenter."""
        self._output.error(error)
        self.changed()


def farewell(machine: Machine, error: QmpshError) -> str:
    """Return how the connection ended, in one line with text from the VM: not yet safe to show."""
    if machine.farewell:
        return f"{machine.farewell}: the VM has ended. {machine.prospect}"
    return f"connection lost: {error}. {machine.prospect}"


def _nothing() -> None:
    """Do nothing until the application exists."""


def _ignore(answer: Answer) -> None:
    """Ignore the answer: redirects are not supported here."""
