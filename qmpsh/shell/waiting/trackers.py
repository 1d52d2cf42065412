"""The trackers: fed events and replies, each says when and how one command has ended.

Pure state objects, one class per kind of end (`rules.RuleKind`); jobs have a module of their own. A
tracker gets every event from before the sending on; whether the command was accepted at all is for
its caller to see.
"""

from __future__ import annotations

from qmpsh.jsontypes import Json, JsonObject, as_dict, get_str
from qmpsh.language.values import quote
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Event
from qmpsh.shell.events import EventPattern
from qmpsh.shell.waiting.rules import NEXT, CompletionRule, standstill
from qmpsh.shell.work import MIGRATION


class Completion(NamedTuple):
    """The end of a command.

    failed: what went wrong, "" for nothing; value: the answer of the line; note: what to do next
    details: what `--json` adds to the reply
    """

    failed: str = ""
    value: Json = None
    details: JsonObject = {}  # noqa: RUF012 - never changed, as every field of a value
    note: str = ""


class CompletionTracker:
    """The base of all trackers: it is given events and replies, and says when the work has ended.

    query: the query to send now, "" for none; query_arguments: of it
    urgent: at once, without a pause
    works: the names of what a progress bar may show; dismissed: jobs to dismiss after the end
    """

    query = ""
    query_arguments: JsonObject = {}  # noqa: RUF012 - never changed
    urgent = False
    works: frozenset[str] = frozenset()
    dismissed: tuple[str, ...] = ()
    last_queries: tuple[str, ...] = ()
    """queries for the state to report when the time has run out"""
    stream = False
    """the end of the connection is an end"""

    def on_event(self, event: Event) -> bool:
        """Use an event; return whether it is about the awaited work."""
        return False

    def on_last_reply(self, query: str, value: Json) -> None:
        """Use the answer to a query of `last_queries`."""

    def on_reply(self, value: Json) -> None:
        """Use the answer to the query; None if it was refused."""

    def tolerates(self, text: str) -> bool:
        """Whether the command's error means that there is still something to wait for."""
        return False

    def completion(self) -> Completion | None:
        """Return how it ended, None before the end."""
        raise NotImplementedError

    def attached(self) -> CompletionTracker | None:
        """Return what goes on waiting on another connection; None where an event may be missed."""
        return None

    def awaited(self) -> str:
        """Return what is awaited and its present state, for a wait that gives up: `A; B`."""
        raise NotImplementedError

    def left(self) -> str:
        """Return what continues without a wait, and how to end it; "" for nothing."""
        return ""


def by_event(event: Event, failed: str = "", note: str = "") -> Completion:
    """Return the end that an event reports."""
    return Completion(failed, event.data, {"event": event.raw}, note)


class NamedEventTracker(CompletionTracker):
    """The tracker of an event that the line names itself: `--wait=EVENT`."""

    def __init__(self, wanted: EventPattern) -> None:
        self._wanted = wanted
        self._event: Event | None = None
        self._others = 0

    def on_event(self, event: Event) -> bool:
        is_own = self._event is None and self._wanted.matches(event)
        if is_own:
            self._event = event
        self._others += 1
        return is_own

    def completion(self) -> Completion | None:
        return None if self._event is None else by_event(self._event)

    def awaited(self) -> str:
        return f"{self._wanted.text}; {others(self._others)}"


class EventTracker(CompletionTracker):
    """The tracker of an end shown by an event, by a query's answer, or by a lost connection."""

    def __init__(self, command: str, row: CompletionRule, arguments: JsonObject) -> None:
        self._command = command
        self._row = row
        self._arguments = arguments
        self._name, self._bearers = _identity(row, arguments)
        self._found: Completion | None = None
        self._reply: Json = None
        self._shown = 0
        self._standstill = ""
        self.query = row.poll_query
        self.query_arguments = row.poll_arguments
        self.last_queries = ("query-status",) if row.guest else ()
        self.stream = row.ends_with_connection

    def on_event(self, event: Event) -> bool:
        row = self._row
        well = event.name in row.success.split()
        badly = event.name in row.failure.split()
        if self._found is not None or not (well or badly) or not self._is_own(event):
            return False
        if well and not row.is_end(self._arguments, event):
            return True
        error = row.error(event) if badly or "error" in event.data else ""
        if error is not None:
            self._found = by_event(event, f"{self._subject}: {error}" if error else "")
        return True

    def on_reply(self, value: Json) -> None:
        row = self._row
        self._reply = value
        self._shown = self._shown + 1 if row.reached(self._arguments, value) else 0
        if self._found is None and self._shown >= row.repeats:
            self._found = Completion(
                "", row.answer(self._arguments, value), {row.poll_query: value}
            )

    def on_last_reply(self, query: str, value: Json) -> None:
        self._standstill = standstill(value)

    def tolerates(self, text: str) -> bool:
        return bool(self._row.tolerated_error) and self._row.tolerated_error in text

    def completion(self) -> Completion | None:
        return self._found

    def awaited(self) -> str:
        what = " or ".join(self._row.success.split()) or "the end"
        if self._row.ends_with_connection:
            what = f"{what} or the end of the connection" if self._row.success else "the VM to end"
        state = self._row.state(self._reply)
        # A stopped VM explains why a guest has not done something, but no number.
        if self._standstill:
            is_number = state != self._row.state(None)
            state = f"{state}; {self._standstill}" if is_number else self._standstill
        return f"{what}{f' of {self._name}' if self._name else ''}; {state}"

    def left(self) -> str:
        return f"{self._subject} goes on"

    @property
    def _subject(self) -> str:
        return f"{self._command} {self._name}".strip()

    def _is_own(self, event: Event) -> bool:
        bearers = self._bearers.items()
        return not bearers or any(member(event, path) == name for path, name in bearers)


