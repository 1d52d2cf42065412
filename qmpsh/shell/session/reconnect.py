"""Reconnects a session after a loss: when to try again, a new greeting, which VM is there now.

Never blocks: it is polled, as the client is. Nothing of the old connection is sent on the new one.
The plan of when to try is pure: its times are seconds of any one clock, passed in.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import NamedTuple

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.client.client import Client, Pending
from qmpsh.client.handshake import still_waiting
from qmpsh.errors import Busy, NotQmp, QmpshError, shortened
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command, Reply
from qmpsh.system.listener import owner_of
from qmpsh.system.peer import executable_identity, server_peer, socket_file, tcp_peer

FIRST = 0.25
"""seconds until the first try; doubled with each that fails"""
MOST = 5.0
"""seconds between two tries at most"""
STEADY = 10.0
"""seconds between two losses after which the first is forgotten"""
PATIENCE = 1.0
"""seconds without a greeting after which it is said that somebody holds the monitor"""


class Phase(Enum):
    """Where a connection stands."""

    CONNECTED = "commands can be sent"
    WAITING = "the next try is due at some time"
    GREETING = "a try is under way: the server has not said who it is"
    APART = "nothing is tried until somebody wants it"


class ReconnectPlan:
    """The plan of when to try again, for a connection that was lost or given up for a while.

    Begins connected. Every call is legal in every phase; what makes no sense changes nothing.
    """

    def __init__(self) -> None:
        self.phase = Phase.CONNECTED
        self._delay = FIRST
        self._due = math.inf
        self._has_said = False
        self._lost_at = -math.inf
        self._pause = FIRST

    def lost(self, now: float) -> None:
        """The connection ended by itself: try in a moment, in a longer one each time it ends soon
        after.
        """
        steady = now - self._lost_at > STEADY
        self._lost_at = now
        self._pause = FIRST if steady else min(2 * self._pause, MOST)
        self._begin(now + self._pause)

    def want(self, now: float) -> None:
        """Try at once."""
        self._begin(now)

    def part(self) -> None:
        """Nothing is to be tried."""
        self.phase, self._due = Phase.APART, math.inf

    def is_due(self, now: float) -> bool:
        """Whether to try now."""
        return self.phase is Phase.WAITING and now >= self._due

    def dialled(self, now: float) -> None:
        """A try is under way."""
        if self.phase is Phase.WAITING:
            self.phase, self._due = Phase.GREETING, now + PATIENCE

    def failed(self, now: float) -> None:
        """The try has failed: wait, twice as long as before."""
        if self.phase in (Phase.WAITING, Phase.GREETING):
            self.phase, self._due = Phase.WAITING, now + self._delay
            self._delay = min(2 * self._delay, MOST)

    def appeared(self, now: float) -> None:
        """Something new stands where the server was: try at once."""
        if self.phase is Phase.WAITING:
            self._delay, self._due = FIRST, now

    def met(self) -> None:
        """The server is there."""
        self.phase, self._due = Phase.CONNECTED, math.inf

    def is_silent(self, now: float) -> bool:
        """Whether to report the silence of a try now: once in each outage."""
        if self.phase is Phase.GREETING and now >= self._due:
            return self.say_once()
        return False

    def say_once(self) -> bool:
        """Whether to say now that another client holds the monitor: once, then no more."""
        said, self._has_said = self._has_said, True
        self._due = math.inf if self.phase is Phase.GREETING else self._due
        return not said

    def wait(self, now: float) -> float | None:
        """Seconds until something is due; None for never."""
        return None if self._due == math.inf else max(0.0, self._due - now)

    def _begin(self, due: float) -> None:
        self.phase = Phase.WAITING
        self._delay = min(2 * FIRST, MOST)
        self._due = due
        self._has_said = False


LOOK = 0.25
"""seconds between two looks whether a new socket file stands in the old one's place"""

WHO = ("query-name", "query-uuid")
"""what tells a VM from another"""


class VmIdentity(NamedTuple):
    """The identity of a VM: query-name and query-uuid, "" where the server has none, or no such
    commands.
    """

    name: str = ""
    uuid: str = ""

    @property
    def shown(self) -> str:
        """What to call it; as the VM gave it, not yet safe to show."""
        return self.name or (f"uuid {self.uuid}" if self.uuid.strip("0-") else "without a name")


class ServerProcess(NamedTuple):
    """The process of a server, by which it is recognised.

    pid: of the server, None where it is not known; said: its version and package; uid: whose it is;
    file: what distinguishes its executable from others, () where it is not known.
    """

    pid: int | None
    said: tuple[str, str]
    uid: int | None
    file: tuple[str, ...]

    @property
    def has_ended(self) -> bool:
        """Whether the process is known to be gone; False also where nothing is known."""
        return bool(self.file) and tuple(executable_identity(self.pid)) != self.file

    def is_as(self, other: ServerProcess) -> bool:
        """Whether both accept the same, as far as is known: another process of one program."""
        return self._replace(pid=None) == other._replace(pid=None)


class Reconnected(NamedTuple):
    """A server that was reached again. by_hand: the user asked for it."""

    client: Client
    who: VmIdentity
    by_hand: bool


def binary_of(client: Client) -> ServerProcess:
    """What is known of the server's program: its version, package, user and executable."""
    peer = server_peer(client.address, client.fileno())
    greeting = client.greeting
    said = (greeting.version, greeting.package) if greeting else ("", "")
    return ServerProcess(peer.pid, said, peer.uid, tuple(executable_identity(peer.pid)))


