"""The messages of QMP as values.

Source: QMP specification, "Protocol Specification"; wire.md sections 1, 7 and 13 for what servers
really send (key order means nothing, an error may lack `id`, StratoVirt's greeting has a different
key under `version`).
"""

from __future__ import annotations

import json
import sys
from itertools import islice

from qmpsh.errors import ProtocolError, UsageError, shortened
from qmpsh.jsontypes import Json, JsonObject, get_dict, get_str, get_strs
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

_HALF_CHARACTER: Final = (
    "{name}: an argument holds {character!a}, which is half a character and cannot be sent"
)
_NO_NUMBER: Final = "{name}: an argument holds a number that JSON cannot carry"
_TOO_DEEP: Final = "{name}: the arguments are nested too deeply"
_NOT_QMP: Final = "the server sent {what} (members: {members})"


class Command(NamedTuple):
    """A request of the client.

    name:      of the QMP command
    arguments: an object, or None to send no `arguments` member. Raw JSON may have another type,
               which is sent unchanged for the server to judge
    oob:       run out of band: `exec-oob` instead of `execute`
    extra:     further top-level members from raw JSON; they override ours
    fd:        an open file descriptor to pass along; the sender closes it
    via:       whose it is, for the trace; "" for our own
    by_user:   the user has sent it, and not the shell of itself; for the trace
    """

    name: str
    arguments: Json = None
    oob: bool = False
    extra: JsonObject | None = None
    fd: int | None = None
    via: str = ""
    by_user: bool = False


class Greeting(NamedTuple):
    """The server's first message.

    version:      like "7.2.22"; "" if the server names none
    package:      may be empty
    capabilities: those the server offers, such as "oob"
    raw:          the message as received
    """

    version: str
    package: str
    capabilities: tuple[str, ...]
    raw: JsonObject


class Reply(NamedTuple):
    """A success.

    id:   ours, filled in if the server omitted it
    size: bytes on the wire
    """

    id: str | None
    value: Json
    size: int
    raw: JsonObject


class ErrorReply(NamedTuple):
    """A failure.

    id:   None if it belongs to no waiting command
    size: bytes on the wire
    """

    id: str | None
    error_class: str
    desc: str
    size: int
    raw: JsonObject


class Event:
    """A message of the server that something happened in the VM.

    data:    {} if the server sent none
    time:    Unix time by the server's clock, with fraction; None if it sent none (-1 in the
             specification, or the misspelt keys in StratoVirt's manual)
    raw:     the message as received
    size:    bytes on the wire

    Thousands of events may be kept, and as Python's objects each takes ten times its size on the
    wire: `pack` leaves the text, from which data and raw are decoded when they are asked for.
    """

    __slots__ = ("_data", "_raw", "_text", "name", "size", "time")

    def __init__(
        self, name: str, data: JsonObject, time: float | None, raw: JsonObject, size: int = 0
    ) -> None:
        self.name = name
        self.time = time
        self.size = size
        self._data = data
        self._raw = raw
        self._text = ""

    @property
    def data(self) -> JsonObject:
        """What the server says of it."""
        return _event_data(self.raw) if self._text else self._data

    @property
    def raw(self) -> JsonObject:
        """The message as received."""
        if not self._text:
            return self._raw
        raw: JsonObject = json.loads(self._text)
        return raw

    def pack(self) -> None:
        """Keep it as text from here on."""
        # What a caller made up may have data that the message lacks.
        if not self._text and (self._data is self._raw.get("data") or not self._data):
            self._text = _ENCODER.encode(self._raw)
            self._data = self._raw = _NOTHING

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        mine, theirs = (
            (event.name, event.data, event.time, event.raw, event.size) for event in (self, other)
        )
        return mine == theirs


Message = Greeting | Reply | ErrorReply | Event

HMP: Final = "human-monitor-command"
"""The QMP command that runs a line of the human monitor"""

HMP_MARKER: Final = "hmp-monitor"
"""A member of the greeting that is made of an HMP monitor's banner"""

# No spaces: QEMU reads a request byte by byte, about 5 microseconds each (wire.md section 3).
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_UNICODE_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)
_NOTHING: Final[JsonObject] = {}
_END_OF_TIME = 2**63  # a clock's limit; an int that is too large would not convert to float
_MAX_NAMED_MEMBERS = 20  # members of an unknown message that are named
_HMP_QUITS = frozenset({"quit", "q"})


