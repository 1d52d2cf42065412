"""What a session asks the VM on its own: name and state, schema, live values, work in progress.

All of it goes through one queue. One query is out at a time, and none while a command of the user's
is in flight: the server works in order, and the user must never wait for ours. Where the server
limits its requests per second, ours are spread, so that the user's have the room. An error is never
shown: under -preconfig, on a storage daemon or on StratoVirt many queries are refused (wire.md
sections 5 and 13).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial

from qmpsh.advice import UNGUARDED, Advice, nothing
from qmpsh.client.client import Client, Pending
from qmpsh.complete.candidates import Catalog
from qmpsh.complete.live import LOADS_MODULES, LiveQuery, LiveValues
from qmpsh.jsontypes import Json
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply
from qmpsh.shell.context import Context
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.introspection import load_all
from qmpsh.shell.machine import Machine
from qmpsh.shell.progress import Progress
from qmpsh.shell.session.listener import SessionListener
from qmpsh.shell.session.overview import OverviewQueries
from qmpsh.shell.steps import Answer, Note, Task
from qmpsh.shell.work import Work
from qmpsh.system.peer import replaced_program

RATE_SHARE = 5
"""what part of a server's requests a second may be ours: a fifth"""


class BackgroundQuery(NamedTuple):
    """A query of the session's own.

    command: what to ask; on_value: takes the value of the reply, None for a refusal
    on_refusal: takes the words of a refusal instead
    """

    command: Command
    on_value: Callable[[Json], None]
    on_refusal: Callable[[str], None] | None = None


class QueryQueue:
    """The queue of background queries, sent one at a time.

    client: whose connection is shared with the user's commands; advice: guards what is made of
    the answers.
    """

    def __init__(self, client: Client, advice: Advice = UNGUARDED) -> None:
        self._client = client
        self._advice = advice
        self._queue: deque[BackgroundQuery] = deque()
        self._asked: tuple[Pending, BackgroundQuery] | None = None
        self._next = float("-inf")  # when the rate allows the next query

    def ask(self, query: BackgroundQuery) -> None:
        """Queue a query, unless the same one is queued already."""
        if query not in self._queue:
            self._queue.append(query)

    @property
    def idle(self) -> bool:
        """Whether every query has been answered."""
        return self._asked is None and not self._queue

    def due(self, now: float) -> float | None:
        """Return the seconds until tick() may send something, if only the rate delays it."""
        if self._asked is not None or not self._queue or self._client.in_flight:
            return None
        return max(0.0, self._next - now)

    def tick(self, now: float) -> bool:
        """Use a reply that has come, and send the next query if nothing is in the way.

        Returns whether a reply has come.
        """
        has_reply = self._on_reply()
        if self.due(now) == 0.0:
            query = self._queue.popleft()
            self._asked = (self._client.submit(query.command), query)
            rate = self._client.dialect.rate
            self._next = now if rate is None else now + RATE_SHARE / rate
        return has_reply

    def _on_reply(self) -> bool:
        if self._asked is None or not self._asked[0].done:
            return False
        pending, query = self._asked
        self._asked = None
        self._advice.get("status", lambda: _hand_over(query, pending.reply), nothing)
        return True


def _hand_over(query: BackgroundQuery, reply: Reply | ErrorReply | None) -> None:
    if isinstance(reply, Reply):
        query.on_value(reply.value)
    elif query.on_refusal is not None:
        query.on_refusal(reply.desc if reply is not None else "")
    else:
        query.on_value(None)


SILENCE_SECONDS = 1.0
"""seconds between two frames of a list of jobs while the VM does not answer"""

STATUS_POLL_SECONDS = 0.5
"""seconds between two status refreshes at least: two a second at most"""


