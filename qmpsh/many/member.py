"""One VM of a sweep: connected, asked for its name, sent the line, waited for; nothing blocks."""

from __future__ import annotations

import time
from typing import Final, Protocol

from qmpsh.batch.progress import SHARE_SECONDS
from qmpsh.client.client import (
    Client,
    ClientOptions,
    Pending,
    client_through,
    is_sharable,
    refusal_of,
)
from qmpsh.client.poll import READ, WRITE
from qmpsh.client.shares import SILENT_SECONDS, ShareSearch
from qmpsh.errors import (
    NAME_CHARS,
    CannotConnect,
    ConnectTimeout,
    LostUnsent,
    QmpshError,
    ReplyTimeout,
    UsageError,
    shortened,
)
from qmpsh.jsontypes import get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.many.line import ManyLine
from qmpsh.many.results import VmResult
from qmpsh.many.targets import Target
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_words
from qmpsh.shell.introspection import KnownSchemas
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.share import MonitorShare, quiet_share
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Ask, Note, Task, WaitFor

QUIET_SECONDS: Final = 0.3
"""seconds without a greeting after which a VM counts as silent, and delays no other"""
_LAST_SECONDS: Final = 2.0
"""seconds for the last replies to those who share a monitor"""


class MemberListener(Protocol):
    """Takes what a VM says before its line has ended."""

    def streamed(self, name: str, answer: Answer) -> None:
        """Take an answer of a line that goes on."""

    def noted(self, name: str, note: Note) -> None:
        """Take a remark."""

    def ask(self, asking: Ask) -> str:
        """Return the answer to a question."""


class Plan(NamedTuple):
    """What is done on each VM.

    line:     None to learn its name alone
    options:  of each connection
    schemas:  what was loaded on one VM serves the others
    """

    line: ManyLine | None
    settings: Settings
    options: ClientOptions
    schemas: KnownSchemas


