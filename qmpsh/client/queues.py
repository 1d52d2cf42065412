"""The queues of a session: requests on their way out, commands in flight, messages coming in.

Requests are written one at a time, out of band ones first, with a window for those in band and no
more a second than the server takes. A reply goes to the command that it answers, everything else to
the subscriber, and a turn ends before a large message could hold up the program.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque

from qmpsh.client.connect import UnixStream
from qmpsh.errors import CommandFailed, ConnectionLost, QmpshError, ReplyTimeout
from qmpsh.jsontypes import JsonObject
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.framing import DECODING, Pause
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply, command_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final, TypeAlias

    from qmpsh.stream import Stream

_NOT_SENT: Final = "{name} was not sent: the server took nothing more {within}"
_SENT_IN_PART: Final = (
    "{name} was sent in part: the server took no more of it {within}; it is not carried out"
    " unless the rest follows"
)
_NO_ANSWER: Final = "no answer to {name} {within}; it may still be carried out"
_NO_REPLY: Final = "no reply to {name} yet"


class Pending:
    """A command that was submitted.

    done:    it has a `reply`, or an `error` in its place, and nothing more will come
    written: the stream took all of it; before, the server cannot have obeyed
    on_reply: called with it once the reply has come, None for nothing
    """

    __slots__ = (
        "answered",
        "command",
        "done",
        "error",
        "id",
        "on_reply",
        "reply",
        "submitted",
        "written",
    )

    def __init__(self, command: Command, id: str, on_reply: ReplyHandler | None = None) -> None:
        self.command = command
        self.on_reply = on_reply
        self.id = id
        self.reply: Reply | ErrorReply | None = None
        self.error: QmpshError | None = None
        self.written = self.done = False
        self.submitted = time.monotonic()
        self.answered = self.submitted

    def finish(self) -> None:
        """Note that there is a reply, or an error in its place."""
        self.done = True
        self.answered = time.monotonic()

    def overdue(self, seconds: float, *, is_unsent: bool) -> ReplyTimeout:
        """Return the error for no reply in time. is_unsent: nothing of it was written"""
        name, within = self.command.name, f"within {seconds:g} s"
        if is_unsent:
            return ReplyTimeout(_NOT_SENT.format(name=name, within=within))
        if not self.written:
            return ReplyTimeout(_SENT_IN_PART.format(name=name, within=within))
        return ReplyTimeout(_NO_ANSWER.format(name=name, within=within))

    @property
    def seconds(self) -> float:
        """Seconds from submitting to the reply; 0.0 while there is none."""
        return self.answered - self.submitted

    def result(self) -> Reply:
        """Return the success. Raises CommandFailed, or the error that came in its place."""
        if self.error is not None:
            raise self.error
        if isinstance(self.reply, Reply):
            return self.reply
        if self.reply is None:
            raise ReplyTimeout(_NO_REPLY.format(name=self.command.name))
        raise CommandFailed(self.reply.error_class, self.reply.desc, self.id)


ReplyHandler: TypeAlias = "Callable[[Pending], None]"
"""Gets a command to which the reply has come, within the turn of the client that has read it."""

_BURST_DIVISOR: Final = 5
"""A fifth of what a second allows may go at once, the rest is spread over it"""

QueuedRequest = tuple[bytes, int | None, Pending | None]
"""An encoded request, the descriptor to pass with it, and the Pending to mark once it is sent"""


Tracer: TypeAlias = "Callable[[str, JsonObject], None]"
"""Gets every message: "->" and what was sent, "<-" and what came. Secrets are in it. At the end of
a connection that was not closed by us it gets "--" and why."""


def _as_sent(pending: Pending) -> JsonObject:
    return {**command_object(pending.command), "id": pending.id}


class RateLimiter:
    """A limit of `rate` requests in any one second; time is an argument, seconds of one clock."""

    __slots__ = ("_arrival", "_interval", "_slack")

    def __init__(self, rate: int) -> None:
        at_once = rate // _BURST_DIVISOR
        self._interval = 1 / (rate - at_once)
        # Half an interval off each side of the bound, for what adding up floats loses.
        self._slack = (at_once - 0.5) * self._interval
        self._arrival = float("-inf")  # when the next one would come were they evenly spread

    @property
    def due(self) -> float:
        """The earliest time of the next request."""
        return self._arrival - self._slack

    def consume(self, now: float) -> None:
        """Count a request that is sent now."""
        self._arrival = max(self._arrival, now) + self._interval


class Outbox:
    """The queue of requests that are still to be written, as bytes.

    `rest` is what is still to be written of the one that was begun; `error` is why nothing can be
    written any more.

    window: in-band requests on the wire at most; rate: requests a second at most, None for all
    """

    __slots__ = (
        "_carrier",
        "_fd",
        "_in_band",
        "_is_begun",
        "_on_wire",
        "_out_of_band",
        "_pending",
        "_rate_limiter",
        "error",
        "rest",
        "window",
    )

    def __init__(self, window: int, rate: int | None = None) -> None:
        self.rest = b""
        self.error: ConnectionLost | None = None
        self._fd: int | None = None  # to go with the first byte of the rest
        self._carrier: Pending | None = None  # the unanswered request that took a descriptor along
        self._pending: Pending | None = None  # whose the rest is
        self._is_begun = False  # something of the rest was written
        self._in_band: deque[QueuedRequest] = deque()
        self._out_of_band: deque[QueuedRequest] = deque()
        self._on_wire = 0  # in-band requests begun and not answered
        self.set_limits(window, rate)

    def set_limits(self, window: int, rate: int | None) -> None:
        """Go by these limits from now on."""
        self.window = window
        self._rate_limiter = None if rate is None else RateLimiter(rate)

    def put(
        self, data: bytes, *, oob: bool, fd: int | None = None, pending: Pending | None = None
    ) -> None:
        """Queue a request; one out of band overtakes all that are not begun.

        fd: goes with it, and is closed here once it went, or never can
        pending: is `written` once all of it is
        """
        (self._out_of_band if oob else self._in_band).append((data, fd, pending))

    @property
    def due(self) -> float | None:
        """When the next request may be begun, if time alone holds it back; else None."""
        if self._rate_limiter is None or self.rest or self.error or self._next() is None:
            return None
        return self._rate_limiter.due

    def begin_next(self, now: float) -> bool:
        """Make the next request the `rest`; False when none may go now.

        Only when the one before is written: nothing may come between its bytes.
        """
        if not (self._in_band or self._out_of_band):
            return False
        queue = self._next()
        if queue is None or (self._rate_limiter is not None and now < self._rate_limiter.due):
            return False
        self.rest, self._fd, self._pending = queue.popleft()
        self._is_begun = False
        if self._fd is not None:
            self._carrier = self._pending
        if queue is self._in_band:
            self._on_wire += 1
        if self._rate_limiter is not None:
            self._rate_limiter.consume(now)
        return True

    def write_to(self, stream: Stream, tracer: Tracer | None) -> None:
        """Write until there is nothing that may go now, or no room."""
        while self.error is None and (self.rest or self.begin_next(time.monotonic())):
            try:
                self._send_to(stream, tracer)
            except ConnectionLost as error:
                # Not the end yet: first comes what the server said before it went.
                self.error = error
            if self.rest:
                return

    def _traced(self) -> JsonObject:
        """Return the rest as a message, and with it `via` if it is another client's, and `by` if it
        is the user's.
        """
        pending = self._pending
        try:
            message: JsonObject = json.loads(self.rest.lstrip(b"\xff"))
        except ValueError:  # an HMP monitor's: it is shown as QMP would have it
            message = {} if pending is None else _as_sent(pending)
        if pending is None:
            return message
        if pending.command.by_user:
            message = {**message, "by": "user"}
        via = pending.command.via
        return {**message, "via": via} if via else message

    def _send_to(self, stream: Stream, tracer: Tracer | None) -> None:
        """Write of the rest what the stream takes. Raises ConnectionLost."""
        if self._fd is not None and isinstance(stream, UnixStream):
            taken = stream.send_with(self.rest, self._fd)
        else:
            taken = stream.send(self.rest)
        if taken and not self._is_begun:
            self._is_begun = True
            if tracer is not None:  # not before: what is taken back was never sent
                tracer("->", self._traced())
            self._drop_descriptor()
        self.rest = self.rest[taken:]
        if not self.rest and self._pending is not None:
            self._pending.written = True

    def withdraw(self, pending: Pending) -> bool:
        """Take back a request of which nothing was written; False where that is too late."""
        if self._pending is pending and self.rest and not self._is_begun:
            self.rest = b""
            self._drop_descriptor()
            self.count_answer(pending)
            return True
        for queue in (self._in_band, self._out_of_band):
            for request in queue:
                if request[2] is pending:
                    queue.remove(request)
                    if request[1] is not None:
                        os.close(request[1])
                    return True
        return False

    def count_answer(self, pending: Pending) -> None:
        """Make room for what waits: a request is answered, or given up."""
        if not pending.command.oob:
            self._on_wire -= 1
        if pending is self._carrier:
            self._carrier = None

    def clear(self) -> None:
        """Forget what was not written; nothing is ever sent twice, nor after a loss."""
        self.rest = b""
        self._drop_descriptor()
        for queue in (self._in_band, self._out_of_band):
            while queue:
                self._fd = queue.popleft()[1]
                self._drop_descriptor()

    def _next(self) -> deque[QueuedRequest] | None:
        """Return the queue whose first request may be begun; None for none.

        A second descriptor waits for the answer to the first: once out-of-band execution is agreed
        on, QEMU reads ahead, and the newer one replaces the one it holds (wire.md section 11).
        """
        if self._out_of_band and not self._must_wait(self._out_of_band[0]):
            return self._out_of_band
        if self._in_band and self._on_wire < self.window and not self._must_wait(self._in_band[0]):
            return self._in_band
        return None

    def _must_wait(self, request: QueuedRequest) -> bool:
        return request[1] is not None and self._carrier is not None

    def _drop_descriptor(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


_DECODE_SECONDS: Final = 0.01  # seconds of one turn that decode a large message
_BACKLOG_MESSAGES: Final = 1000  # messages kept for a subscriber to come
RING_BYTES: Final = 4 * 1024 * 1024
"""bytes on the wire that a ring keeps; as Python's objects they may be twenty times as many"""

