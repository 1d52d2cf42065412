"""What a recorded VM answers: the state of a replay, without a socket or a clock.

Theory of operation. What changes the VM divides the recording into windows; the replay stands in
one of them. A query is answered from its window, each time it is asked by the next answer there and
then by the last one again, or by an earlier window. A command that changes something moves on to
the window that it begins, or if none follows is answered as it was the last time. The events of a
window are due at their recorded distance, and never later than an answer that came after them.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, JsonObject, as_dict, get_dict
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command, ends_vm
from qmpsh.replay.pairing import RecordedCommand, RecordedEvent
from qmpsh.replay.recording import CommandGroup, Recording
from qmpsh.secrets.rules import mask_arguments

_OTHER_ARGUMENTS: Final = "replay: {name} was recorded {times} with {arguments}"
_ONCE: Final = "once,"
_TIMES: Final = "{count} times, the last time"
_NOT_SENT: Final = "replay: {name} is not in this recording, which holds {names}"
_NO_MORE: Final = "replay: {name} is not recorded once more (--strict)"
_TOO_EARLY: Final = "replay: {name} is recorded only later (--strict)"
_NO_COMMAND: Final = "The command {name} has not been found"
_NAMES: Final = 12
_MORE: Final = " and {count} more"
_GENERIC, _NOT_FOUND = "GenericError", "CommandNotFound"
_SYNCS: Final = {"guest-sync": False, "guest-sync-delimited": True}
"""What a guest agent answers with the id given, and whether a byte goes before that"""


class RecordedAnswer(NamedTuple):
    """What goes out for a command.

    events, last: before the reply, and right after it; reply: None for none
    ends:         the connection ends with it
    has_sentinel: a guest agent's byte goes before the reply
    """

    events: list[JsonObject]
    reply: JsonObject | None
    ends: bool = False
    last: Sequence[JsonObject] = ()
    has_sentinel: bool = False


def ignore_mismatch(command: Command, why: str) -> None:
    """Report nothing of a command that is refused."""


class Answers:
    """The state of a replay. Times are seconds of any one clock.

    speed:  of the events, by which their recorded distance is divided; 0 sends them at once
    strict: what is not recorded so often, or not yet, is refused
    on_mismatch: called with the command and the reason for what is refused
    """

    def __init__(
        self,
        recording: Recording,
        *,
        speed: float = 1.0,
        strict: bool = False,
        on_mismatch: Callable[[Command, str], None] = ignore_mismatch,
    ) -> None:
        self._recording = recording
        self._speed = speed
        self._strict = strict
        self._on_mismatch = on_mismatch
        self._window = 0
        self._begun = 0.0
        self._waiting: deque[RecordedEvent] = deque()
        self._times: dict[int, tuple[int, int]] = {}  # by the group: its window, how often asked
        self._asked: set[RecordedCommand] = set()
        self._session = 0
        self._is_used = False

    @property
    def recording(self) -> Recording:
        """What is played."""
        return self._recording

    def connect(self) -> int:
        """Begin a connection; return the number of its session.

        It is the next one if the user's commands of this one were asked for, the last one again if
        there is none.
        """
        if self._is_used and self._session + 1 < len(self._recording.sessions):
            self._session += 1
        self._is_used = False
        self._times.clear()
        self._waiting.clear()
        return self._session

    def begin(self, now: float) -> None:
        """Begin the session, whose client has negotiated."""
        self._enter(self._recording.sessions[self._session].begin, now)

    def answer(self, command: Command, now: float) -> RecordedAnswer:
        """Return what goes out for a command."""
        if command.name in _SYNCS:
            return _sync_reply(command)
        group = self._recording.find(command)
        if group is None:
            return self._unknown(command)
        if group.commands[0].changes:
            return self._change(command, group, now)
        return self._query(command, group)

    # ------------------------------------------------------------------------ what is recorded

    def _change(self, command: Command, group: CommandGroup, now: float) -> RecordedAnswer:
        """Move on to where the command was sent next."""
        found = group.next_change(self._window)
        if found is None and self._strict:
            return self._refused(command, _NO_MORE.format(name=command.name))
        found = found or group.commands[-1]
        events = self._overdue(math.inf) + [event.message for event in found.before]
        position = max(self._window, found.window)
        self._enter(found, now)
        self._window = position
        self._note(found)
        if ends_vm(command) and found.reply is not None and "return" in found.reply:
            return RecordedAnswer(events, found.reply, ends=True, last=self._overdue(math.inf))
        return RecordedAnswer(events, found.reply, self._is_end(found))

    def _query(self, command: Command, group: CommandGroup) -> RecordedAnswer:
        """Answer from the window, or the nearest one that has an answer."""
        first, last = group.within(self._window)
        window, times = self._times.get(id(group), (-1, 0))
        times = times if window == self._window else 0
        self._times[id(group)] = self._window, times + 1
        if first < last:
            found = group.commands[min(first + times, last - 1)]
        elif first:
            found = group.commands[first - 1]
        elif self._strict:
            return self._refused(command, _TOO_EARLY.format(name=command.name))
        else:
            found = group.commands[0]
        events = self._overdue(found.replied) if found.window == self._window else []
        self._note(found)
        return RecordedAnswer(events, found.reply, self._is_end(found))

    def _note(self, found: RecordedCommand) -> None:
        self._asked.add(found)
        self._is_used = self._is_used or found.by != "shell"

    def _is_end(self, found: RecordedCommand) -> bool:
        """Whether the server ended the connection in the place of a reply."""
        number = self._recording.session_at(found.window)
        return found.reply is None and self._recording.sessions[number].ended

    def unasked(self) -> list[RecordedCommand]:
        """Return what the user's commands were, as far as they were not asked for again."""
        return [
            one
            for one in self._recording.commands
            if one.by in ("", "user") and one.name not in _SYNCS and one not in self._asked
        ]

    # ------------------------------------------------------------------------ what is not

    def _unknown(self, command: Command) -> RecordedAnswer:
        """Answer from what is known otherwise, or say what is recorded."""
        value = self._known(command.name)
        if value is not None:
            return RecordedAnswer([], {"return": value})
        if command.name == "quit" and not self._strict:
            return RecordedAnswer([], {"return": {}}, ends=True)
        groups = self._recording.named(command.name)
        if groups:
            count = sum(len(group.commands) for group in groups)
            times = _ONCE if count == 1 else _TIMES.format(count=count)
            shown = shortened(json.dumps(mask_arguments(command.name, groups[-1].arguments)))
            why = _OTHER_ARGUMENTS.format(name=command.name, times=times, arguments=shown)
            return self._refused(command, why)
        if command.name not in self._recording.command_list(self._session):
            return self._refused(command, _NO_COMMAND.format(name=command.name), _NOT_FOUND)
        names = self._recording.names
        shown = ", ".join(names[:_NAMES])
        more = _MORE.format(count=len(names) - _NAMES) if len(names) > _NAMES else ""
        return self._refused(command, _NOT_SENT.format(name=command.name, names=shown + more))

    def _known(self, name: str) -> Json:
        """Return what the schema and the greeting answer, None for other commands."""
        recording = self._recording
        if name == "query-qmp-schema":
            return recording.schema(self._session)
        if name == "query-commands":
            return [{"name": name} for name in recording.command_list(self._session)] or None
        if name == "query-version" and not recording.is_agent:
            return get_dict(recording.greeting(self._session).get("QMP"), "version") or None
        return None

    def _refused(self, command: Command, why: str, error_class: str = _GENERIC) -> RecordedAnswer:
        self._on_mismatch(command, why)
        return RecordedAnswer([], {"error": {"class": error_class, "desc": why}})

    # ------------------------------------------------------------------------ events

    def _enter(self, recorded: RecordedCommand, now: float) -> None:
        self._window = recorded.window
        self._begun = now
        self._waiting = deque(recorded.after)

    def _overdue(self, place: float) -> list[JsonObject]:
        """Take the events that came before a place in the recording."""
        events = []
        while self._waiting and self._waiting[0].place < place:
            events.append(self._waiting.popleft().message)
        return events

    @property
    def due(self) -> float | None:
        """When the next event is due, None for none."""
        if not self._waiting:
            return None
        return self._begun + (self._waiting[0].seconds / self._speed if self._speed else 0.0)

    def take_events(self, now: float) -> list[JsonObject]:
        """Take the events that are due."""
        events = []
        while (due := self.due) is not None and due <= now:
            events.append(self._waiting.popleft().message)
        return events


def _sync_reply(command: Command) -> RecordedAnswer:
    id = as_dict(command.arguments).get("id")
    return RecordedAnswer([], {"return": id}, has_sentinel=_SYNCS[command.name])
