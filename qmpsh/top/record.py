"""What is known of one VM of the table: its state, what it uses, how fast, and what it works on.

A plain state object: the probe gives it replies, events and what /proc says; it asks nothing
itself, and the time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from qmpsh.errors import CannotConnect, QmpshError, ReplyTimeout, shortened
from qmpsh.jsontypes import Json
from qmpsh.light_typing import Enum, NamedTuple
from qmpsh.many.targets import Target
from qmpsh.protocol.messages import Event, Greeting
from qmpsh.shell.machine import Machine
from qmpsh.shell.progress import Progress
from qmpsh.top.counters import number_of, threads_of
from qmpsh.top.usage import VmUsage

SILENT_SECONDS: Final = 2.0
"""seconds without an answer after which a VM counts as hung"""
_FLOOD_SECONDS: Final = 1.0
"""seconds between two events of a name that are counted together"""

NO_ANSWER: Final = "no answer"
_STUCK: Final = "no answer for {seconds:.0f} s: its main loop is stuck, though it reads commands"
_PROCESS_STATES: Final = {
    "T": "no answer for {seconds:.0f} s: the process is stopped, kill -CONT {pid} continues it",
    "t": "no answer for {seconds:.0f} s: a debugger has stopped process {pid}",
    "D": "no answer for {seconds:.0f} s: process {pid} waits for a disk or the network",
}
"""What is said of a VM without an answer, by the state of its process. Source: proc(5)."""
_HUNG: Final = "no answer for {seconds:.0f} s"


class Link(Enum):
    """The state of the connection to a VM; the value is shown while there is no run state."""

    CONNECTING = "connecting"
    UP = "up"
    BUSY = "busy"
    SILENT = NO_ANSWER
    REFUSED = "unreachable"
    GONE = "gone"


class LastEvent(NamedTuple):
    """The newest event. times: how many of its name came together"""

    name: str
    at: float
    times: int = 1


class VmRecord:
    """What is known of one VM.

    own_name:   of the VM; name: as it is shown, no other has the same; not yet safe
    link:       the state of the connection, since when, and why it is none
    machine:    run state, version
    progress:   jobs and migration
    pid:        of its process on this machine, 0 unknown
    threads:    of its virtual CPUs
    memory, balloon: bytes of the guest, and of it left to it; None unknown
    usage:      what it uses and does, and how fast
    asked_at:   when the oldest question without an answer was sent, None for none
    is_stuck:   it answers out of band, and not otherwise
    event:      the newest one
    """

    __slots__ = (
        *(
            "target",
            "own_name",
            "name",
            "link",
            "since",
            "error",
            "machine",
            "progress",
            "is_stuck",
        ),
        *("pid", "threads", "memory", "balloon", "asked_at", "event", "usage"),
    )

    def __init__(self, target: Target, now: float) -> None:
        self.target = target
        self.own_name = self.name = target.called(target.name or target.stem)
        self.link = Link.CONNECTING
        self.since = now
        self.error: QmpshError | None = None
        self.machine = Machine(target.text, None)
        self.event: LastEvent | None = None
        self.pid = 0
        self._begin()

    def _begin(self) -> None:
        """Know nothing of what the VM is and does."""
        self.progress = Progress()
        self.usage = VmUsage()
        self.threads: tuple[int, ...] = ()
        self.memory: int | None = None
        self.balloon: int | None = None
        self.asked_at: float | None = None
        self.is_stuck = False

    # -------------------------------------------------------------------- the connection

    def on_greeting(self, greeting: Greeting | None, now: float) -> None:
        """Note that the VM takes commands, the same as before."""
        status, running = self.machine.status, self.machine.running
        self.machine.on_greeting(greeting)
        self.machine.status, self.machine.running = status, running
        self.set_link(Link.UP, now)

    def restart(self, greeting: Greeting | None, now: float) -> None:
        """Begin with a VM that takes commands, of which nothing is known."""
        self._begin()
        self.machine.on_greeting(greeting)
        self.set_link(Link.UP, now)

    def set_link(self, link: Link, now: float, error: QmpshError | None = None) -> None:
        """Note the state of the connection."""
        if link is not self.link:
            self.link, self.since = link, now
        self.error = error
        if link is not Link.UP:
            self.asked_at = None
        if self.has_ended:
            self.progress.on_connection_lost()
            self.pid = 0
            self.usage.forget()

    @property
    def is_up(self) -> bool:
        """Whether it has answered lately."""
        return self.link is Link.UP

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to connect to any more, or never was."""
        return self.link in (Link.GONE, Link.REFUSED)

    def silence(self, now: float) -> float:
        """Return for how many seconds a question has had no answer."""
        return 0.0 if self.asked_at is None else now - self.asked_at

    def is_hung(self, now: float) -> bool:
        """Whether it does not answer, or has not greeted and nothing says why."""
        return self.link is Link.SILENT or self.silence(now) >= SILENT_SECONDS

    def state(self, now: float) -> str:
        """Return its state in a word or two."""
        if self.link is not Link.UP:
            return str(self.link.value)
        if self.asked_at is not None and self.silence(now) >= SILENT_SECONDS:
            return NO_ANSWER
        return self.machine.status or Link.UP.value

    def reason(self, now: float) -> str:
        """Return what is wrong with it as a sentence; "" if nothing is known to be."""
        if self.error is not None:
            return str(self.error)
        if not self.is_hung(now):
            return ""
        process = self.usage.process
        state = process.state if process is not None else ""
        text = _STUCK if self.is_stuck else _PROCESS_STATES.get(state, _HUNG)
        return text.format(seconds=self.silence(now), pid=self.pid)

    def exit_code(self, now: float) -> int:
        """Return what a one-shot would exit with: 0 if it answers."""
        if self.is_hung(now):
            return ReplyTimeout.exit_code
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.is_up else CannotConnect.exit_code

    # -------------------------------------------------------------------- what it says

    def on_reply(self, command: str, value: Json, at: float) -> None:
        """Use the reply to a question; those that nothing here uses are only a sign of life."""
        read = _READERS.get(command)
        if read is not None:
            read(self, value, at)

    def on_event(self, event: Event, now: float) -> None:
        """Use an event."""
        self.machine.on_event(event)
        self.progress.on_event(event, now)
        if event.name == "BALLOON_CHANGE":
            self.balloon = number_of(event.data, "actual")
        last, name = self.event, shortened(event.name)
        is_flood = last is not None and last.name == name and now - last.at < _FLOOD_SECONDS
        self.event = LastEvent(name, now, last.times + 1 if last and is_flood else 1)


def _on_balloon(record: VmRecord, value: Json, at: float) -> None:
    record.balloon = number_of(value, "actual")


def _on_memory(record: VmRecord, value: Json, at: float) -> None:
    parts = [number_of(value, key) for key in ("base-memory", "plugged-memory")]
    record.memory = sum(part or 0 for part in parts) if parts[0] is not None else None


def _on_cpus(record: VmRecord, value: Json, at: float) -> None:
    record.threads = threads_of(value)


def _on_work(command: str) -> Callable[[VmRecord, Json, float], None]:
    def read(record: VmRecord, value: Json, at: float) -> None:
        record.progress.on_reply(command, value, at)

    return read


_READERS: Final[Mapping[str, Callable[[VmRecord, Json, float], None]]] = {
    "query-status": lambda record, value, at: record.machine.set_status(value),
    "query-blockstats": lambda record, value, at: record.usage.on_disks(value, at),
    "query-stats": lambda record, value, at: record.usage.on_stats(value, at),
    "query-cpus-fast": _on_cpus,
    "query-memory-size-summary": _on_memory,
    "query-balloon": _on_balloon,
    **{name: _on_work(name) for name in ("query-jobs", "query-migrate")},
}
"""What is made of the reply to each question."""
