"""What a session asks the VM on its own: name and state, schema, live values, work in progress.

All of it goes through one background queue, never while a command of the user's is in flight, and
no error of it is ever shown.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Protocol

from qmpsh.advice import Advice, nothing
from qmpsh.complete.candidates import Catalog
from qmpsh.complete.live import Facts
from qmpsh.complete.sources import LOADS_MODULES, Query
from qmpsh.jsontypes import Json
from qmpsh.link.client import Client
from qmpsh.link.peer import replaced_program
from qmpsh.shell.background import Background, Question
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.machine import Machine
from qmpsh.shell.outcome import Answer, Note, Task
from qmpsh.shell.progress import Progress, Work
from qmpsh.shell.shell import Shell
from qmpsh.wire.messages import Command, Event

STATUS_INTERVAL = 0.5
"""seconds between two status refreshes at least: two a second at most"""


class Told(Protocol):
    """Who is told of what was learnt; see `session.Watcher`."""

    @property
    def advice(self) -> Advice: ...

    def refresh(self) -> None: ...

    def facts(self) -> None: ...


class Inquiry:
    """shell: what learns the schema; machine, catalog: what the answers fill in."""

    def __init__(self, shell: Shell, machine: Machine, catalog: Catalog, told: Told) -> None:
        self._shell = shell
        self._machine = machine
        self._catalog = catalog
        self._told = told
        self._progress = Progress()
        self._follows_work = False
        self._status_asked = float("-inf")
        self._learning: Task | None = None
        self._client: Client | None = None
        self._background: Background | None = None

    def attach(self, client: Client) -> None:
        """Begin on a connection: what a status line and a completion want, cheapest first."""
        self._client = client
        self._background = Background(client, self._told.advice)
        self._catalog.facts = self._shell.introspection.facts = Facts()
        self._catalog.replaced = partial(self._replaced, client)
        machine, catalog, dialect = self._machine, self._catalog, client.dialect
        for is_there, command, learn in (
            (dialect.named, Command("query-name"), machine.learn_name),
            (dialect.named, Command("query-uuid"), machine.learn_uuid),
            (dialect.status, Command("query-status"), machine.learn_status),
            (dialect.hmp, hmp_command("help"), catalog.learn_hmp),
            (dialect.hmp, hmp_command("help info"), catalog.learn_hmp_info),
        ):
            if is_there:
                self._background.ask(Question(command, learn))

    def part(self) -> None:
        """The connection is gone: nobody works now, and whoever waits to learn waits no longer."""
        self._progress = Progress()
        if self._learning is not None:
            self._learning.advance(time.monotonic())
            self._learning = None

    def poll(self) -> None:
        """Take in what was answered, ask what is due."""
        if self._background is None:
            return
        self._refresh_status(self._background)
        background = self._background
        self._told.advice.get("progress", lambda: self._ask_about_work(background), nothing)
        if self._background.tick(time.monotonic()):
            self._told.refresh()
        self._learn(self._background)

    def due(self, now: float) -> list[float | None]:
        """Seconds until something of this is due, None for never."""
        waits: list[float | None] = []
        if self._machine.stale and self._machine.connected:
            waits.append(max(0.0, self._status_asked + STATUS_INTERVAL - now))
        if self._may_ask_about_work:
            waits.append(
                self._told.advice.get("progress", lambda: self._progress.due(now), lambda: None)
            )
        if self._background is not None and self._machine.connected:
            waits.append(self._background.due(now))
        return waits

    def hear(self, event: Event) -> None:
        """Take in what an event says of the machine and of its work."""
        self._machine.hear(event)
        self._progress.hear(event, time.monotonic())

    def line_ended(self, line: str) -> None:
        """A line of the user's has ended; a migration is announced by nothing else."""
        if "migrate" in line:
            self._progress.suspect_migration()

    def works(self) -> list[Work]:
        """What the machine is working on; followed from the first look on: a front end that does
        not show it costs the VM no question.
        """
        self._follows_work = True
        return self._progress.works()

    @property
    def is_idle(self) -> bool:
        """Whether every question was answered."""
        return self._background is None or self._background.idle

    # ------------------------------------------------------------------ live values

    def ask_facts(self, *, harmless: bool) -> None:
        """Put the questions that completion missed to the VM.

        harmless: leave out those that could do it harm, nobody has asked for them
        """
        facts = self._catalog.facts
        if not LOADS_MODULES.isdisjoint(query.command for query in facts.wanted) and (
            harmless or self._shell.settings.read_only or self._catalog.replaced()
        ):
            facts.wanted = [query for query in facts.wanted if query.command not in LOADS_MODULES]
        if self._background is not None and self._has_learnt and self._shell.introspection.live:
            for query in facts.take_wanted():
                command = Command(query.command, dict(query.arguments) or None)
                self._background.ask(Question(command, partial(self._learn_fact, query)))
            self._background.tick(time.monotonic())

    @staticmethod
    def _replaced(client: Client) -> str:
        return "" if client.closed else replaced_program(client.address, client.fileno())

    def _learn_fact(self, query: Query, value: Json) -> None:
        self._catalog.facts.learn(query, value)
        self._told.facts()

    # ------------------------------------------------------------------ the schema

    @property
    def _has_learnt(self) -> bool:
        return self._learning is not None and self._learning.outcome is not None

    def _learn(self, background: Background) -> None:
        """Let the schema come once the small questions are answered; tell when it is there."""
        introspection = self._shell.introspection
        if self._learning is None:
            if not background.idle or self._client is None or self._client.in_flight:
                return
            self._learning = Task(introspection.learn(), self._relay)
        if self._learning.outcome is None:
            learning = self._learning
            self._told.advice.get("completion", lambda: self._go_on_learning(learning), nothing)

    def _go_on_learning(self, learning: Task) -> None:
        introspection = self._shell.introspection
        if learning.advance(time.monotonic()):
            self._catalog.learn(introspection.commands, introspection.schema)
            self._catalog.disabled = introspection.disabled
            self._catalog.manual = introspection.manual()
            self._told.refresh()

    def _relay(self, item: Answer | Note) -> None:
        """Pass on what was noted while learning."""
        if isinstance(item, Note):
            self._shell.warn(item.text)

    # ------------------------------------------------------------------ state and work

    @property
    def _may_ask_about_work(self) -> bool:
        wanted = self._follows_work and self._shell.introspection.live
        wanted = wanted and self._client is not None and not self._client.dialect.guest
        return wanted and self._has_learnt and self._machine.connected

    def _ask_about_work(self, background: Background) -> None:
        """How far jobs and migration are, while there are any."""
        name = self._progress.take_question(time.monotonic()) if self._may_ask_about_work else None
        if name is not None and name in (self._shell.introspection.commands or (name,)):
            background.ask(Question(Command(name), partial(self._learn_work, name)))

    def _learn_work(self, name: str, value: Json) -> None:
        self._progress.learn(name, value, time.monotonic())

    def _refresh_status(self, background: Background) -> None:
        now = time.monotonic()
        if self._machine.stale and now >= self._status_asked + STATUS_INTERVAL:
            self._machine.ask_status()
            self._status_asked = now
            if self._client is not None and self._client.dialect.status:
                background.ask(Question(Command("query-status"), self._machine.learn_status))
