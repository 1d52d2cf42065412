"""The messages of QMP as values.

Source: QMP specification, "Protocol Specification"; WIRE.md sections 1, 7 and 13 for what servers
really send (key order is never meaningful, `id` may be missing from an error, StratoVirt greets
with another key under `version`).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from qmpsh.errors import ProtocolError, UsageError
from qmpsh.jsontypes import Json, JsonObject


class Command(NamedTuple):
    """What a client asks for. arguments: None sends no `arguments` member at all."""

    name: str
    arguments: JsonObject | None = None
    oob: bool = False


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
    """

    name: str
    data: JsonObject
    seconds: float | None
    raw: JsonObject


Message = Greeting | Reply | ErrorReply | Event
