"""A session without a VM: the surface of `qmpsh.shell.session.session.Session`, its lines scripted.

News comes through a socket pair, so that it takes the way that real news takes: the event loop
finds the descriptor ready and calls poll().
"""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence

from qmpsh.address import UnixAddress
from qmpsh.advice import UNGUARDED
from qmpsh.client.client import Client, ClientOptions
from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.hints import Fault
from qmpsh.errors import INTERRUPTED, ConnectionLost, QmpshError
from qmpsh.jsontypes import JsonObject
from qmpsh.language.reader import LogicalLine, Split
from qmpsh.language.syntax import Mode, Modifiers
from qmpsh.language.verbs import BARE
from qmpsh.protocol.messages import Event, Greeting
from qmpsh.render.theme import Line
from qmpsh.shell.jobs import Allowance
from qmpsh.shell.machine import ConnectionState, Machine
from qmpsh.shell.overview.first import FirstOverview
from qmpsh.shell.preferences import Preferences
from qmpsh.shell.session.connection import ConnectionManager
from qmpsh.shell.session.job_watch import JobWatch
from qmpsh.shell.session.listener import SessionListener, Tone
from qmpsh.shell.session.session import RunningLine, Session
from qmpsh.shell.session.share import MonitorShare
from qmpsh.shell.settings import HMP_PROMPTS, Prompt, Settings
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Show, Steps, Task, WaitFor
from qmpsh.shell.work import JobEntry, Work
from tests.client.fakes import FakeStream

Script = Callable[["FakeSession"], Steps]

TABLE = Modifiers(formats=frozenset({"table"}))
WALL = 1_763_677_831.120
"""Unix time of events that have none of their own: 22:30:31 UTC"""

QUIT = Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))
GREETING = Greeting("7.2.22", "Debian 1:7.2+dfsg-7", ("oob",), {})


def event(name: str, later: float = 0.0, **data: str | int) -> Event:
    """Return an event that comes `later` seconds after WALL."""
    values: JsonObject = dict(data)
    return Event(name, values, WALL + later, {})


class Silent:
    """A listener that ignores all that the session reports."""

    advice = UNGUARDED

    def event(self, *_: object) -> None: ...
    def stray(self, *_: object) -> None: ...
    def refresh(self) -> None: ...
    def facts(self) -> None: ...
    def filter_events(self, *_: object) -> None: ...
    def connection_lost(self, *_: object) -> None: ...
    def remark(self, *_: object) -> None: ...

    def columns(self) -> int:
        return 80

    def open_jobs(self) -> bool:
        return False


class FakeConnection(ConnectionManager):
    """The connection of a session without a VM."""

    def __init__(self, session: FakeSession) -> None:
        self._session = session
        self.serial = 0

    def fileno(self) -> int:
        return self._session.fileno()

    @property
    def wants_write(self) -> bool:
        return self._session.wants_write

    def disconnect(self) -> None:
        self._session.disconnect()

    def resume(self) -> None:
        self._session.reconnect("reconnected to vm1 (QEMU 7.2.22)")


class FakeJobs(JobWatch):
    """The jobs of a session without a VM. listed: what there is"""

    silence = 0.0
    settings = Settings()
    allowance = Allowance()

    def __init__(self) -> None:
        self.listed: list[JobEntry] = []
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def entries(self) -> Sequence[JobEntry]:
        return self.listed