Subscriber: TypeAlias = "Callable[[Event | Reply | ErrorReply], None]"
"""Gets every event, and every reply that belongs to no command of ours."""


class MessageRing:
    """The newest messages; older ones give way.

    limit:   how many are kept, together of RING_BYTES bytes at most
    dropped: how many gave way
    """

    __slots__ = ("_kept", "_limit", "_size", "dropped")

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._kept: deque[Event | Reply | ErrorReply] = deque()
        self._limit = limit
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Event | Reply | ErrorReply]:
        return iter(self._kept)

    def append(self, message: Event | Reply | ErrorReply) -> None:
        """Keep a message, and let the oldest give way; one larger than RING_BYTES is not kept."""
        self._kept.append(message)
        self._size += message.size
        while len(self._kept) > self._limit or self._size > RING_BYTES:
            self.pop(0)
            self.dropped += 1

    def pop(self, place: int) -> Event | Reply | ErrorReply:
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
    """One turn of reading, which ends in time even within a large message.

    is_decoding: part of one is decoded, and another turn is wanted for the next
    """

    __slots__ = ("_end", "is_decoding")

    def __init__(self) -> None:
        self.is_decoding = False
        self._end = 0.0

    def continues(self, pause: Pause) -> bool:
        """Whether to decode on, given what came instead of a message."""
        if pause is not DECODING:
            self.is_decoding = False
            self._end = 0.0
            return False
        now = time.monotonic()
        self._end = self._end or now + _DECODE_SECONDS
        self.is_decoding = now >= self._end
        if self.is_decoding:
            self._end = 0.0
        return not self.is_decoding


