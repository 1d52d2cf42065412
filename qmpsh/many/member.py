"""One VM of a sweep: connected, asked for its name, sent the line, waited for; nothing blocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from qmpsh.batch.progress import SHARE_SECONDS
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.poll import READ, WRITE
from qmpsh.errors import (
    ConnectTimeout,
    LostUnsent,
    QmpshError,
    ReplyTimeout,
    StreamEnded,
    UsageError,
)
from qmpsh.light_typing import NamedTuple
from qmpsh.many.contact import QUIET_SECONDS, Contact
from qmpsh.many.line import ManyLine
from qmpsh.many.results import VmResult
from qmpsh.many.targets import Target
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_words
from qmpsh.shell.introspection import KnownSchemas
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.share import MonitorShare, quiet_share
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Ask, Note, Task, WaitFor

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


def plain_name(target: Target, name: str) -> str:
    """Return a name as it is, also if another VM has it."""
    return name


class SweepMember:
    """One VM of a sweep.

    own_name: makes a name of which there is one
    contact:  the connection to it while that comes about
    result:   how it ended, None before
    """

    __slots__ = (
        "_answers",
        "_context",
        "_listener",
        "_own_name",
        "_plan",
        "_sent",
        "_share",
        "_task",
        "contact",
        "has_announced",
        "result",
        "target",
    )

    def __init__(
        self,
        target: Target,
        plan: Plan,
        listener: MemberListener,
        own_name: Callable[[Target, str], str] = plain_name,
    ) -> None:
        self.target = target
        self._own_name = own_name
        self.result: VmResult | None = None
        self.has_announced = False
        self._plan = plan
        self._listener = listener
        self._answers: list[Answer] = []
        self._task: Task | None = None
        self._context: Context | None = None
        self._share: MonitorShare | None = None
        self.contact = Contact(target, plan.options, asks_name=plan.settings.negotiated)
        self._sent = self.contact.begun
        if self.contact.error is not None:
            self.end(self.contact.error)

    @property
    def client(self) -> Client | None:
        """The present connection."""
        return self.contact.client if self._context is None else self._context.client

    @property
    def name(self) -> str:
        """What it is called as far as that is known."""
        name = self.contact.name
        return self._own_name(self.target, name) if name else self.target.called(self.target.stem)

    @property
    def begun(self) -> float:
        """When it was connected to, by `time.monotonic()`."""
        return self.contact.begun

    @property
    def is_silent(self) -> bool:
        """Whether it did not greet in time: why, is still to be said."""
        return self.contact.is_silent and self.result is None

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
            return self.contact.due
        client, until = self.client, self._task.until
        dues = [client.due if client else None, until.deadline if until else None]
        if self._share is None and until is not None and until.takes_long:
            dues.append(self._sent + SHARE_SECONDS)
        return min((due for due in dues if due is not None), default=None)

    def turn(self, now: float) -> None:
        """Go on as far as possible without waiting."""
        if self._task is None and not self.has_ended:
            self._prepare(now)
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

    def _prepare(self, now: float) -> None:
        """Begin the line once the VM has greeted and said its name."""
        client = self.contact.turn(now)
        if client is not None:
            self._begin(client)
        elif self.contact.error is not None:
            self.end(self.contact.error)
        elif self.contact.is_silent:
            self.close()

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
        if isinstance(error, LostUnsent) and self.contact.is_of_share:
            self._task = self._context = None
            self.contact.connect(seeks=False)
            return
        try:
            if self._context is not None:
                self._context.end_of_input()
        except UsageError as unfinished:
            error = error or unfinished
        self.end(error or self._break(), code)

    def _break(self) -> QmpshError | None:
        """Return how the connection of a line that goes on broke, None if the server closed it."""
        lost = self.client.lost if self.client is not None else None
        streams = self._plan.line is not None and self._plan.line.streams
        return lost if streams and not isinstance(lost, StreamEnded) else None

    def end(self, error: QmpshError | None, code: int = 0, state: str = "") -> None:
        """End: close the connection and set the result."""
        seconds = time.monotonic() - self._sent
        code = error.exit_code if error is not None else code
        name = self._own_name(self.target, self.contact.name or self.target.stem)
        self.result = VmResult(self.target, name, tuple(self._answers), code, error, state, seconds)
        self.close()

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