class MigrationTracker(CompletionTracker):
    """The tracker of the one migration.

    Events report its states only where the migration capability `events` is on, so they are asked
    for as well, and the answer is always the reply of `query-migrate`.
    """

    def __init__(self, command: str, row: CompletionRule) -> None:
        self._command = command
        self._well, self._badly = row.success.split(), row.failure.split()
        self._halts = row.pauses_in.split()
        self._leaves = row.initial_state
        self._status = ""
        self._found: Completion | None = None
        self.query = row.poll_query
        self.works = frozenset({MIGRATION})

    def on_event(self, event: Event) -> bool:
        status = get_str(event.data, "status")
        if event.name != "MIGRATION" or not status:
            return False
        self._become(status)
        self.urgent = status in (*self._well, *self._badly, *self._halts)
        return True

    def on_reply(self, value: Json) -> None:
        self.urgent = False
        reply = as_dict(value)
        status = reply.get("status", "none" if value == {} else "")
        if isinstance(status, str) and status:
            self._become(status)
        details: JsonObject = {"query-migrate": value}
        if value is None and self._status in self._badly:
            details = {}
        elif self._status != status:
            return
        if self._status in self._badly:
            self._found = Completion(self._failure(reply), value, details)
        elif self._status in self._halts and self._status != self._leaves:
            self._found = Completion("", value, details, NEXT[self._status])
        elif self._status in self._well:
            note = "no migration was under way" if self._status == "none" else ""
            self._found = Completion("", value, details, note)

    def completion(self) -> Completion | None:
        return self._found

    def attached(self) -> CompletionTracker | None:
        return self

    def awaited(self) -> str:
        return f"the end of the migration; it is {self._status or 'not begun'}"

    def left(self) -> str:
        if "cancelled" in self._well:
            return ""
        return "the migration continues; migrate_cancel ends it"

    def _become(self, status: str) -> None:
        self._status = status
        if self._leaves and status != self._leaves:
            self._leaves = ""

    def _failure(self, reply: JsonObject) -> str:
        why = get_str(reply, "error-desc")
        said = f": {why}" if why else ""
        return f"{self._command}: the migration {_PAST.get(self._status, self._status)}{said}"


_PAST = {
    "failed": "has failed",
    "cancelled": "was cancelled",
    "completed": "had completed",
}


def others(count: int) -> str:
    """Return how many other events came."""
    return f"{count} other event{'s' * (count != 1)} came" if count else "no event came"


def shown_id(name: str) -> str:
    """Return an id as it is written in a line."""
    return name if name.replace("-", "").replace("_", "").isalnum() else quote(name)


def _identity(row: CompletionRule, arguments: JsonObject) -> tuple[str, dict[str, str]]:
    """Return the line's name for its subject, and its names in the members of an event's data, one
    of which is enough.
    """
    for pair in row.id.split():
        argument, _, members = pair.partition("=")
        name = arguments.get(argument)
        if isinstance(name, str):
            bearers = dict.fromkeys(members.split(","), name)
            # A device is named by its id, or by its path in full.
            is_path = argument == "id" and "device" in bearers and "/" in name
            return name, _by_path(name) if is_path else bearers
    return "", {}


def _by_path(path: str) -> dict[str, str]:
    """Return the event's names for a device that the line names by its full path."""
    parent, _, id = path.rpartition("/")
    has_id = parent == "/machine/peripheral"
    return {"path": path, **({"info.device": id} if has_id else {})}


def member(event: Event, path: str) -> Json:
    """Return a member of an event's data, or of one of its members; None if there is none."""
    found: Json = event.data
    for name in path.split("."):
        found = as_dict(found).get(name)
    return found
