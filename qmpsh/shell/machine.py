"""What is known of the machine at the other end: kept current by events and background replies.

A plain state object: it asks nothing itself. Events alone cannot tell paused from io-error, so a
run-state event only marks the status stale and `query-status` says what it is (wire.md section 7).
"""

from __future__ import annotations

from qmpsh.client.dialect import (
    command_names,
    disabled_names,
    remark,
    replay_remark,
    server_version,
)
from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, as_dict, get_str
from qmpsh.light_typing import TYPE_CHECKING, Enum
from qmpsh.protocol.messages import Event, Greeting

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

MachineState: TypeAlias = 'Literal["running", "paused", "ended", "lost", "disconnected", ""]'
"""The run state in one word, "" before it is known."""


class ConnectionState(Enum):
    """The state of the connection; the value says what becomes of one that is not there."""

    CONNECTED = "connected"
    WAITING = "reconnecting: the next attempt is due later"
    CONNECTING = "reconnecting: an attempt is under way"
    IDLE = "not connected"
    DISCONNECTED = "disconnected"
    ENDED = "not coming back"

    @property
    def is_reconnecting(self) -> bool:
        """Whether the shell tries to connect by itself."""
        return self in (ConnectionState.WAITING, ConnectionState.CONNECTING)

    @property
    def outlook(self) -> str:
        """What becomes of a connection that is not there, in two words; "" where it is."""
        return "" if self is ConnectionState.CONNECTED else self.value.partition(":")[0]


# Events after which the run state may be another.
RUN_STATE_EVENTS = frozenset(
    {
        "STOP",
        "RESUME",
        "RESET",
        "SHUTDOWN",
        "POWERDOWN",
        "SUSPEND",
        "SUSPEND_DISK",
        "WAKEUP",
        "MIGRATION",
        "BLOCK_IO_ERROR",
        "GUEST_PANICKED",
        "GUEST_CRASHLOADED",
        "WATCHDOG",
    }
)

# Events that name the run state themselves: status and running.
_EVENT_STATES = {"STOP": ("paused", False), "RESUME": ("running", True)}


class Machine:
    """The record of what is known of the VM and of the connection to it.

    address:   where the monitor is, as it was given
    owner:     libvirt or Proxmox where the monitor is theirs, else ""
    has_events: it sends some; a guest agent never does
    server, version, package: what the greeting says of the program at the other end, "" for what it
               does not; a guest agent gives its version with its commands
    remark:    what came with the greeting for the user, "" for nothing
    is_replay: a recording answers in the place of the VM
    commands:  names in the server's order, () before they are known
    disabled:  of those, what a guest agent's administrator has turned off
    name:      from query-name, "" where it has none
    uuid:      from query-uuid, "" where it has none
    status:    query-status's word, "" before it is known
    running:   None before it is known
    stale:     the status wants asking again
    shutdown_reason: how the machine ended, "" while it has not
    connection: the state of the connection to it
    disconnected_by_user: the user gave the connection up
    """

    def __init__(self, address: str, greeting: Greeting | None) -> None:
        self.address = address
        self.owner = ""
        self.has_events = True
        self.commands: tuple[str, ...] = ()
        self.disabled: frozenset[str] = frozenset()
        self.server = self.version = self.package = ""
        self.on_greeting(greeting)

    def on_greeting(self, greeting: Greeting | None) -> None:
        """Begin the record of a new connection: forget the state, which may be another VM's. The
        command names stay, as most often the server is the same program.
        """
        replay = replay_remark(greeting)
        self.is_replay = bool(replay)
        self.remark = replay or remark(self.address, greeting)
        if greeting is not None:
            self.server, self.version, self.package = server_version(greeting)
        self.name = ""
        self.uuid = ""
        self.status = ""
        self.running: bool | None = None
        self.shutdown_reason = ""
        self.stale = False
        self._told = False
        self.connection = ConnectionState.CONNECTED
        self.disconnected_by_user = False

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self.connection is ConnectionState.CONNECTED

    @property
    def connection_hint(self) -> str:
        """What becomes of the connection and what the user can do, in whole sentences."""
        if self.connected or self.connection is ConnectionState.ENDED:
            return "Ctrl-D leaves."
        if self.connection.is_reconnecting:
            return f"Waiting for {self.address} to come back; Ctrl-D leaves."
        if self.owner:
            return (
                f"{self.address} belongs to {self.owner} and is not taken without being asked:"
                f" .reconnect takes"
                " it; Ctrl-D leaves."
            )
        return ".reconnect connects again; Ctrl-D leaves."

    @property
    def state(self) -> MachineState:
        """The run state, as far as the connection lets it be known."""
        if not self.connected:
            if self.disconnected_by_user:
                return "disconnected"
            return "ended" if self.shutdown_reason else "lost"
        if self.running is None:
            return ""
        return "running" if self.running else "paused"

    @property
    def long_state(self) -> str:
        """The run state with the server's own word for it: `paused (prelaunch)`."""
        word = self.state
        return f"{word} ({self.status})" if self.status not in ("", word) else word

    def on_status_query(self) -> None:
        """Note that the status is being asked for: later events are newer than the reply."""
        self.stale = self._told = False

    def on_event(self, event: Event) -> None:
        """Update the run state by an event."""
        if event.name in RUN_STATE_EVENTS:
            self.stale = True
        if event.name in _EVENT_STATES:
            self._told = True
            self.status, self.running = _EVENT_STATES[event.name]
        elif event.name == "SHUTDOWN":
            reason = get_str(event.data, "reason")
            self.shutdown_reason = f"SHUTDOWN {shortened(reason)}".rstrip()

    def set_name(self, value: Json) -> None:
        """Set the name from the reply of query-name."""
        self.name = shortened(get_str(value, "name")) or self.name

    def set_uuid(self, value: Json) -> None:
        """Set the UUID from the reply of query-uuid."""
        self.uuid = shortened(get_str(value, "UUID")) or self.uuid

    def set_status(self, value: Json) -> None:
        """Set the state from the reply of query-status, unless an event since then is newer.

        Shapes of other servers are left alone.
        """
        if not self._told:
            self.status = shortened(get_str(value, "status")) or self.status
            running = as_dict(value).get("running")
            if isinstance(running, bool):
                self.running = running

    def set_commands(self, value: Json) -> None:
        """Set the commands from the reply to the `names` command of this kind of server."""
        self.commands = command_names(value) or self.commands
        self.disabled = disabled_names(value)
        self.version = shortened(get_str(value, "version")) or self.version
