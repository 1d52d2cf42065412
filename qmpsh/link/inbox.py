"""Where messages go: replies to the commands they answer, all else to the subscriber; and how long
a turn goes on with them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from qmpsh.errors import QmpshError
from qmpsh.link.pending import Pending
from qmpsh.wire.framing import DECODING, Pause
from qmpsh.wire.messages import Command, ErrorReply, Event, Reply

_SLICE: Final = 0.01  # seconds of one turn that decode a large message
_BACKLOG: Final = 1000  # messages kept for a subscriber to come
ROOM: Final = 4 * 1024 * 1024
"""bytes on the wire that a ring keeps; as Python's objects they may be twenty times as many"""

Subscriber = Callable[[Event | Reply | ErrorReply], None]
"""Gets every event, and every reply that belongs to no command of ours."""


M = TypeVar("M", Event, Event | Reply | ErrorReply)


class Ring(Generic[M]):
    """The newest messages. limit: how many, together of ROOM bytes; dropped: how many gave way."""

    __slots__ = ("_kept", "_limit", "_size", "dropped")

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._kept: deque[M] = deque()
        self._limit = limit
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[M]:
        return iter(self._kept)

    def append(self, message: M) -> None:
        """Keep a message, and let the oldest give way; one larger than ROOM is not kept."""
        self._kept.append(message)
        self._size += message.size
        while len(self._kept) > self._limit or self._size > ROOM:
            self.take(0)
            self.dropped += 1

    def take(self, place: int) -> M:
        """Remove a message, counted from the oldest."""
        message = self._kept[place]
        del self._kept[place]
        self._size -= message.size
        return message

    def clear(self) -> None:
        """Forget them all."""
        self._kept.clear()
        self._size = self.dropped = 0


class Turn:
    """How long a turn goes on with a large message.

    is_decoding: part of one is decoded, and another turn is wanted for the next
    """

    __slots__ = ("_end", "is_decoding")

    def __init__(self) -> None:
        self.is_decoding = False
        self._end = 0.0

    def goes_on(self, pause: Pause) -> bool:
        """Whether to decode on, given what came instead of a message."""
        if pause is not DECODING:
            self.is_decoding = False
            self._end = 0.0
            return False
        now = time.monotonic()
        self._end = self._end or now + _SLICE
        self.is_decoding = now >= self._end
        if self.is_decoding:
            self._end = 0.0
        return not self.is_decoding


class Inbox:
    """The commands that wait for their replies, and who is told of the rest."""

    __slots__ = ("_backlog", "_pendings", "_subscriber")

    def __init__(self) -> None:
        self._pendings: dict[str | None, Pending] = {}
        self._subscriber: Subscriber | None = None
        self._backlog: Ring[Event | Reply | ErrorReply] = Ring(_BACKLOG)

    def __len__(self) -> int:
        return len(self._pendings)

    @property
    def subscriber(self) -> Subscriber | None:
        """Who gets events and stray replies; what came before there was one, at once."""
        return self._subscriber

    @subscriber.setter
    def subscriber(self, subscriber: Subscriber | None) -> None:
        self._subscriber = subscriber
        while subscriber is not None and self._backlog:
            subscriber(self._backlog.take(0))

    def expect(self, command: Command, id: str) -> Pending:
        """A command is on its way: what will hold its reply."""
        pending = self._pendings[id] = Pending(command, id)
        return pending

    def take(self, message: Event | Reply | ErrorReply, *, begun: bool = True) -> Pending | None:
        """Give a message to whom it belongs; the command that it answered, if it did.

        begun: the session has; before, a reply to nobody was left behind by the last client
        """
        if isinstance(message, Event) or message.id not in self._pendings:
            if not begun and not isinstance(message, Event):
                return None
            if self._subscriber is None:
                self._backlog.append(message)
            else:
                self._subscriber(message)
            return None
        pending = self._pendings.pop(message.id)
        pending.reply = message
        pending.answered = time.monotonic()
        return pending

    def forget(self, pending: Pending) -> bool:
        """Expect a command's reply no longer; False where it has come, or was forgotten before."""
        return self._pendings.pop(pending.id, None) is not None

    def fail(self, error: QmpshError) -> None:
        """Nothing more will come: whoever waits gets the error."""
        pendings = list(self._pendings.values())
        self._pendings.clear()
        for pending in pendings:
            pending.error = error
            pending.answered = time.monotonic()