class FakeSession(Session):
    """script: what a line does, by its text; a line that is not there answers `{}`."""

    prompt: Prompt = "(QEMU) "
    read_only = False
    asks_to_leave = False
    overview: FirstOverview | None = None
    works: list[Work] = []  # noqa: RUF012 - overrides a property

    @property
    def mode(self) -> Mode:
        """As of a real session whose VM has no command with the name of a verb."""
        return Mode(
            hmp=self.prompt in HMP_PROMPTS,
            in_transaction=self.prompt.startswith("TRANS"),
            prompt=True,
            bare_verbs=frozenset(BARE),
            helps=True,
        )

    def __init__(self, watcher: SessionListener) -> None:
        self.connection = FakeConnection(self)
        self.watcher = watcher
        self.machine = Machine("./monitor.sock", GREETING)
        self.catalog = Catalog()
        self.preferences = Preferences()
        options = ClientOptions(negotiate=False)
        self.client = Client(FakeStream([]), UnixAddress("./monitor.sock"), options)
        self.client.stream.close()  # nothing is sent on it, and its descriptor would be left
        self.share = MonitorShare(watcher.remark, watcher.refresh, is_on=False, read_only=False)
        self.running: RunningLine | None = None
        self.works = []
        self.jobs: FakeJobs = FakeJobs()
        self.wants_write = False
        self.script: dict[str, Script] = {}
        self.candidates: list[Candidate] = []
        self.hints: dict[str, Line] = {}
        self.lines: list[str] = []
        self.typed = deque()
        self.replied: set[str] = set()
        self.closed = False
        self._detached: list[RunningLine] = []
        self._news: deque[Callable[[], None]] = deque()
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)

    # ------------------------------------------------------------------ what a test does

    def on_poll(self, news: Callable[[], None]) -> None:
        """Do something in the next turn, as if it had come from the VM."""
        self._news.append(news)
        # A full buffer wakes the other end as well as one byte more would.
        with contextlib.suppress(BlockingIOError):
            self._far.send(b"!")

    def send_event(self, event: Event) -> None:
        """Let an event arrive."""

        def arrive() -> None:
            self.machine.on_event(event)
            self.watcher.event(event)

        self.on_poll(arrive)

    def send_facts(
        self, name: str = "vm1", *, running: bool = False, status: str = "prelaunch"
    ) -> None:
        """Let the replies to the background queries arrive."""

        def refresh() -> None:
            self.machine.set_name({"name": name})
            self.machine.set_status({"status": status, "running": running})
            self.catalog.commands = tuple(f"command-{number}" for number in range(216))
            self.catalog.events = tuple(f"EVENT_{number}" for number in range(52))
            self.watcher.refresh()

        self.on_poll(refresh)

    def send_reply(self, line: str) -> None:
        """Let the reply arrive that a line's script holds back."""
        self.on_poll(lambda: self.replied.add(line))

    def drop_connection(self, error: QmpshError | None = None) -> None:
        """Let the connection end."""

        def drop() -> None:
            self.machine.connection = ConnectionState.WAITING
            self._new_descriptor()
            self.watcher.connection_lost(
                error or ConnectionLost("the server closed the connection")
            )

        self.on_poll(drop)

    def reconnect(self, text: str, name: str = "vm1", tone: Tone = Tone.QUIET) -> None:
        """Let a connection to the VM, or another one, be made; text: the remark on it."""

        def greet() -> None:
            self.machine.on_greeting(GREETING)
            self.machine.set_name({"name": name})
            self.machine.set_status({"status": "running", "running": True})
            self._new_descriptor()
            self.watcher.remark(text, tone)
            self.watcher.refresh()

        self.on_poll(greet)

    def _new_descriptor(self) -> None:
        """Another descriptor, as each connection has its own."""
        self._near.close()
        self._far.close()
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self.connection.serial += 1

    # ------------------------------------------------------------------ what a front end uses

    def split(self, text: str) -> Split:
        lines: list[LogicalLine] = []
        rest = ""
        for physical in text.split("\n"):
            rest = f"{rest}\n{physical}" if rest else physical
            if rest.count("{") <= rest.count("}"):
                lines += [LogicalLine(rest, 0)] if rest.strip() else []
                rest = ""
        return Split(lines, rest)

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        word = text[:cursor].rpartition(" ")[2]
        return [candidate for candidate in self.candidates if candidate.text.startswith(word)]

    def hint(self, text: str, cursor: int) -> Line:
        return self.hints.get(text, [])

    def faults(self, text: str) -> list[Fault]:
        return []

    def start(self, line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        self.lines.append(line)
        steps = self.script.get(line, answers(Answer("", value={}, size=14, seconds=0.0003)))
        self.running = RunningLine(line, Task(steps(self), show), ended)
        self.poll()

    def interrupt(self) -> bool:
        if self.running is None:
            was_open, self.prompt = self.prompt == "TRANS> ", "(QEMU) "
            return was_open
        running, self.running = self.running, None
        if running.task.asking is not None:
            running.task.cancel()
            running.ended(Outcome(INTERRUPTED))
        else:
            self._detached.append(running)
        return True

    def fileno(self) -> int:
        return self._near.fileno()

    def disconnect(self) -> None:
        self.machine.connection = ConnectionState.DISCONNECTED
        self.machine.disconnected_by_user = True

    def wait(self) -> float | None:
        return None

    def poll(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._near.recv(4096)
        while self._news:
            self._news.popleft()()
        for running in [*self._detached, *([self.running] if self.running else [])]:
            if running.task.advance(0.0) and running.task.outcome is not None:
                if running is self.running:
                    self.running = None
                else:
                    self._detached.remove(running)
                running.ended(running.task.outcome)

    def close(self) -> None:
        self.closed = True
        self._near.close()
        self._far.close()


# ------------------------------------------------------------------------ scripts of lines


def answers(*items: Answer | Note) -> Script:
    """The line yields these and ends well, or with 1 when one of them failed."""

    def steps(session: FakeSession) -> Steps:
        yield from items
        failed = any(isinstance(item, Answer) and item.failed for item in items)
        return Outcome(1 if failed else 0)

    return steps


def held(line: str, *items: Answer | Note) -> Script:
    """The same once `session.send_reply(line)` was called."""

    def steps(session: FakeSession) -> Steps:
        yield WaitFor(lambda: line in session.replied)
        yield from items
        return Outcome()

    return steps


def refused(error: QmpshError) -> Script:
    """The line ends with an error."""

    def steps(session: FakeSession) -> Steps:
        raise error
        yield  # makes this a generator

    return steps


def asks(question: Ask, done: Callable[[FakeSession, str], Outcome]) -> Script:
    """The line asks, and ends as `done` says."""

    def steps(session: FakeSession) -> Steps:
        choice = yield question
        return done(session, choice)

    return steps


def changes_prompt(*prompts: Prompt) -> Script:
    """The line sets the prompt to the one after the present one."""

    def steps(session: FakeSession) -> Steps:
        session.prompt = prompts[(prompts.index(session.prompt) + 1) % len(prompts)]
        return Outcome()
        yield  # makes this a generator

    return steps