class SweepMember:
    """One VM of a sweep.

    result:    how it ended, None before
    is_silent: it was connected to and did not greet in time: why, is still to be said
    """

    __slots__ = (
        "_answers",
        "_client",
        "_context",
        "_listener",
        "_name",
        "_naming",
        "_plan",
        "_received",
        "_search",
        "_sent",
        "_share",
        "_task",
        "begun",
        "has_announced",
        "is_silent",
        "result",
        "target",
    )

    def __init__(self, target: Target, plan: Plan, listener: MemberListener) -> None:
        self.target = target
        self.result: VmResult | None = None
        self.is_silent = False
        self.has_announced = False
        self._received = 0
        self.begun = self._sent = time.monotonic()
        self._plan = plan
        self._listener = listener
        self._name = target.name
        self._naming: Pending | None = None
        self._answers: list[Answer] = []
        self._task: Task | None = None
        self._context: Context | None = None
        self._client: Client | None = None
        self._share: MonitorShare | None = None
        self._search = ShareSearch(target.address, self.begun)
        self._connect()

    def _connect(self, *, seeks: bool = True) -> None:
        """Begin to connect. seeks: it may go through another qmpsh"""
        try:
            self._client = Client.open(self.target.address, self._plan.options, seeks=seeks)
        except CannotConnect as error:
            self.end(error)

    @property
    def client(self) -> Client | None:
        """The present connection."""
        return self._client if self._context is None else self._context.client

    @property
    def name(self) -> str:
        """What it is called as far as that is known."""
        return self._name or self.target.stem

    @property
    def is_quiet(self) -> bool:
        """Whether it keeps others waiting for nothing: it has not greeted for a while."""
        late = time.monotonic() - self.begun >= QUIET_SECONDS
        return late and self._task is None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.result is not None or self.is_silent

    @property
    def is_ready(self) -> bool:
        """Whether the line runs there."""
        return self._task is not None and self.result is None

    @property
    def due(self) -> float | None:
        """When to call `turn` in any case, by `time.monotonic()`; None for never."""
        if self._task is None:
            quiet = self.begun + QUIET_SECONDS
            limit = self._greeting_deadline
            now, shared = time.monotonic(), self.begun + SILENT_SECONDS
            whens = (quiet, shared, limit, self._search.due)
            return min((when for when in whens if when is not None and when > now), default=limit)
        client, until = self.client, self._task.until
        dues = [client.due if client else None, until.deadline if until else None]
        if self._share is None and until is not None and until.takes_long:
            dues.append(self._sent + SHARE_SECONDS)
        return min((due for due in dues if due is not None), default=None)

    @property
    def _greeting_deadline(self) -> float | None:
        limit = self._plan.options.connect_timeout
        return None if limit is None else self.begun + limit

    def turn(self, now: float) -> None:
        """Go on as far as possible without waiting."""
        if self._task is None and self._client is not None and not self.has_ended:
            self._prepare(self._client, now)
        if self._task is None or self.has_ended:
            return
        try:
            while not self._task.advance(now) and self._task.asking is not None:
                self._task.reply(self._listener.ask(self._task.asking))
        except UsageError as error:  # no terminal to ask on
            self._task.cancel()
            self.end(error)
            return
        if self._task.outcome is not None:
            self._conclude(self._task.outcome.exit_code, self._task.outcome.error)
        elif self.client is not None:
            self._serve(self.client, self._task.until, now)

    def _serve(self, client: Client, until: WaitFor | None, now: float) -> None:
        """Let other qmpsh use the monitor while the line waits for long."""
        if self._share is None:
            if until is None or not until.takes_long or now < self._sent + SHARE_SECONDS:
                return
            self._share = quiet_share(self._plan.settings)
            self._share.follow(client)
        self._share.poll(client)

    def descriptors(self) -> dict[int, int]:
        """Return what to wait for: flags of poll(2) by descriptor."""
        client, share = self.client, self._share
        if client is None or client.closed or self.has_ended:
            return {}
        wanted = {client.fileno(): READ | WRITE if client.wants_write else READ}
        if share is not None and share.is_open:
            wanted[share.fileno()] = READ
        return wanted

    def _prepare(self, client: Client, now: float) -> None:
        """Begin the line once the VM has greeted and said its name."""
        limit = self._greeting_deadline
        is_late = limit is not None and now >= limit
        has_left = client.closed or now >= self.begun + SILENT_SECONDS
        if self._is_of_share(client) and has_left and not client.ready:
            # The qmpsh that shared the monitor has just left it, or is stopped.
            client.close()
            self._connect(seeks=False)
        elif client.closed:
            self.end(refusal_of(client))
        elif not client.ready:
            self._seek_share(client, now)
            self.is_silent = is_late
            if is_late:
                self._received = client.connection.received
                self.close()
        elif self._is_named(client) or is_late:
            self._begin(client)

    def _seek_share(self, client: Client, now: float) -> None:
        """Change over to a qmpsh that shares the monitor, if one has come up meanwhile."""
        options = self._plan.options
        if self._is_of_share(client) or not is_sharable(options):
            return
        share = self._search.find(now)
        if share is not None:
            client.close()
            self._client = client_through(share, self.target.address, options, None)

    @staticmethod
    def _is_of_share(client: Client | None) -> bool:
        """Whether another qmpsh is in between, without which it may be tried again."""
        return client is not None and client.holder is not None

    def _is_named(self, client: Client) -> bool:
        """Ask for the name, if it is to be asked for; whether the answer has come."""
        if self._name or client.dialect.guest or not self._plan.settings.negotiated:
            return True
        if self._naming is None:
            self._naming = client.submit(Command("query-name"))
        if self._naming.done and isinstance(self._naming.reply, Reply):
            said = get_str(self._naming.reply.value, "name")
            self._name = shortened(said, NAME_CHARS)
        return self._naming.done

    def _begin(self, client: Client) -> None:
        line = self._plan.line
        if line is None:
            self.end(None)
            return
        machine = Machine(self.target.text, client.connection.greeting)
        self._context = Context(client, self._plan.settings, machine)
        self._context.introspection.known = self._plan.schemas
        self._sent = time.monotonic()
        self._task = Task(run_words(self._context, line.words), self._show)

    def _show(self, item: Answer | Note) -> None:
        if isinstance(item, Note):
            self.has_announced = self.has_announced or item.bare
            self._listener.noted(self.name, item)
        elif self._plan.line is not None and self._plan.line.streams and not item.failed:
            self._listener.streamed(self.name, item)
        else:
            self._answers.append(item)

    def _conclude(self, code: int, error: QmpshError | None) -> None:
        """End with the outcome of the line, or with the transaction that it leaves open."""
        if isinstance(error, LostUnsent) and self._is_of_share(self.client):
            self._task = self._context = None
            self._connect(seeks=False)
            return
        try:
            if self._context is not None:
                self._context.end_of_input()
        except UsageError as unfinished:
            error = error or unfinished
        self.end(error, code)

    def end(self, error: QmpshError | None, code: int = 0, state: str = "") -> None:
        """End: close the connection and set the result."""
        seconds = time.monotonic() - self._sent
        code = error.exit_code if error is not None else code
        self.result = VmResult(
            self.target, self.name, tuple(self._answers), code, error, state, seconds
        )
        self.is_silent = False
        self.close()

    def received_before(self) -> int:
        """Return how many bytes came of a VM that did not greet."""
        return self._received

    @property
    def needs_reason(self) -> bool:
        """Whether it would help to know what the server's process does."""
        error = self.result.error if self.result is not None else None
        return self.is_silent or isinstance(error, ReplyTimeout | ConnectTimeout)

    def close(self) -> None:
        """Give up the connection and what the line holds; may be called twice."""
        if self._task is not None and self._task.outcome is None:
            self._task.cancel()
        if self._share is not None and self.client is not None:
            self._answer_others(self._share, self.client)
            self._share.end()
        if self.client is not None:
            self.client.close()

    @staticmethod
    def _answer_others(share: MonitorShare, client: Client) -> None:
        """Wait a moment for the replies to those who share the monitor."""
        deadline = time.monotonic() + _LAST_SECONDS
        share.poll(client)
        while share.clients and client.in_flight and (left := deadline - time.monotonic()) > 0:
            client.poll(left)
            share.poll(client)