class Inbox:
    """The commands that wait for their replies, and the subscriber to all other messages."""

    __slots__ = ("_backlog", "_pendings", "_subscriber")

    def __init__(self) -> None:
        self._pendings: dict[str | None, Pending] = {}
        self._subscriber: Subscriber | None = None
        self._backlog = MessageRing(_BACKLOG_MESSAGES)

    def __len__(self) -> int:
        return len(self._pendings)

    @property
    def subscriber(self) -> Subscriber | None:
        """Receives events and unmatched replies, and at once those that came before it was set."""
        return self._subscriber

    @subscriber.setter
    def subscriber(self, subscriber: Subscriber | None) -> None:
        self._subscriber = subscriber
        while subscriber is not None and self._backlog:
            subscriber(self._backlog.pop(0))

    def expect(self, command: Command, id: str, on_reply: ReplyHandler | None = None) -> Pending:
        """Return what will hold the reply to a command that is sent."""
        pending = self._pendings[id] = Pending(command, id, on_reply)
        return pending

    def deliver(self, message: Event | Reply | ErrorReply, *, ready: bool = True) -> Pending | None:
        """Give a message to its command or to the subscriber; return the command it answered.

        ready: whether the session is; before, an unmatched reply belongs to the previous client
        """
        if isinstance(message, Event) or message.id not in self._pendings:
            if not ready and not isinstance(message, Event):
                return None
            if self._subscriber is None:
                self._backlog.append(message)
            else:
                self._subscriber(message)
            return None
        pending = self._pendings.pop(message.id)
        pending.reply = message
        pending.finish()
        if pending.on_reply is not None:
            pending.on_reply(pending)
        return pending

    def forget(self, pending: Pending) -> bool:
        """Stop expecting a reply; return False if it has come, or was forgotten before."""
        return self._pendings.pop(pending.id, None) is not None

    def fail(self, error: QmpshError) -> None:
        """Give every command that waits the error: nothing more will come."""
        pendings = list(self._pendings.values())
        self._pendings.clear()
        for pending in pendings:
            pending.error = error
            pending.finish()
