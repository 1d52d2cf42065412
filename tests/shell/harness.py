"""A session on a real server, without a terminal, as a test drives it."""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.address import parse_address
from qmpsh.advice import UNGUARDED
from qmpsh.client.client import Client
from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome
from tests.waiting import PATIENCE, wait_until


class RecordingListener:
    """A listener that records what the session reports."""

    advice = UNGUARDED

    def __init__(self) -> None:
        self.events: list[str] = []
        self.strays: list[Reply | ErrorReply] = []
        self.losses: list[QmpshError] = []
        self.remarks: list[str] = []
        self.facts_came = 0
        self.patterns: list[tuple[str, ...]] = []

    def event(self, event: Event) -> None:
        self.events.append(event.name)

    def stray(self, reply: Reply | ErrorReply) -> None:
        self.strays.append(reply)

    def refresh(self) -> None:
        pass

    def facts(self) -> None:
        self.facts_came += 1

    def open_jobs(self) -> bool:
        return False

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        self.patterns.append(patterns)

    def connection_lost(self, error: QmpshError) -> None:
        self.losses.append(error)

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        self.remarks.append(f"! {text}" if tone is Tone.ALARMING else text)

    def columns(self) -> int:
        return 60


class SessionHarness:
    """A session, and what its lines have shown."""

    def __init__(self, path: str) -> None:
        self.listener = RecordingListener()
        client = Client.connect(parse_address(path))
        self.session = Session(client, Settings(), self.listener, path)
        self.shown: list[Answer | Note] = []

    def wait(self, what: str = "it", *, learnt: bool = False) -> None:
        """Poll until nothing runs (and until the schema and the machine are known)."""

        def done() -> bool:
            self.session.poll()
            catalog = self.session.catalog
            is_known = catalog.schema is not None and not self.session.queries.overview.is_open
            return self.session.running is None and (is_known or not learnt)

        wait_until(done, PATIENCE, what)

    def poll_until(self, holds: Callable[[], object]) -> None:
        """Poll until something holds."""

        def polled() -> object:
            self.session.poll()
            return holds()

        wait_until(polled)

    def run(self, line: str, choice: str = "") -> Outcome:
        """Type a line, answer its question, wait for its end."""
        outcomes: list[Outcome] = []
        self.session.start(line, self.shown.append, outcomes.append)
        running = self.session.running
        if running is not None and running.task.asking is not None:
            running.task.reply(choice)
        self.wait(line)
        return outcomes[0]

    def candidates(self, text: str) -> list[str]:
        """Candidates at the end of the text, live values included."""
        self.session.complete(text, len(text))
        self.poll_until(lambda: self.session.queries.is_idle)
        return [c.text for c in self.session.complete(text, len(text))]