class Reconnector:
    """The client of a session, reconnected after each loss.

    client: begun, the first of the session.

    serial: grows with each descriptor there is to watch; error: why the last try failed
    """

    def __init__(self, client: Client) -> None:
        self.owner = owner_of(client.address)
        self.serial = 0
        self.error: QmpshError | None = None
        self._last = client
        self._name = str(client.address)
        self._address = client.address
        if isinstance(client.address, TcpAddress):
            self._address = tcp_peer(client.fileno()) or client.address
        self._plan = ReconnectPlan()
        self._by_hand = False
        self._dialled: Client | None = None
        self._questions: list[Pending] = []
        self._file: tuple[int, ...] = ()
        self._told = ""  # of the last stranger

    @property
    def phase(self) -> Phase:
        """Where the connection stands."""
        return self._plan.phase

    @property
    def client(self) -> Client:
        """Whose descriptor to watch."""
        return self._dialled or self._last

    def lost(self, now: float) -> None:
        """The connection is gone: try again, unless the monitor was left to another client."""
        self._hang_up()
        self._by_hand = False
        self._told = ""
        self._file = socket_file(self._address)
        if self.owner:
            self._plan.part()
        else:
            self._plan.lost(now)

    def part(self) -> None:
        """Leave the monitor to other clients."""
        self._hang_up()
        self._plan.part()

    def want(self, now: float, *, by_hand: bool) -> None:
        """Try at once. by_hand: the user asked for it, so any VM may answer."""
        if self.owner and not by_hand:
            return
        self._hang_up()
        self.error = None
        self._by_hand = by_hand
        self._plan.want(now)

    def wait(self, now: float) -> float | None:
        """Seconds after which poll() is due in any case; None for never."""
        wait = self._plan.wait(now)
        if wait is not None and self.phase is Phase.WAITING and self._file_matters:
            return min(wait, LOOK)
        return wait

    def poll(self, now: float) -> Reconnected | None:
        """Try what is due; a server once it has said who it is, else None."""
        if self.phase is Phase.WAITING and socket_file(self._address) not in ((), self._file):
            self._plan.appeared(now)
        if self._plan.is_due(now):
            self._dial(now)
        if self._dialled is not None:
            return self._go_on(self._dialled, now)
        return None

    def complaint(self, now: float) -> str:
        """What to say of a monitor that does not greet, or of what stands in its place: whole
        sentences; "" for nothing, or not again.
        """
        if isinstance(self.error, NotQmp) and self.phase is Phase.WAITING:
            told, self._told = self._told, str(self.error)
            return f"{self._told}; still waiting for the VM" if self._told != told else ""
        busy = isinstance(self.error, Busy) and self.phase is Phase.WAITING
        if self._plan.is_silent(now) or (busy and self._plan.say_once()):
            if self._dialled is not None and self._dialled.awaits:
                return f"{self._name}: waiting for {self._dialled.awaits}"
            fd = self.client.fileno() if self._dialled else -1
            return f"{self._name}: {still_waiting(self._address, self._last.dialect, fd)}"
        return ""

    def _dial(self, now: float) -> None:
        self._file = socket_file(self._address)
        try:
            self._dialled = self._last.again(self._address)
        except QmpshError as error:
            self._fail(error, now)
            return
        self.serial += 1
        self._plan.dialled(now)

    def _go_on(self, client: Client, now: float) -> Reconnected | None:
        client.poll(0)
        introduced = client.begun and self._is_introduced(client)
        # Looked at last: it may have failed in one breath with its answer.
        if client.lost is not None:
            self._fail(client.refusal, now)
            return None
        if not introduced:
            return None
        name, uuid = [_answer(pending) for pending in self._questions] or (None, None)
        self._dialled, self._questions, self._last = None, [], client
        self._plan.met()
        return Reconnected(client, who(name, uuid), self._by_hand)

    def _is_introduced(self, client: Client) -> bool:
        """Ask who it is, one question after the other: not every server takes two at a time."""
        if not client.dialect.named:
            return True
        asked = self._questions
        while client.begun and len(asked) < len(WHO) and all(pending.reply for pending in asked):
            asked.append(client.submit(Command(WHO[len(asked)])))
            client.poll(0)
        return len(asked) == len(WHO) and all(pending.reply for pending in asked)

    def _fail(self, error: QmpshError, now: float) -> None:
        self._hang_up()
        self.error = error
        if self.owner:
            self._plan.part()
        else:
            self._plan.failed(now)

    def _hang_up(self) -> None:
        if self._dialled is not None:
            self._dialled.close()
        self._dialled, self._questions = None, []

    @property
    def _file_matters(self) -> bool:
        return isinstance(self._address, UnixAddress) and not self._address.abstract


def who(name: Json, uuid: Json) -> VmIdentity:
    """From the replies of query-name and query-uuid; None for a refusal."""
    return VmIdentity(_text(name, "name"), _text(uuid, "UUID"))


def _text(value: Json, member: str) -> str:
    found = value.get(member) if isinstance(value, dict) else None
    return shortened(found) if isinstance(found, str) else ""


def _answer(pending: Pending) -> Json:
    return pending.reply.value if isinstance(pending.reply, Reply) else None
