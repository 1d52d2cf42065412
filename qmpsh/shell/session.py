"""What both interactive front ends share: one client, its shell, what is known of the machine.

Knows no terminal and no event loop. Whoever owns the loop calls `poll()` when the descriptor is
ready or `wait()` seconds have passed; everything that happens is told through the Watcher and the
closures given to `start()`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.faults import Fault, find_faults
from qmpsh.complete.hint import Fragment, hint
from qmpsh.complete.live import Facts
from qmpsh.complete.sources import LOADS_MODULES, Query
from qmpsh.errors import QmpshError
from qmpsh.jsontypes import Json
from qmpsh.link.client import Client
from qmpsh.schema.model import Schema
from qmpsh.shell.background import Background, Question
from qmpsh.shell.files import list_paths
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.life import Life
from qmpsh.shell.machine import Machine
from qmpsh.shell.outcome import Outcome, Show, Task
from qmpsh.shell.progress import Progress, Work
from qmpsh.shell.setting import completable, preferences_of
from qmpsh.shell.settings import Settings
from qmpsh.shell.shell import Shell
from qmpsh.shell.verbs import VERBS
from qmpsh.wire.messages import Command, ErrorReply, Event, Reply

TYPED = 20
"""lines kept for the report of a crash"""

STATUS_INTERVAL = 0.5
"""seconds between two status refreshes at least: two a second at most"""


class Watcher(Protocol):
    """What an interactive front end wants to be told; each call is cheap and must not block."""

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

    def life(self, text: str, *, alarming: bool = False) -> None:
        """A remark on what becomes of the connection; not yet safe to show."""


class Running:
    """A line that was started: what it is, since when, and whom to tell."""

    __slots__ = ("ended", "line", "since", "task")

    def __init__(self, line: str, task: Task, ended: Callable[[Outcome], None]) -> None:
        self.line = line
        self.task = task
        self.ended = ended
        self.since = time.monotonic()


class Session:
    """client: greeted and negotiated; address: as the user gave it; schema: given beforehand."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        watcher: Watcher,
        address: str,
        schema: Schema | None = None,
    ) -> None:
        self.client = client
        self.machine = Machine(address, client.greeting)
        self.shell = Shell(client, settings._replace(interactive=True), self.machine, schema)
        self.typed: deque[str] = deque(maxlen=TYPED)
        self.shell.filter_events = watcher.filter_events
        self.preferences = preferences_of(self.shell)
        self.catalog = Catalog()
        self.catalog.settings = completable(self.preferences)
        self.running: Running | None = None
        self._watcher = watcher
        self._background = Background(client)
        self._progress = Progress()
        self._follows_work = False
        self._detached: list[Running] = []
        self._status_asked = float("-inf")
        self.life = self.shell.link = Life(client, self.machine, watcher, self._adopt)
        self._learning: Task | None = None
        self.catalog.paths = list_paths
        self.catalog.verbs = {name: verb.summary for name, verb in VERBS.items()}
        client.subscriber = self._hear
        self._ask_around()

    @property
    def prompt(self) -> str:
        """`(QEMU) `, `(hmp) ` or `TRANS> `."""
        return self.shell.prompt

    @property
    def works(self) -> list[Work]:
        """What the machine is working on, the one to show first; followed from the first look on:
        a front end that does not show it costs the VM no question.
        """
        self._follows_work = True
        return self._progress.works()

    def needs_more(self, text: str) -> bool:
        """Whether Enter should go on to another line of the same command."""
        return self.shell.needs_more(text)

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        """Candidates at the cursor (an offset into text, in characters).

        What the VM must be asked for first is missing; Watcher.facts() tells when it has come.
        asked: by the user; else nothing is put to the VM that could do it harm.
        """
        facts = self.catalog.facts
        facts.now = time.monotonic()
        found = complete(text, cursor, self.catalog, self.shell.mode)
        if not asked:
            self._want_only_harmless()
        self._ask_facts()
        return found

    def hint(self, text: str, cursor: int) -> list[Fragment]:
        """The signature of what is being typed or the fault in it, as (role, text); [] for none.

        Also asks ahead for the values that a completion here would want.
        """
        facts = self.catalog.facts
        facts.now = time.monotonic()
        prefetch(text, cursor, self.catalog, self.shell.mode)
        self._want_only_harmless()
        self._ask_facts()
        faults = self.faults(text)
        if faults:
            return [("hint.error", faults[0].message)]
        return hint(text, cursor, self.catalog, self.shell.mode)

    def faults(self, text: str) -> list[Fault]:
        """What is wrong with the line so far, for its colours."""
        return find_faults(text, self.catalog, self.shell.mode)

    def start(self, line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        """Run one logical line; `show` and `ended` may be called before this returns.

        Only while nothing runs (`running` is None).
        """
        self.catalog.facts.forget()
        self.typed.append(line)
        self.running = Running(line, Task(self.life.steps(line, self.shell), show), ended)
        self.poll()

    def interrupt(self) -> bool:
        """Ctrl-C: let go of the running line; its reply is shown when it comes.

        Returns False when nothing was running and no transaction was open.
        """
        if self.running is None:
            return self.shell.abandon_transaction()
        running, self.running = self.running, None
        if running.task.asking is not None:
            running.task.cancel()
            running.ended(Outcome(130))
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
        if self.machine.stale and self.machine.connected:
            waits.append(max(0.0, self._status_asked + STATUS_INTERVAL - now))
        if self._may_ask_about_work:
            waits.append(self._progress.due(now))
        return min((wait for wait in waits if wait is not None), default=None)

    def poll(self) -> None:
        """Read and write what is there, and let everything go on that can."""
        if not self.client.closed:
            self.client.poll(0)
        self._advance()
        if self.client.closed:
            self._end_learning()
            self.life.poll(time.monotonic())
            self._advance()
        else:
            self._refresh_status()
            self._ask_about_work()
            if self._background.tick():
                self._watcher.refresh()
            self._learn()

    def close(self) -> None:
        """Give up the connection."""
        self.client.subscriber = None
        self.life.close()

    def _lines(self) -> list[Running]:
        return self._detached + ([self.running] if self.running else [])

    def _advance(self) -> None:
        now = time.monotonic()
        for running in self._lines():
            if running.task.advance(now) and running.task.outcome is not None:
                if "migrate" in running.line:
                    self._progress.suspect_migration()
                if running is self.running:
                    self.running = None
                else:
                    self._detached.remove(running)
                running.ended(running.task.outcome)

    def _hear(self, message: Event | Reply | ErrorReply) -> None:
        if isinstance(message, Event):
            self.machine.hear(message)
            self._progress.hear(message, time.monotonic())
            self._watcher.event(message)
        else:
            self._watcher.stray(message)

    def _adopt(self, client: Client, *, anew: bool) -> None:
        """Go on with another connection. anew: it may be another server."""
        self.client = client
        self.shell.move(client, anew=anew or self.shell.introspection.schema is None)
        self.catalog.facts = Facts()
        self._background = Background(client)
        client.subscriber = self._hear
        self._ask_around()
        self._background.tick()

    def _end_learning(self) -> None:
        """Whoever waits for what was being learnt must not wait for ever; nobody works now."""
        self._progress = Progress()
        if self._learning is not None:
            self._learning.advance(time.monotonic())
            self._learning = None

    def _ask_around(self) -> None:
        """What a status line and a completion want to know, cheapest first."""
        machine, catalog = self.machine, self.catalog
        for command, learn in (
            (Command("query-name"), machine.learn_name),
            (Command("query-uuid"), machine.learn_uuid),
            (Command("query-status"), machine.learn_status),
            (hmp_command("help"), catalog.learn_hmp),
            (hmp_command("help info"), catalog.learn_hmp_info),
        ):
            self._background.ask(Question(command, learn))

    def _want_only_harmless(self) -> None:
        facts = self.catalog.facts
        facts.wanted = [query for query in facts.wanted if query.command not in LOADS_MODULES]

    def _ask_facts(self) -> None:
        """Put the questions that completion missed to the VM, once the line is free."""
        facts = self.catalog.facts
        free = self.running is None and not self.client.closed
        if free and self._has_learnt and self.shell.introspection.live:
            for query in facts.take_wanted():
                command = Command(query.command, dict(query.arguments) or None)
                self._background.ask(Question(command, partial(self._learn_fact, query)))
            self._background.tick()

    def _learn_fact(self, query: Query, value: Json) -> None:
        self.catalog.facts.learn(query, value)
        self._watcher.facts()

    @property
    def _has_learnt(self) -> bool:
        return self._learning is not None and self._learning.outcome is not None

    def _learn(self) -> None:
        """Let the schema come once the small questions are answered; tell when it is there."""
        if self._learning is None:
            if self._background.idle and not self.client.in_flight:
                self._learning = Task(self.shell.introspection.learn(), lambda _: None)
            else:
                return
        if self._learning.outcome is None and self._learning.advance(time.monotonic()):
            introspection = self.shell.introspection
            self.catalog.learn(introspection.commands, introspection.schema)
            self.catalog.manual = introspection.manual()
            self._watcher.refresh()

    @property
    def _may_ask_about_work(self) -> bool:
        wanted = self._follows_work and self.shell.introspection.live
        return wanted and self._has_learnt and self.machine.connected

    def _ask_about_work(self) -> None:
        """How far jobs and migration are, while there are any."""
        now = time.monotonic()
        name = self._progress.take_question(now) if self._may_ask_about_work else None
        if name is not None:
            self._background.ask(Question(Command(name), partial(self._learn_work, name)))

    def _learn_work(self, name: str, value: Json) -> None:
        self._progress.learn(name, value, time.monotonic())

    def _refresh_status(self) -> None:
        now = time.monotonic()
        if self.machine.stale and now >= self._status_asked + STATUS_INTERVAL:
            self.machine.ask_status()
            self._status_asked = now
            self._background.ask(Question(Command("query-status"), self.machine.learn_status))