def ends_vm(command: Command) -> bool:
    """Whether the command ends the VM: `quit`, as a QMP command or through HMP."""
    if command.name != HMP:
        return command.name == "quit"
    words = get_str(command.arguments, "command-line").split(maxsplit=1)
    return bool(words) and words[0] in _HMP_QUITS


def encode_command(command: Command, id: str) -> bytes:
    """Encode a request as one line of ASCII JSON.

    A newline is added unless the command ends the VM: QEMU would exit without reading that byte,
    and the kernel would then reset the connection and lose the reply (wire.md section 8).
    Raises UsageError for what JSON cannot represent.
    """
    request = command_object(command)
    request["id"] = id
    try:
        text = _ENCODER.encode(request)
        if "\\ud" in text:  # maybe a lone surrogate, for which QEMU refuses the whole request
            _UNICODE_ENCODER.encode(request).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            _HALF_CHARACTER.format(name=command.name, character=error.object[error.start])
        ) from error
    except ValueError as error:
        raise UsageError(_NO_NUMBER.format(name=command.name)) from error
    except RecursionError as error:
        raise UsageError(_TOO_DEEP.format(name=command.name)) from error
    return text.encode("ascii") if ends_vm(command) else text.encode("ascii") + b"\n"


def command_object(command: Command) -> JsonObject:
    """Return the request as a JSON object, without an id."""
    request: JsonObject = {"exec-oob" if command.oob else "execute": command.name}
    if command.arguments is not None:
        request["arguments"] = command.arguments
    if command.extra:
        request.update(command.extra)
    return request


def classify(object: JsonObject, size: int) -> Message:
    """Turn a JSON object from the server into a message.

    size: its bytes on the wire
    Raises ProtocolError if it is not a QMP message.
    """
    if "return" in object:
        return Reply(_id(object), object["return"], size, object)
    if "error" in object:
        return _error_reply(object, size)
    if "event" in object:
        return _event(object, size)
    if "QMP" in object:
        return _greeting(object)
    raise _unexpected("a message of no known kind", object)


def _id(object: JsonObject) -> str | None:
    """Return the id; our ids are strings, so one of another type is not ours."""
    id = object.get("id")
    return id if isinstance(id, str) else None


def _error_reply(object: JsonObject, size: int) -> ErrorReply:
    error = object["error"]
    if isinstance(error, dict):
        error_class, desc = error.get("class"), error.get("desc")
        if isinstance(error_class, str) and isinstance(desc, str):
            return ErrorReply(_id(object), error_class, desc, size, object)
    raise _unexpected("an error without class and description", object)


def _event(object: JsonObject, size: int) -> Event:
    name, data = object["event"], object.get("data", {})
    if isinstance(name, str) and isinstance(data, dict):
        # Interned, since the same few names come again and again.
        known = sys.intern(shortened(name))
        return Event(known, data, unix_time(object.get("timestamp")), object, size)
    raise _unexpected("an event without name or with wrong data", object)


def _event_data(raw: JsonObject) -> JsonObject:
    return get_dict(raw, "data")


def unix_time(timestamp: Json) -> float | None:
    """Return the Unix time in an event's timestamp, or None. The specification uses -1 for "no
    clock"; StratoVirt's manual has a different key (wire.md section 13).
    """
    if not isinstance(timestamp, dict):
        return None
    seconds, microseconds = timestamp.get("seconds"), timestamp.get("microseconds")
    if not isinstance(seconds, int) or not 0 <= seconds < _END_OF_TIME:
        return None
    if not isinstance(microseconds, int) or not 0 <= microseconds < 1_000_000:
        return float(seconds)
    return seconds + microseconds / 1e6


def _greeting(object: JsonObject) -> Greeting:
    body = object["QMP"]
    if not isinstance(body, dict):
        raise _unexpected("a greeting that says nothing", object)
    number, package = _version(get_dict(body, "version"))
    return Greeting(number, package, get_strs(body, "capabilities"), object)


def _version(version: JsonObject) -> tuple[str, str]:
    """Return number and package; the number's key is "qemu", or "StratoVirt" in old StratoVirts."""
    numbers = next((value for value in version.values() if isinstance(value, dict)), {})
    parts = [numbers.get(part) for part in ("major", "minor", "micro")]
    known = all(isinstance(part, int) for part in parts)
    number = ".".join(str(part) for part in parts) if known else ""
    return shortened(number), shortened(get_str(version, "package"))


def _unexpected(what: str, object: JsonObject) -> ProtocolError:
    members = shortened(", ".join(map(ascii, islice(object, _MAX_NAMED_MEMBERS))))
    return ProtocolError(_NOT_QMP.format(what=what, members=members))
