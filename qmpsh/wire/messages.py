"""The messages of QMP as values.

Source: QMP specification, "Protocol Specification"; WIRE.md sections 1, 7 and 13 for what servers
really send (key order is never meaningful, `id` may be missing from an error, StratoVirt greets
with another key under `version`).
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Final, NamedTuple

from qmpsh.errors import ProtocolError, UsageError, shortened
from qmpsh.jsontypes import Json, JsonObject


class Command(NamedTuple):
    """What a client asks for.

    arguments: an object; another type only where raw JSON had it, which goes out as it stands so
               that the server judges it. None sends no `arguments` member at all
    oob:       out of band: `exec-oob` in the place of `execute`
    extra:     further top-level members of raw JSON; they override ours
    fd:        an open descriptor that goes along; whoever is given the command to send closes it
    """

    name: str
    arguments: Json = None
    oob: bool = False
    extra: JsonObject | None = None
    fd: int | None = None


class Greeting(NamedTuple):
    """version: "7.2.22", or "" when the server names none; package: may be empty."""

    version: str
    package: str
    capabilities: tuple[str, ...]
    raw: JsonObject


class Reply(NamedTuple):
    """A success. id: ours, filled in where the server left it out; size: bytes on the wire."""

    id: str | None
    value: Json
    size: int
    raw: JsonObject


class ErrorReply(NamedTuple):
    """A failure. id: None when it belongs to no command that is waiting."""

    id: str | None
    error_class: str
    desc: str
    size: int
    raw: JsonObject


class Event(NamedTuple):
    """Something happened in the VM. data: {} where the server sent none.

    seconds: Unix time of the server's clock with fraction, or None where it had none (the
    specification's -1, or StratoVirt's manual's misspelt keys).
    size: bytes on the wire
    """

    name: str
    data: JsonObject
    seconds: float | None
    raw: JsonObject
    size: int = 0


Message = Greeting | Reply | ErrorReply | Event

# No blanks: QEMU takes a request in byte by byte, about 5 microseconds each (WIRE.md section 3).
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_UNICODE_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)
_END_OF_TIME = 2**63  # what a clock can say; more does not fit a float at some point
_NAMED = 20  # members of an unknown message
_HMP = "human-monitor-command"
_HMP_QUITS = frozenset({"quit", "q"})


def ends_vm(command: Command) -> bool:
    """Whether the VM ends when it obeys: `quit`, as a command or as a line for HMP."""
    if command.name != _HMP:
        return command.name == "quit"
    arguments = command.arguments
    line = arguments.get("command-line") if isinstance(arguments, dict) else None
    words = line.split(maxsplit=1) if isinstance(line, str) else []
    return bool(words) and words[0] in _HMP_QUITS


def encode_command(command: Command, id: str) -> bytes:
    """The request as one line of ASCII JSON.

    It ends with a newline, but not when it ends the VM: QEMU would exit with that byte unread, and
    the kernel then resets the connection, replies and all (WIRE.md section 8).
    Raises UsageError for what JSON cannot carry.
    """
    request = command_object(command)
    request["id"] = id
    try:
        text = _ENCODER.encode(request)
        if "\\ud" in text:  # perhaps half of a surrogate pair: QEMU refuses the whole request
            _UNICODE_ENCODER.encode(request).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{command.name}: an argument holds {error.object[error.start]!a},"
            " which is half a character and cannot be sent"
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{command.name}: an argument holds a number that JSON cannot carry"
        ) from error
    except RecursionError as error:
        raise UsageError(f"{command.name}: the arguments are nested too deeply") from error
    return text.encode("ascii") if ends_vm(command) else text.encode("ascii") + b"\n"


def command_object(command: Command) -> JsonObject:
    """The request as JSON says it, without an id."""
    request: JsonObject = {"exec-oob" if command.oob else "execute": command.name}
    if command.arguments is not None:
        request["arguments"] = command.arguments
    if command.extra:
        request.update(command.extra)
    return request


def classify(object: JsonObject, size: int) -> Message:
    """The message that a JSON object from the server is.

    size: its bytes on the wire
    Raises ProtocolError where it is none.
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
    """Ours are strings; another type belongs to nobody here."""
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
        return Event(name, data, _seconds(object.get("timestamp")), object, size)
    raise _unexpected("an event without name or with wrong data", object)


def _seconds(timestamp: Json) -> float | None:
    """-1 is the specification's "no clock"; StratoVirt's manual has another key (section 13)."""
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
    version, capabilities = body.get("version"), body.get("capabilities")
    number, package = _version(version) if isinstance(version, dict) else ("", "")
    names = capabilities if isinstance(capabilities, list) else []
    offered = tuple(name for name in names if isinstance(name, str))
    return Greeting(number, package, offered, object)


def _version(version: JsonObject) -> tuple[str, str]:
    """Number and package; the number's key is "qemu", in old StratoVirts "StratoVirt"."""
    package = version.get("package")
    numbers = next((value for value in version.values() if isinstance(value, dict)), {})
    parts = [numbers.get(part) for part in ("major", "minor", "micro")]
    known = all(isinstance(part, int) for part in parts)
    number = ".".join(str(part) for part in parts) if known else ""
    return shortened(number), shortened(package) if isinstance(package, str) else ""


def _unexpected(what: str, object: JsonObject) -> ProtocolError:
    members = shortened(", ".join(map(ascii, islice(object, _NAMED))))
    return ProtocolError(f"the server sent {what} (members: {members})")
