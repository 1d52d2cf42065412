"""Following one end: told of events and of replies, a course says when and how it was reached.

Pure state objects, one class a kind of end (`ends.Kind`); jobs have a module of their own. A course
is told of every event from before the sending on; whether the command was taken at all is its
caller's to see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.lang.values import quote
from qmpsh.shell.ends import NEXT, End
from qmpsh.shell.matching import Wanted
from qmpsh.shell.progress import MIGRATION
from qmpsh.wire.messages import Event

PAGE = 4096
"""bytes by which a balloon may miss what was asked of it"""

IN_PROGRESS = "already in the process of unplug"
"""What a second device_del behind a PCIe port is told; the first goes on (WIRE.md section 7)."""


class Ending(NamedTuple):
    """How it ended. failed: what went wrong, "" for nothing; value: the answer of the line;
    told: what `--json` adds to the reply; note: what to do next.
    """

    failed: str = ""
    value: Json = None
    told: JsonObject = {}  # noqa: RUF012 - never changed, as every field of a value
    note: str = ""


class Course:
    """What all have in common. row: None for an end that was named by hand.

    question: the query that wants asking now, "" for none; urgent: at once, not in its turn
    works:    names of what the bar may show of it
    dismissed: jobs to dismiss once it has ended
    """

    question = ""
    urgent = False
    works: frozenset[str] = frozenset()
    dismissed: tuple[str, ...] = ()
    stream = False
    """the end of the connection is an end"""

    def hear(self, event: Event) -> None:
        """Take in an event."""

    def learn(self, value: Json) -> None:
        """Take in the answer to the question; None where it was refused."""

    def tolerates(self, text: str) -> bool:
        """Whether the command's error means that there is still something to wait for."""
        return False

    def ending(self) -> Ending | None:
        """How it ended, None as long as it has not."""
        raise NotImplementedError

    def awaited(self) -> str:
        """What is waited for and how that is now, for whoever gives up: `A; B`."""
        raise NotImplementedError


def by_event(event: Event, failed: str = "", note: str = "") -> Ending:
    """The end that an event tells."""
    return Ending(failed, event.data, {"event": event.raw}, note)


