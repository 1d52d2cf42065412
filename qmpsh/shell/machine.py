"""What is known of the machine at the other end: kept current by events and background replies.

A plain state object: it asks nothing itself. Events alone cannot tell paused from io-error, so a
run-state event only marks the status stale and `query-status` says what it is (DESIGN section 8).
"""

from __future__ import annotations

from qmpsh.jsontypes import Json
from qmpsh.wire.messages import Event, Greeting

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
_TELLING = {"STOP": ("paused", False), "RESUME": ("running", True)}


class Machine:
    """name: from query-name, "" where it has none; status: query-status's word, "" before it is
    known; running: None before it is known; commands: names in the server's order, () before;
    farewell: how it ended, "" while it has not; stale: the status wants asking again.
    """

    def __init__(self, address: str, greeting: Greeting | None) -> None:
        self.address = address
        self.version = greeting.version if greeting else ""
        self.package = greeting.package if greeting else ""
        self.name = ""
        self.status = ""
        self.running: bool | None = None
        self.commands: tuple[str, ...] = ()
        self.farewell = ""
        self.stale = False
        self._told = False
        self.connected = True

    @property
    def state(self) -> str:
        """One word: running, paused, ended, or "" before it is known."""
        if not self.connected:
            return "ended"
        if self.running is None:
            return ""
        return "running" if self.running else "paused"

    @property
    def long_state(self) -> str:
        """The same with what the server calls it: `paused (prelaunch)`."""
        word = self.state
        return f"{word} ({self.status})" if self.status not in ("", word) else word

    def ask_status(self) -> None:
        """The status is being asked for: what is heard from now on is newer than the reply."""
        self.stale = self._told = False

    def hear(self, event: Event) -> None:
        """Take in what an event says about the run state."""
        if event.name in RUN_STATE_EVENTS:
            self.stale = True
        if event.name in _TELLING:
            self._told = True
            self.status, self.running = _TELLING[event.name]
        elif event.name == "SHUTDOWN":
            reason = event.data.get("reason")
            self.farewell = f"SHUTDOWN {reason}" if isinstance(reason, str) else "SHUTDOWN"

    def learn_name(self, value: Json) -> None:
        """Take in the reply of query-name."""
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            self.name = str(value["name"])

    def learn_status(self, value: Json) -> None:
        """Take in the reply of query-status, unless an event has told better since it was asked.

        Shapes of other servers are left alone.
        """
        if isinstance(value, dict) and not self._told:
            status, running = value.get("status"), value.get("running")
            if isinstance(status, str):
                self.status = status
            if isinstance(running, bool):
                self.running = running

    def learn_commands(self, value: Json) -> None:
        """Take in the reply of query-commands."""
        if isinstance(value, list):
            names = (entry.get("name") for entry in value if isinstance(entry, dict))
            self.commands = tuple(name for name in names if isinstance(name, str))
