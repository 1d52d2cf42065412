"""The session, which both interactive front ends share: one client, its shell, the machine's state.

Knows no terminal and no event loop. The owner of the loop calls `poll()` when the descriptor is
ready or `wait()` seconds have passed; everything that happens is reported through the
SessionListener and the closures given to `start()`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from qmpsh.advice import Advice, nothing
from qmpsh.client.client import Client
from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.hints import Fault, Fragment, find_faults, hint
from qmpsh.errors import INTERRUPTED, QmpshError
from qmpsh.language.reader import Split, split_lines
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.schema.model import Schema
from qmpsh.shell.interpreter import Shell
from qmpsh.shell.machine import Machine
from qmpsh.shell.preferences import completable, preferences_of
from qmpsh.shell.progress import Work
from qmpsh.shell.session.connection import ConnectionManager, Tone
from qmpsh.shell.session.owned_vm import LOOK, OwnedVm, is_over, part
from qmpsh.shell.session.queries import BackgroundQueries
from qmpsh.shell.settings import Prompt, Settings, list_paths
from qmpsh.shell.steps import Answer, Note, Outcome, Show, Steps, Task
from qmpsh.shell.waiting.rules import BY_COMMAND
from qmpsh.shell.wirelog import log_of

TYPED = 20
"""lines kept for the report of a crash"""

LONGEST = 20_000
"""characters of a line that is read at each key; a longer one was pasted"""


class SessionListener(Protocol):
    """What an interactive front end is informed of; each call is cheap and must not block."""

    @property
    def advice(self) -> Advice:
        """Guards what the session does unasked."""

    def event(self, event: Event) -> None:
        """An event came."""

    def stray(self, reply: Reply | ErrorReply) -> None:
        """A reply came that belongs to no command of ours."""

    def refresh(self) -> None:
        """Something known of the machine changed: draw the status line again."""

    def facts(self) -> None:
        """Values of the VM came that a completion missed: it is worth trying again."""

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """`.events`: show only events whose names fit one of the patterns, all without one."""

    def lost(self, error: QmpshError) -> None:
        """The connection ended; called once for each. `session.machine.farewell` may say how."""

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """Something to say that no line asked for; not yet safe to show."""

    def columns(self) -> int:
        """Columns that a text has where it is shown."""


class RunningLine:
    """A line that was started: what it is, and whom to inform."""

    __slots__ = ("ended", "line", "task")

    def __init__(self, line: str, task: Task, ended: Callable[[Outcome], None]) -> None:
        self.line = line
        self.task = task
        self.ended = ended


class Session:
    """An interactive session with one server.

    client: greeted and negotiated; address: as the user gave it; schema: given beforehand.
    """

    def __init__(
        self,
        client: Client,
        settings: Settings,
        watcher: SessionListener,
        address: str,
        schema: Schema | None = None,
    ) -> None:
        self.client = client
        self.machine = Machine(address, client.greeting)
        if client.dialect.guest:
            self.machine.server = client.dialect.name
        self.shell = Shell(client, settings._replace(interactive=True), self.machine, schema)
        self.typed: deque[str] = deque(maxlen=TYPED)
        self.shell.filter_events = watcher.filter_events
        self._events = self.shell.hear_events()
        self.shell.columns = watcher.columns
        self.shell.warn = partial(watcher.remark, tone=Tone.ALARMING)
        log = log_of(client)
        if log is not None:
            log.warn = self.shell.warn
        self.preferences = preferences_of(self.shell)
        self.catalog = Catalog()
        self.catalog.settings = completable(self.preferences)
        self.running: RunningLine | None = None
        self._watcher = watcher
        self._detached: list[RunningLine] = []
        self._own: OwnedVm | None = None
        self.life = self.shell.link = ConnectionManager(client, self.machine, watcher, self._adopt)
        self.catalog.paths = list_paths
        self.catalog.ends = frozenset(BY_COMMAND)
        self.inquiry = BackgroundQueries(self.shell, self.machine, self.catalog, watcher)
        client.subscriber = self._hear
        self.inquiry.attach(client)

    def own(self, vm: OwnedVm | None) -> None:
        """The VM lives for this session: what it prints is shown, and leaving asks about it."""
        self._own = self.life.own = vm

    @property
    def asks_to_leave(self) -> bool:
        """Whether leaving the shell takes a line, `.exit`, since it asks something."""
        return self._own is not None and not is_over(self._own, self.machine)

    @property
    def prompt(self) -> Prompt:
        """`(QEMU) `, `(guest) `, `(hmp) ` or `TRANS> `."""
        return self.shell.prompt

    @property
    def read_only(self) -> bool:
        """Whether nothing is sent that may change something."""
        return self.shell.settings.read_only

    @property
    def works(self) -> list[Work]:
        """What the machine is working on, the one to show first."""
        return self.inquiry.works()

    def split(self, text: str) -> Split:
        """What was typed or pasted as lines; Enter goes on to another row of the last, if it has a
        rest.
        """
        return split_lines(text, self.shell.mode)

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        """Candidates at the cursor (an offset into text, in characters).

        What the VM must be asked for first is missing; `SessionListener.facts` says when it came.
        asked: by the user; else nothing is put to the VM that could do it harm.
        """
        if len(text) > LONGEST:
            return []
        self.catalog.facts.now = time.monotonic()
        found = complete(text, cursor, self.catalog, self.shell.mode)
        self._ask_facts(harmless=not asked)
        return found

    def hint(self, text: str, cursor: int) -> list[Fragment]:
        """The signature of what is being typed or the fault in it, as (role, text); [] for none.

        Also asks ahead for the values that a completion here would want.
        """
        if len(text) > LONGEST:
            return []
        self.catalog.facts.now = time.monotonic()
        prefetch(text, cursor, self.catalog, self.shell.mode)
        self._ask_facts(harmless=True)
        faults = self.faults(text)
        if faults:
            return [("hint.error", faults[0].message)]
        return hint(text, cursor, self.catalog, self.shell.mode)

    def faults(self, text: str) -> list[Fault]:
        """What is wrong with the line so far, for its colours."""
        return find_faults(text, self.catalog, self.shell.mode) if len(text) <= LONGEST else []

    def start(self, line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        """Run one logical line; `show` and `ended` may be called before this returns.

        Only while nothing runs (`running` is None).
        """
        self.catalog.facts.forget()
        self.typed.append(line)
        task = Task(self._steps(line), partial(self._show, show))
        self.running = RunningLine(line, task, ended)
        self.poll()

    def _show(self, show: Show, item: Answer | Note) -> None:
        if isinstance(item, Answer) and item.redirect is None:
            self.shell.last_answer = item
        show(item)

    def interrupt(self) -> bool:
        """Ctrl-C: let go of the running line; its reply is shown when it comes.

        Returns False when nothing was running and no transaction was open.
        """
        if self.running is None:
            return self.shell.abandon_transaction()
        running, self.running = self.running, None
        if running.task.stops:
            running.task.cancel()
            running.ended(Outcome(INTERRUPTED))
        else:
            self._detached.append(running)
        return True

    def fileno(self) -> int:
        """The descriptor to watch: reading always, writing while `wants_write`; -1 for none."""
        return self.life.fileno()

    @property
    def serial(self) -> int:
        """Grows with each descriptor: another one may bear the number of the last."""
        return self.life.serial

    @property
    def wants_write(self) -> bool:
        """Whether there is output that the socket did not take yet."""
        return self.life.wants_write

    def wait(self) -> float | None:
        """Seconds after which poll() is due even if the descriptor stays quiet; None for never."""
        now = time.monotonic()
        waits = [running.task.timeout(now) for running in self._lines()]
        waits.append(self.life.wait(now))
        waits.append(None if self.client.due is None else max(0.0, self.client.due - now))
        waits += self.inquiry.due(now)
        waits.append(None if self._own is None else LOOK)
        return min((wait for wait in waits if wait is not None), default=None)

    def poll(self) -> None:
        """Read and write what is there, and let everything go on that can."""
        if not self.client.closed:
            self.client.poll(0)
        self._advance()
        if self.client.closed:
            self.inquiry.part()
            self.life.poll(time.monotonic())
            self._advance()
        else:
            self.inquiry.poll()
        self._listen()

    def close(self) -> None:
        """Give up the connection."""
        self.client.subscriber = None
        self.life.close()

    def _steps(self, line: str) -> Steps:
        outcome = yield from self.life.steps(line, self.shell)
        if outcome.leave and self._own is not None:
            return (yield from part(self._own, self.client, self.machine))
        return outcome

    def _listen(self) -> None:
        """Tell what a VM of ours has printed."""
        said = self._own.words() if self._own is not None else ""
        if said:
            self._watcher.remark(said, Tone.PRINTED)

    def _lines(self) -> list[RunningLine]:
        return self._detached + ([self.running] if self.running else [])

    def _advance(self) -> None:
        now = time.monotonic()
        for running in self._lines():
            if running.task.advance(now) and running.task.outcome is not None:
                self.inquiry.line_ended(running.line)
                if running is self.running:
                    self.running = None
                else:
                    self._detached.remove(running)
                running.ended(running.task.outcome)

    def _hear(self, message: Event | Reply | ErrorReply) -> None:
        if isinstance(message, Event):
            self._events.hear(message)
            self._watcher.advice.get("status", lambda: self.inquiry.hear(message), nothing)
            self._watcher.event(message)
            # All have looked at it; some may keep it.
            message.pack()
        else:
            self._watcher.stray(message)

    def _adopt(self, client: Client, *, anew: bool) -> None:
        """Go on with another connection. anew: it may be another server."""
        self.client = client
        self.shell.move(client, anew=anew or self.shell.introspection.schema is None)
        client.subscriber = self._hear
        self.inquiry.attach(client)
        self.inquiry.poll()

    def _ask_facts(self, *, harmless: bool) -> None:
        """Ask for what completion missed, while the line is free."""
        if self.running is None and not self.client.closed:
            self.inquiry.ask_facts(harmless=harmless)
