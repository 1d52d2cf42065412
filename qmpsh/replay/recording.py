"""What was recorded, indexed by what may be asked. Pure, but for the reading of the file."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from qmpsh.client.dialect import command_names
from qmpsh.errors import UsageError, os_reason
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_str
from qmpsh.protocol.messages import Command
from qmpsh.regular import MAX_SCHEMA_BYTES, read_regular, unpacked
from qmpsh.replay.pairing import RecordedCommand, RecordedSession, pair
from qmpsh.replay.scanner import scan
from qmpsh.secrets.text import MASK

MAX_RECORDING_BYTES: Final = 64 << 20

_UNREADABLE: Final = "cannot read {path}: {reason}"
_EMPTY: Final = (
    "{path} holds no command with its reply; qmpsh --record FILE makes a recording, and logs of"
    " libvirtd and qemu.qmp are read as well"
)
_NO_SESSION: Final = "--session {number}: the connections in {path} are numbered from 1 to {count}"
_GZIP: Final = 16 + zlib.MAX_WBITS  # of what is decompressed
_AGENT: Final = "guest-"
_NO_VERSION: Final[JsonObject] = {"qemu": {"micro": 0, "minor": 0, "major": 0}, "package": ""}


class CommandGroup:
    """The commands of one name with the same arguments, in the order of the recording."""

    def __init__(self, first: RecordedCommand) -> None:
        self.arguments = first.arguments
        self.commands: list[RecordedCommand] = []
        self.is_masked = MASK in json.dumps(first.arguments)

    def add(self, recorded: RecordedCommand) -> None:
        """Append one; a query that was not answered counts only if none was."""
        if self.commands and not recorded.changes:
            if recorded.reply is None:
                return
            if self.commands[-1].reply is None:
                self.commands.pop()
        self.commands.append(recorded)

    def within(self, window: int) -> tuple[int, int]:
        """Return where in `commands` those of a window begin and end."""
        commands = self.commands
        return bisect_left(commands, window, key=_window), bisect_right(
            commands, window, key=_window
        )

    def next_change(self, window: int) -> RecordedCommand | None:
        """Return the first one after a window, None for none."""
        later = self.within(window)[1]
        return self.commands[later] if later < len(self.commands) else None


class Recording:
    """The sessions of a text, as one history.

    schemas:  packed, by their hashes
    windows:  what changed something, in order, with the beginning of each session among it
    sessions: of connections
    """

    def __init__(
        self, sessions: Sequence[RecordedSession], schemas: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.sessions = list(sessions)
        self._schemas = schemas
        self.windows: list[RecordedCommand] = []
        self._groups: dict[str, dict[str, CommandGroup]] = {}
        self._given: list[Json] | None = None
        for session in self.sessions:
            self._add_window(session.begin)
            for recorded in session.commands:
                if recorded.changes:
                    self._add_window(recorded)
                recorded.window = len(self.windows) - 1
                self._add(recorded)

    def _add_window(self, recorded: RecordedCommand) -> None:
        recorded.window = len(self.windows)
        self.windows.append(recorded)

    def _add(self, recorded: RecordedCommand) -> None:
        groups = self._groups.setdefault(recorded.name, {})
        key = _canonical(recorded.arguments)
        groups.setdefault(key, CommandGroup(recorded)).add(recorded)

    @property
    def commands(self) -> Iterator[RecordedCommand]:
        """All commands, in order."""
        for session in self.sessions:
            yield from session.commands

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the commands that were sent, each once."""
        return tuple(self._groups)

    def named(self, name: str) -> list[CommandGroup]:
        """Return what was recorded of a command, by its arguments."""
        return list(self._groups.get(name, {}).values())

    def find(self, command: Command) -> CommandGroup | None:
        """Return what was recorded of a command with its arguments."""
        groups = self._groups.get(command.name, {})
        arguments = command.arguments if isinstance(command.arguments, dict) else {}
        exact = groups.get(_canonical(arguments))
        if exact is not None:
            return exact
        masked = (group for group in groups.values() if group.is_masked)
        return next((group for group in masked if is_like(group.arguments, arguments)), None)

    def session_at(self, window: int) -> int:
        """Return the number of the session that a window is in."""
        return bisect_right(self.sessions, window, key=lambda one: one.begin.window) - 1

    @property
    def is_agent(self) -> bool:
        """Whether it is of a guest agent, which does not greet."""
        has_greeting = any(session.greeting for session in self.sessions)
        return not has_greeting and any(name.startswith(_AGENT) for name in self.names)

    def greeting(self, number: int) -> JsonObject:
        """Return the greeting of a session; where none was recorded, one made of what is known."""
        greeting = self.sessions[number].greeting
        if greeting is None:
            greeting = next((one.greeting for one in self.sessions if one.greeting), None)
        if greeting is not None:
            return greeting
        version = self._answer("query-version")
        known = version if isinstance(version, dict) and "qemu" in version else _NO_VERSION
        return {"QMP": {"version": known, "capabilities": ["oob"]}}

    def use_schema(self, entities: list[Json]) -> None:
        """Use a schema from elsewhere."""
        self._given = entities

    def schema(self, number: int = -1) -> list[Json] | None:
        """Return what query-qmp-schema returned in a session, None where that was not recorded."""
        if self._given is not None:
            return self._given
        hashes = [session.schema for session in self.sessions]
        for digest in (*hashes[number:][:1], *reversed(hashes)):
            if digest in self._schemas:
                return _unpack(self._schemas[digest])
        answer = self._answer("query-qmp-schema")
        return answer if isinstance(answer, list) else None

    def command_list(self, number: int = -1) -> tuple[str, ...]:
        """Return the names that the server of a session accepted, as far as they are known."""
        names = command_names(self._answer("query-commands") or self._answer("guest-info"))
        if names:
            return names
        entities = as_dicts(self.schema(number) or [])
        return tuple(
            get_str(entity, "name") for entity in entities if entity.get("meta-type") == "command"
        )

    def _answer(self, name: str) -> Json:
        """Return what the last recorded answer of a command holds, None for none."""
        groups = self.named(name)
        reply = groups[-1].commands[-1].reply if groups else None
        return reply.get("return") if reply is not None else None


