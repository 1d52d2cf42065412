"""What reconnecting decides without a clock of its own: when to try, and which VM is there.

Times are seconds of any one clock, passed in. `connection` carries the plan out.
"""

from __future__ import annotations

import math

from qmpsh.client.client import (
    Client,
    Pending,
    client_through,
    refusal_of,
    server_fd,
)
from qmpsh.client.shares import SILENT_SECONDS, ShareSearch
from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.machine import ConnectionState
from qmpsh.system.peer import executable_identity, server_peer

FIRST_PAUSE_SECONDS = 0.25
"""until the first attempt; doubled with each that fails"""
MAX_PAUSE_SECONDS = 5.0
"""between two attempts"""
STABLE_SECONDS = 10.0
"""between two losses after which the first one no longer lengthens the pause"""
GREETING_SECONDS = 1.0
"""without a greeting after which another client is said to hold the monitor"""
FILE_CHECK_SECONDS = 0.25
"""between two checks for a new socket file in the old one's place"""

IDENTITY_QUERIES = ("query-name", "query-uuid")


class ReconnectPlan:
    """The plan of when to try again, for a connection that was lost or given up for a while.

    Begins connected. Every call is legal in every state; what makes no sense changes nothing.
    """

    def __init__(self) -> None:
        self.state = ConnectionState.CONNECTED
        self._due = math.inf
        self._retry_pause = FIRST_PAUSE_SECONDS
        self._loss_pause = FIRST_PAUSE_SECONDS
        self._lost_at = -math.inf
        self._has_reported = False

    def connection_lost(self, now: float) -> None:
        """Try in a moment, in a longer one each time the connection ends soon after it was made."""
        was_stable = now - self._lost_at > STABLE_SECONDS
        self._lost_at = now
        self._loss_pause = FIRST_PAUSE_SECONDS if was_stable else _doubled(self._loss_pause)
        self._schedule(now + self._loss_pause)

    def try_now(self, now: float) -> None:
        """Try at once."""
        self._schedule(now)

    def stop(self, state: ConnectionState = ConnectionState.IDLE) -> None:
        """Try no more. state: why"""
        self.state, self._due = state, math.inf

    def is_due(self, now: float) -> bool:
        """Whether to try now."""
        return self.state is ConnectionState.WAITING and now >= self._due

    def attempt_started(self, now: float) -> None:
        """Wait for the greeting."""
        if self.state is ConnectionState.WAITING:
            self.state, self._due = ConnectionState.CONNECTING, now + GREETING_SECONDS

    def attempt_failed(self, now: float) -> None:
        """Wait twice as long as before."""
        if self.state.is_reconnecting:
            self.state, self._due = ConnectionState.WAITING, now + self._retry_pause
            self._retry_pause = _doubled(self._retry_pause)

    def server_appeared(self, now: float) -> None:
        """Try at once, since there is something new in the server's place."""
        if self.state is ConnectionState.WAITING:
            self._retry_pause, self._due = FIRST_PAUSE_SECONDS, now

    def connected(self) -> None:
        """Rest until the next loss."""
        self.state, self._due = ConnectionState.CONNECTED, math.inf

    def should_report_silence(self, now: float) -> bool:
        """Whether to report now that an attempt is not greeted: once in each outage."""
        is_late = self.state is ConnectionState.CONNECTING and now >= self._due
        return is_late and self.should_report()

    def should_report(self) -> bool:
        """Whether to report now that another client holds the monitor: once in each outage."""
        is_first, self._has_reported = not self._has_reported, True
        self._due = math.inf if self.state is ConnectionState.CONNECTING else self._due
        return is_first

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds until something is due; None for never."""
        return None if self._due == math.inf else max(0.0, self._due - now)

    def _schedule(self, due: float) -> None:
        self.state, self._due = ConnectionState.WAITING, due
        self._retry_pause = _doubled(FIRST_PAUSE_SECONDS)
        self._has_reported = False


def _doubled(pause: float) -> float:
    return min(2 * pause, MAX_PAUSE_SECONDS)


class VmIdentity(NamedTuple):
    """The identity of a VM: query-name and query-uuid, "" where the server has none, or no such
    commands.
    """

    name: str = ""
    uuid: str = ""

    @property
    def shown(self) -> str:
        """The name to show; as the VM gave it, not yet safe to show."""
        return self.name or (f"uuid {self.uuid}" if self.uuid.strip("0-") else "without a name")


def vm_identity(name: Json, uuid: Json) -> VmIdentity:
    """Return the identity from the replies of query-name and query-uuid, None for a refusal."""
    return VmIdentity(shortened(get_str(name, "name")), shortened(get_str(uuid, "UUID")))


class ReconnectAttempt:
    """One attempt to connect: a client on its way, and the queries for the VM's identity.

    Nothing of the old connection is sent on the new one. now: when the client was opened
    """

    def __init__(self, client: Client, now: float) -> None:
        self.client = client
        self._queries: list[Pending] = []
        self._search = ShareSearch(client.address, now) if client.options.may_be_shared else None
        self._patience = now + SILENT_SECONDS

    @property
    def due(self) -> float:
        """When to `seek` next; infinite for never."""
        client = self.client
        if self._search is None or client.closed or client.connection.greeting is not None:
            return math.inf
        return self._search.due if client.holder is None else self._patience

    def seek(self, now: float) -> bool:
        """Take another way where this one is silent; return whether the client is another one.

        To a share that has come up meanwhile, or past one that does not greet.
        Raises CannotConnect.
        """
        client = self.client
        if now < self.due or self._search is None:
            return False
        if client.holder is not None:
            client.close()
            self._search = None
            self.client = Client.open(client.address, client.options, client.tracer, seeks=False)
            return True
        share = self._search.find(now)
        if share is None:
            return False
        client.close()
        self.client = client_through(share, client.address, client.options, client.tracer)
        self._patience = now + SILENT_SECONDS
        return True

    def poll(self) -> VmIdentity | None:
        """Go on; return the VM's identity once it is known. Raises QmpshError for a failure."""
        client = self.client
        client.poll(0)
        is_identified = client.ready and self._identify()
        # Looked at last: it may have failed in one breath with its answer.
        if client.lost is not None:
            raise refusal_of(client)
        if not is_identified:
            return None
        name, uuid = [_value(pending) for pending in self._queries] or (None, None)
        return vm_identity(name, uuid)

    def _identify(self) -> bool:
        """Send one query after the other, since not every server takes two at a time."""
        client, asked = self.client, self._queries
        if not client.dialect.named:
            return True
        wanted = len(IDENTITY_QUERIES)
        while client.ready and len(asked) < wanted and all(pending.reply for pending in asked):
            asked.append(client.submit(Command(IDENTITY_QUERIES[len(asked)])))
            client.poll(0)
        return len(asked) == wanted and all(pending.reply for pending in asked)


def _value(pending: Pending) -> Json:
    return pending.reply.value if isinstance(pending.reply, Reply) else None


class ServerProcess(NamedTuple):
    """The process of a server, by which it is recognised.

    pid: of the server, None where it is not known; said: its version and package; uid: of its user
    file: what distinguishes its executable from others, () where it is not known
    """

    pid: int | None
    said: tuple[str, str]
    uid: int | None
    file: tuple[str, ...]

    @property
    def has_ended(self) -> bool:
        """Whether the process is known to be gone; False also where nothing is known."""
        return bool(self.file) and tuple(executable_identity(self.pid)) != self.file

    def runs_same_program(self, other: ServerProcess) -> bool:
        """Whether both accept the same commands, as far as is known."""
        return self._replace(pid=None) == other._replace(pid=None)


def server_process(client: Client) -> ServerProcess:
    """Return what is known of the server's program: its version, package, user and executable."""
    peer = server_peer(client.address, server_fd(client))
    greeting = client.connection.greeting
    said = (greeting.version, greeting.package) if greeting else ("", "")
    return ServerProcess(peer.pid, said, peer.uid, tuple(executable_identity(peer.pid)))
