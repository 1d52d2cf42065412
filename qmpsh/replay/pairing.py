"""Pairs what was sent with what came back: the sessions that a text holds. Pure.

A reply belongs to the command with its id, or without ids to the oldest one. Events belong to what
changed the VM last: those between such a command and its reply come before the reply, all others
after it, at their distance in time. Queries own no events, as they may be asked otherwise when the
recording is played.

A text may hold each message several times (libvirtd's debug log does), and several monitors. What
is there already is not taken again, as far as ids and time stamps show it.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from qmpsh.jsontypes import JsonObject, as_dict, get_dict, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command, unix_time
from qmpsh.replay.scanner import FoundMessage, MessageKind, kind_of

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)[.,](\d{3,6})")
_MONITOR: Final = re.compile(r"\bmon=(0x[0-9a-f]+)")
_LONGEST_SECONDS: Final = 1 << 53
_NEGOTIATION: Final = "qmp_capabilities"


class RecordedEvent(NamedTuple):
    """An event. place: among all messages of its session; seconds: after what it belongs to"""

    place: int
    seconds: float
    message: JsonObject


class RecordedCommand:
    """A command with its reply, and with the events that it has.

    name:      "" for the beginning of a session
    by:        user or shell, "" where the recording does not say
    changes:   it may change something
    reply:     None where none came
    replied:   the place of the reply among all messages of its session
    before:    events that came before the reply
    after:     events that came after the reply, up to the next command that changes something
    window:    how many commands that change something stand before it in the recording, itself
               counted if it does
    """

    __slots__ = (
        *("after", "arguments", "before", "by", "changes", "name", "replied", "reply", "seconds"),
        "window",
    )

    def __init__(
        self, command: Command, by: str = "", *, changes: bool = True, seconds: float = 0.0
    ) -> None:
        self.name = command.name
        self.arguments: JsonObject = as_dict(command.arguments)
        self.by = by
        self.changes = changes
        self.seconds = seconds
        self.reply: JsonObject | None = None
        self.replied = 0
        self.before: list[RecordedEvent] = []
        self.after: list[RecordedEvent] = []
        self.window = 0


class RecordedSession:
    """The session of one connection.

    greeting: None for none
    schema:   the hash of the server's, "" where the recording does not say
    ended:    by the server
    """

    def __init__(self) -> None:
        self.greeting: JsonObject | None = None
        self.schema = ""
        self.begin = RecordedCommand(Command(""))
        self.commands: list[RecordedCommand] = []
        self.ended = False


class _Entry(NamedTuple):
    """A message with what its line says of it. stream: which monitor, or which session of ours"""

    kind: MessageKind
    message: JsonObject
    stream: str
    seconds: float | None
    by: str


def pair(
    found: Iterable[FoundMessage], reads_only: Callable[[Command], bool]
) -> tuple[list[RecordedSession], dict[str, str]]:
    """Return the sessions of a text, and the packed schemas of a recording by their hashes.

    reads_only: whether a command changes nothing
    """
    streams: dict[str, _Stream] = {}
    begun: list[tuple[str, RecordedSession]] = []
    schemas: dict[str, str] = {}
    for one in found:
        entry = _read_entry(one)
        if entry is None:
            continue
        stream = streams.get(entry.stream)
        if stream is None:
            stream = streams[entry.stream] = _Stream(entry.stream, reads_only, begun)
        if entry.kind is MessageKind.LOGGED:
            stream.take_remark(entry.message)
            schema = get_dict(entry.message, "schema")
            if "gz" in schema:
                schemas[get_str(schema, "sha256")] = get_str(schema, "gz")
        else:
            stream.take(entry)
    sessions = _without_copies(begun)
    return [one for one in sessions if one.commands or one.greeting or one.begin.after], schemas


def _without_copies(begun: Sequence[tuple[str, RecordedSession]]) -> list[RecordedSession]:
    """Return the sessions; where monitors are named, what names none is a copy but for greetings.

    Source: libvirt, qemuMonitorJSONIOProcessLine.
    """
    named = [session for stream, session in begun if stream]
    if not named:
        return [session for _, session in begun]
    greeting = next((one.greeting for stream, one in begun if not stream and one.greeting), None)
    for session in named:
        session.greeting = session.greeting or greeting
    return named


def _read_entry(found: FoundMessage) -> _Entry | None:
    """Return a message with its time and its monitor; None for a line of a log without one."""
    if found.kind is not MessageKind.LOGGED:
        monitors = _MONITOR.findall(found.near)
        stream = monitors[-1] if monitors else ""
        return _Entry(found.kind, found.message, stream, _seconds(found), "")
    line, message = found.message, get_dict(found.message, "message")
    session, seconds = line.get("session"), line.get("monotonic")
    stream = f"{get_str(line, 'address')} {session}"
    at = None
    if isinstance(seconds, (int, float)) and abs(seconds) < _LONGEST_SECONDS:
        at = float(seconds)
    if line["direction"] == "meta":
        return _Entry(found.kind, message, stream, at, "")
    kind = kind_of(message)
    by = get_str(line, "by") or ("other" if "via" in line else "")
    return None if kind is None else _Entry(kind, message, stream, at, by)


def _seconds(found: FoundMessage) -> float | None:
    """Return when a message was written, by what stands before it or, for an event, in it."""
    stamps = _TIME.findall(found.near)
    if stamps:
        day, clock, fraction = stamps[-1]
        try:
            return (
                datetime.fromisoformat(f"{day}T{clock}.{fraction:0<6}")
                .replace(tzinfo=UTC)
                .timestamp()
            )
        except ValueError:
            return None
    return unix_time(found.message.get("timestamp"))


class _Stream:
    """The messages of one monitor, or of one numbered session of ours, as they come."""

    def __init__(
        self,
        name: str,
        reads_only: Callable[[Command], bool],
        begun: list[tuple[str, RecordedSession]],
    ) -> None:
        self._name = name
        self._reads_only = reads_only
        self._begun = begun
        self._begin()

    def _begin(self) -> None:
        self._session = RecordedSession()
        self._begun.append((self._name, self._session))
        # What has no reply so far, oldest first, by its id or without one; and what of that changes
        # something.
        self._with_id: OrderedDict[str, RecordedCommand] = OrderedDict()
        self._without_id: deque[RecordedCommand] = deque()
        self._changes: OrderedDict[RecordedCommand, None] = OrderedDict()
        self._negotiations: set[str] = set()
        self._last = self._session.begin  # what changed something last, and was answered
        self._now = 0.0
        self._place = 0
        self._last_event: JsonObject | None = None

    def take_remark(self, remark: JsonObject) -> None:
        """A remark of a recording: a connection begins, or has ended."""
        if "ended" in remark:
            self._session.ended = True
        elif "schema" in remark:
            self._session.schema = get_str(get_dict(remark, "schema"), "sha256")
        elif "format" in remark and (self._session.commands or self._session.greeting):
            self._begin()

    def take(self, entry: _Entry) -> None:
        """Take the next message."""
        self._place += 1
        if entry.seconds is not None:
            self._now = entry.seconds
        match entry.kind:
            case MessageKind.GREETING:
                self._greet(entry.message)
            case MessageKind.REQUEST:
                self._send(entry)
            case MessageKind.REPLY:
                self._answer(entry.message)
            case MessageKind.EVENT:
                self._happen(entry.message)
            case MessageKind.LOGGED:
                pass  # a line of a log within one

    def _greet(self, greeting: JsonObject) -> None:
        session = self._session
        if session.greeting == greeting and not session.commands:
            return  # a second copy
        if session.greeting is not None or session.commands:
            self._begin()
        self._session.greeting = greeting
        self._session.begin.seconds = self._now

    def _send(self, entry: _Entry) -> None:
        message = entry.message
        name = get_str(message, "execute") or get_str(message, "exec-oob")
        key = _key(message)
        if name == _NEGOTIATION:
            self._negotiate(key)
            return
        command = Command(name, message.get("arguments"))
        known = self._with_id.get(key)
        if known is not None and _is_same(known, command):
            return  # a second copy
        changes = not self._reads_only(command)
        recorded = RecordedCommand(command, entry.by, changes=changes, seconds=self._now)
        self._session.commands.append(recorded)
        if "id" not in message:
            self._without_id.append(recorded)
        else:
            self._with_id[key] = recorded
        if known is not None:
            self._changes.pop(known, None)
        if changes:
            self._changes[recorded] = None

    def _negotiate(self, key: str) -> None:
        if key in self._negotiations:
            return  # a second copy
        if self._session.commands:
            self._begin()  # of a text that shows no greetings
        self._negotiations.add(key)

    def _answer(self, message: JsonObject) -> None:
        key = _key(message)
        if key in self._negotiations:
            self._negotiations.discard(key)
            self._last.seconds = self._now
            return
        recorded = self._with_id.pop(key, None) if "id" in message else self._take_oldest()
        if recorded is None:
            return  # a second copy
        self._changes.pop(recorded, None)
        recorded.reply = {key: value for key, value in message.items() if key != "id"}
        recorded.replied = self._place
        if recorded.changes:
            recorded.before, recorded.after = recorded.after, []
            recorded.seconds = self._now
            self._last = recorded

    def _take_oldest(self) -> RecordedCommand | None:
        """Take the command that a reply without an id answers, None for none."""
        if self._without_id:
            return self._without_id.popleft()
        return self._with_id.popitem(last=False)[1] if self._with_id else None

    def _happen(self, event: JsonObject) -> None:
        has_time = bool(get_dict(event, "timestamp").get("seconds"))
        if event == self._last_event and has_time:
            return  # a second copy
        self._last_event = event
        owner = next(iter(self._changes), self._last)
        owner.after.append(RecordedEvent(self._place, max(0.0, self._now - owner.seconds), event))


def _key(message: JsonObject) -> str:
    return json.dumps(message["id"], sort_keys=True) if "id" in message else ""


def _is_same(known: RecordedCommand, command: Command) -> bool:
    return known.name == command.name and known.arguments == as_dict(command.arguments)