def read_recording(
    path: str, reads_only: Callable[[Command], bool], session: int | None = None
) -> Recording:
    """Read a recording, or any text with QMP messages in it.

    session: the number of the one that is wanted, None for all
    Raises UsageError for a file that cannot be read or holds nothing to be answered.
    """
    sessions, schemas = pair(scan(read_text(path)), reads_only)
    if not any(one.reply is not None for found in sessions for one in found.commands):
        raise UsageError(_EMPTY.format(path=path))
    if session is not None:
        if not 1 <= session <= len(sessions):
            raise UsageError(_NO_SESSION.format(number=session, path=path, count=len(sessions)))
        sessions = [sessions[session - 1]]
    return Recording(sessions, schemas)


def read_text(path: str) -> str:
    """Read the text of a recording, compressed by gzip or not. Raises UsageError."""
    try:
        data = unpacked(read_regular(path, MAX_RECORDING_BYTES), MAX_RECORDING_BYTES)
    except OSError as error:
        raise UsageError(_UNREADABLE.format(path=path, reason=os_reason(error))) from error
    return data.decode(errors="replace")


def is_like(recorded: Json, given: Json) -> bool:
    """Whether JSON values are equal; `********` in a recorded string stands for anything."""
    if isinstance(recorded, str) and MASK in recorded:
        return recorded == MASK or (isinstance(given, str) and _fits(recorded, given))
    if isinstance(recorded, dict) and isinstance(given, dict):
        return recorded.keys() == given.keys() and all(
            is_like(value, given[key]) for key, value in recorded.items()
        )
    if isinstance(recorded, list) and isinstance(given, list):
        return len(recorded) == len(given) and all(map(is_like, recorded, given))
    return type(recorded) is type(given) and recorded == given


def _fits(pattern: str, text: str) -> bool:
    """Whether a text is a pattern with something for each mask in it; linear but for its masks."""
    first, *middle, last = pattern.split(MASK)
    if not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return position <= end


def _window(recorded: RecordedCommand) -> int:
    return recorded.window


def _canonical(arguments: JsonObject) -> str:
    return json.dumps(arguments, sort_keys=True)


def _unpack(text: str) -> list[Json] | None:
    """Return the schema in a recording, None for what is damaged or too large."""
    inflating = zlib.decompressobj(wbits=_GZIP)
    try:
        data = inflating.decompress(base64.b64decode(text), MAX_SCHEMA_BYTES)
        entities = json.loads(data)
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        return None
    return entities if isinstance(entities, list) else None