class BackgroundQueries:
    """The background queries of a session, and what becomes of their replies.

    context: what loads the schema; machine, catalog: what the answers fill in.
    """

    def __init__(
        self, context: Context, machine: Machine, catalog: Catalog, listener: SessionListener
    ) -> None:
        self._context = context
        self._machine = machine
        self._catalog = catalog
        self._listener = listener
        self.progress = Progress()
        self._has_manual = True
        self._follows_work = False
        self._status_asked = float("-inf")
        self._loading: Task | None = None
        self._client: Client | None = None
        self._background: QueryQueue | None = None
        self.overview = OverviewQueries(context, machine, listener.refresh)

    def attach(self, client: Client) -> None:
        """Begin on a connection: what a status line and a completion want, cheapest first."""
        if self._client is not None:
            self.overview.freeze()
        self._client = client
        self._background = QueryQueue(client, self._listener.advice)
        self._catalog.live = self._context.introspection.live_values = LiveValues()
        self._catalog.replaced = partial(self._replaced, client)
        machine, catalog, dialect = self._machine, self._catalog, client.dialect
        for is_there, command, on_value in (
            (dialect.named, Command("query-name"), machine.set_name),
            (dialect.named, Command("query-uuid"), machine.set_uuid),
            (dialect.status, Command("query-status"), machine.set_status),
            (dialect.hmp, hmp_command("help"), catalog.set_hmp),
            (dialect.hmp, hmp_command("help info"), catalog.set_hmp_info),
        ):
            if is_there:
                self._background.ask(BackgroundQuery(command, on_value))

    def on_connection_lost(self) -> None:
        """Forget the work under way, and the queries whose replies will not come."""
        self.progress.on_connection_lost()
        self.overview.freeze()
        if self._loading is not None:
            self._loading.advance(time.monotonic())
            self._loading = None

    def poll(self, *, held_back: bool = False) -> None:
        """Use the replies that have come, and send what is due.

        held_back: leave what a first frame does not need for a later call
        """
        if self._background is None:
            return
        self._refresh_status(self._background)
        background = self._background
        self._listener.advice.get("progress", lambda: self._ask_about_work(background), nothing)
        now = time.monotonic()
        if self._background.tick(now) or self._is_silent(now):
            self._listener.refresh()
        self._load_schema(self._background)
        if held_back:
            return
        if self._has_loaded and not self._has_manual:
            self._has_manual = True
            self._listener.advice.get("completion", self._load_manual, nothing)
        if self.overview.is_open and self._has_loaded:
            survey, end = partial(self._survey, background), self.overview.freeze
            self._listener.advice.get("overview", survey, end)

    def _survey(self, background: QueryQueue) -> None:
        def ask(
            command: Command, on_value: Callable[[Json], None], on_refusal: Callable[[str], None]
        ) -> None:
            background.ask(BackgroundQuery(command, on_value, on_refusal))

        if self._client is not None:
            self.overview.poll(self._client, ask)

    def due(self, now: float) -> list[float | None]:
        """Return the seconds until each of the queries is due, None for never."""
        waits: list[float | None] = []
        if self._machine.stale and self._machine.connected:
            waits.append(max(0.0, self._status_asked + STATUS_POLL_SECONDS - now))
        if self._may_ask_about_work:
            waits.append(
                self._listener.advice.get("progress", lambda: self.progress.due(now), lambda: None)
            )
        if self._background is not None and self._machine.connected:
            waits.append(self._background.due(now))
        if self.overview.is_open:
            waits.append(self.overview.due(now))
        if self._is_silent(now):
            waits.append(SILENCE_SECONDS)
        return waits

    def _is_silent(self, now: float) -> bool:
        """Whether a list of jobs is open that must say for how long it has had no news."""
        return self.progress.is_watched and self.progress.silence(now) > 0

    def on_event(self, event: Event) -> None:
        """Use an event about the machine or its work."""
        self._machine.on_event(event)
        self.progress.on_event(event, time.monotonic())

    def on_line_ended(self, line: str) -> None:
        """Expect a migration after a line that may have started one: nothing else announces it."""
        if "migrate" in line:
            self.progress.suspect_migration()
        if not self._machine.has_events:
            self._machine.stale = True

    def works(self) -> list[Work]:
        """Return what the machine is working on. It is followed from the first call on: a front end
        that does not show it costs the VM no query.
        """
        self._follows_work = True
        return self.progress.works()

    @property
    def is_idle(self) -> bool:
        """Whether every query has been answered."""
        return self._background is None or self._background.idle

    # ------------------------------------------------------------------ live values

    def ask_facts(self, *, harmless: bool) -> None:
        """Put the questions that completion missed to the VM.

        harmless: leave out those that could do it harm, since the user has not asked for them
        """
        facts = self._catalog.live
        if not LOADS_MODULES.isdisjoint(query.command for query in facts.missing) and (
            harmless or self._context.settings.read_only or self._catalog.replaced()
        ):
            facts.missing = [query for query in facts.missing if query.command not in LOADS_MODULES]
        if self._background is not None and self._has_loaded and self._context.introspection.live:
            for query in facts.take_missing():
                command = Command(query.command, dict(query.arguments) or None)
                self._background.ask(BackgroundQuery(command, partial(self._on_live_value, query)))
            self._background.tick(time.monotonic())

    @staticmethod
    def _replaced(client: Client) -> str:
        return "" if client.closed else replaced_program(client.address, client.fileno())

    def _on_live_value(self, query: LiveQuery, value: Json) -> None:
        self._catalog.live.set_answer(query, value)
        self._listener.facts()

    # ------------------------------------------------------------------ the schema

    @property
    def _has_loaded(self) -> bool:
        return self._loading is not None and self._loading.outcome is not None

    def _load_schema(self, background: QueryQueue) -> None:
        """Load the schema once the small queries are answered, and report when it is loaded."""
        introspection = self._context.introspection
        if self._loading is None:
            if not background.idle or self._client is None or self._client.in_flight:
                return
            self._loading = Task(load_all(introspection), self._relay)
        if self._loading.outcome is None:
            learning = self._loading
            self._listener.advice.get("completion", lambda: self._go_on_loading(learning), nothing)

    def _go_on_loading(self, learning: Task) -> None:
        introspection = self._context.introspection
        if learning.advance(time.monotonic()):
            self._catalog.set_schema(introspection.commands, introspection.schema)
            self._catalog.disabled = introspection.disabled
            self._has_manual = False
            self._listener.refresh()

    def _load_manual(self) -> None:
        self._catalog.manual = self._context.introspection.manual()

    def _relay(self, item: Answer | Note) -> None:
        """Pass on what was noted while learning."""
        if isinstance(item, Note):
            self._context.front_end.warn(item.text)

    # ------------------------------------------------------------------ state and work

    @property
    def _may_ask_about_work(self) -> bool:
        wanted = self._follows_work and self._context.introspection.live
        wanted = wanted and self._client is not None and self._client.dialect.events
        return wanted and self._has_loaded and self._machine.connected

    def _ask_about_work(self, background: QueryQueue) -> None:
        """Ask how far jobs and migration are, while there are any."""
        name = self.progress.next_query(time.monotonic()) if self._may_ask_about_work else None
        if name is None:
            return
        if name in (self._context.introspection.commands or (name,)):
            background.ask(BackgroundQuery(Command(name), partial(self._on_work, name)))
        else:
            self._on_work(name, None)

    def _on_work(self, name: str, value: Json) -> None:
        self.progress.on_reply(name, value, time.monotonic())

    def _refresh_status(self, background: QueryQueue) -> None:
        now = time.monotonic()
        if self._machine.stale and now >= self._status_asked + STATUS_POLL_SECONDS:
            self._machine.on_status_query()
            self._status_asked = now
            if self._client is not None and self._client.dialect.status:
                background.ask(BackgroundQuery(Command("query-status"), self._machine.set_status))