class NamedCourse(Course):
    """An end that the line names itself: `--wait=EVENT`."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._event: Event | None = None
        self._others = 0

    def hear(self, event: Event) -> None:
        """See Course."""
        if self._event is None and self._wanted.matches(event):
            self._event = event
        self._others += 1

    def ending(self) -> Ending | None:
        """See Course."""
        return None if self._event is None else by_event(self._event)

    def awaited(self) -> str:
        """See Course."""
        return f"{self._wanted.text}; {others(self._others)}"


class EventCourse(Course):
    """An end that one event tells, or the answer to a query, or the end of the connection."""

    def __init__(self, command: str, row: End, arguments: JsonObject) -> None:
        self._command = command
        self._row = row
        self._arguments = arguments
        self._name, self._members = _identity(row, arguments)
        self._found: Ending | None = None
        self.question = row.asks
        self.stream = row.stream

    def hear(self, event: Event) -> None:
        """See Course."""
        well = event.name in self._row.well.split()
        badly = event.name in self._row.badly.split()
        if self._found is not None or not (well or badly) or not self._is_own(event):
            return
        error: Json = ""
        if badly or "error" in event.data:
            # What tells a failure may say nothing about it.
            error = event.data.get("error") or event.data.get("msg") or event.name
        self._found = by_event(event, f"{self._subject}: {error}" if error else "")

    def learn(self, value: Json) -> None:
        """See Course."""
        judge = _JUDGES.get(self._row.asks)
        if self._found is None and judge is not None and judge(self._arguments, value):
            self._found = Ending("", value, {self._row.asks: value})

    def tolerates(self, text: str) -> bool:
        """See Course."""
        return self._command == "device_del" and IN_PROGRESS in text

    def ending(self) -> Ending | None:
        """See Course."""
        return self._found

    def awaited(self) -> str:
        """See Course."""
        what = " or ".join(self._row.well.split()) or "the end"
        if self._row.stream:
            what = f"{what} or the end of the connection" if self._row.well else "the VM to end"
        state = _STATES.get(self._command, "it has not come")
        return f"{what}{f' of {self._name}' if self._name else ''}; {state}"

    @property
    def _subject(self) -> str:
        return f"{self._command} {self._name}".strip()

    def _is_own(self, event: Event) -> bool:
        if self._command == "balloon":
            return _is_near(self._arguments, event.data.get("actual"))
        if self._command == "blockdev-open-tray" and event.data.get("tray-open") is not True:
            return False
        return all(event.data.get(member) == self._name for member in self._members)


class MigrationCourse(Course):
    """The course of the one migration: its states are told by events only where the migration
    capability `events` is on, so they are asked for as well, and the answer is always the reply of
    `query-migrate`.
    """

    def __init__(self, command: str, row: End) -> None:
        self._command = command
        self._well, self._badly = row.well.split(), row.badly.split()
        self._halts = row.halts.split()
        self._leaves = row.leaves
        self._status = ""
        self._found: Ending | None = None
        self.question = row.asks
        self.works = frozenset({MIGRATION})

    def hear(self, event: Event) -> None:
        """See Course."""
        status = event.data.get("status")
        if event.name == "MIGRATION" and isinstance(status, str):
            self._become(status)
            self.urgent = status in (*self._well, *self._badly, *self._halts)

    def learn(self, value: Json) -> None:
        """See Course."""
        self.urgent = False
        reply = value if isinstance(value, dict) else {}
        status = reply.get("status", "none" if value == {} else "")
        if isinstance(status, str) and status:
            self._become(status)
        told: JsonObject = {"query-migrate": value}
        if value is None and self._status in self._badly:
            told = {}
        elif self._status != status:
            return
        if self._status in self._badly:
            self._found = Ending(self._failure(reply), value, told)
        elif self._status in self._halts and self._status != self._leaves:
            self._found = Ending("", value, told, NEXT[self._status])
        elif self._status in self._well:
            note = "no migration was under way" if self._status == "none" else ""
            self._found = Ending("", value, told, note)

    def ending(self) -> Ending | None:
        """See Course."""
        return self._found

    def awaited(self) -> str:
        """See Course."""
        return f"the end of the migration; it is {self._status or 'not begun'}"

    def _become(self, status: str) -> None:
        self._status = status
        if self._leaves and status != self._leaves:
            self._leaves = ""

    def _failure(self, reply: JsonObject) -> str:
        why = reply.get("error-desc")
        said = f": {why}" if isinstance(why, str) and why else ""
        return f"{self._command}: the migration {_PAST.get(self._status, self._status)}{said}"


_PAST = {
    "failed": "has failed",
    "cancelled": "was cancelled",
    "completed": "had completed",
}
_STATES = {
    "device_del": "the guest has not let go of it",
    "system_powerdown": "the guest has not shut down",
    "quit": "it has not ended",
}
"""How it is while the end has not come."""


def others(count: int) -> str:
    """What else came in the meantime."""
    return f"{count} other event{'s' * (count != 1)} came" if count else "no event came"


def shown_id(name: str) -> str:
    """An id as a line of ours has to write it."""
    return name if name.replace("-", "").replace("_", "").isalnum() else quote(name)


def _identity(row: End, arguments: JsonObject) -> tuple[str, tuple[str, ...]]:
    """What the line calls its subject, and the member of the event's data that bears it."""
    for pair in row.id.split():
        argument, _, member = pair.partition("=")
        value = arguments.get(argument)
        if isinstance(value, str):
            # A device is named by its id, or by its path in full.
            is_path = member == "device" and argument == "id" and "/" in value
            return value, ("path" if is_path else member,)
    return "", ()


def _is_near(arguments: JsonObject, actual: Json) -> bool:
    """Whether the balloon has the size that was asked of it."""
    wanted = arguments.get("value")
    if not isinstance(wanted, int) or not isinstance(actual, int):
        return False
    return abs(wanted - actual) <= PAGE


def _balloon(arguments: JsonObject, reply: Json) -> bool:
    return isinstance(reply, dict) and _is_near(arguments, reply.get("actual"))


def _tray(arguments: JsonObject, reply: Json) -> bool:
    """Whether the tray of the drive that the line names is open."""
    for drive in reply if isinstance(reply, list) else []:
        if isinstance(drive, dict) and drive.get("tray_open") is True:
            by_id = "id" in arguments and drive.get("qdev") == arguments["id"]
            if by_id or ("device" in arguments and drive.get("device") == arguments["device"]):
                return True
    return False


def _dirty_rate(arguments: JsonObject, reply: Json) -> bool:
    return isinstance(reply, dict) and reply.get("status") == "measured"


_JUDGES: dict[str, Callable[[JsonObject, Json], bool]] = {
    "query-balloon": _balloon,
    "query-block": _tray,
    "query-dirty-rate": _dirty_rate,
}
"""Whether a query's answer means that the end was reached."""
