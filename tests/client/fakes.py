"""A stream that is not a socket, what it receives, and a subscriber that remembers."""

from __future__ import annotations

import json
import os

from qmpsh.client.client import Subscriber
from qmpsh.errors import ConnectionLost
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import ErrorReply, Event, Reply


class FakeStream:
    """A stream that receives what it was given and remembers what was sent.

    received: one piece a read; None is "would block", and so is the end of the list
    room:     bytes that one send takes; 0 takes none, None all
    broken:   raised by every send
    """

    awaits = ""
    wants_write = False

    def __init__(
        self,
        received: list[bytes | None],
        room: int | None = None,
        broken: ConnectionLost | None = None,
    ) -> None:
        self.received = received
        self.room = room
        self.broken = broken
        self.sent: list[bytes] = []
        self.closed = False
        # A descriptor that can always be read and written to, so that every poll is a turn.
        self._descriptor = os.open(os.devnull, os.O_RDWR)

    def fileno(self) -> int:
        return self._descriptor

    def recv(self, size: int) -> bytes | None:
        return self.received.pop(0) if self.received else None

    def send(self, data: bytes) -> int:
        if self.broken is not None:
            raise self.broken
        taken = data if self.room is None else data[: self.room]
        if taken:
            self.sent.append(taken)
        return len(taken)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self._descriptor)
            self._descriptor = -1


def line(message: JsonObject) -> bytes:
    return json.dumps(message).encode() + b"\r\n"


def reply(id: str, value: JsonObject | None = None) -> bytes:
    return line({"return": value or {}, "id": id})


class Heard(list[Event | Reply | ErrorReply]):
    """A subscriber that remembers."""

    @property
    def subscriber(self) -> Subscriber:
        return self.append
