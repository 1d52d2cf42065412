"""The order in which requests are written: one at a time, out of band first, a window in band, and
no more a second than the server takes.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from qmpsh.errors import ConnectionLost
from qmpsh.jsontypes import JsonObject
from qmpsh.link.pending import Pending
from qmpsh.link.transport import Stream, UnixStream

_AT_ONCE: Final = 5  # a fifth of what a second allows may go at once, the rest is spread over it

Letter = tuple[bytes, int | None, Pending | None]
"""A request, the descriptor that goes with its first byte, and who wants to know that it went."""


Tracer = Callable[[str, JsonObject], None]
"""Gets every message: "->" and what was sent, "<-" and what came. Secrets are in it."""


class Pace:
    """At most `rate` requests in any one second; time is an argument, seconds of one clock."""

    __slots__ = ("_arrival", "_interval", "_slack")

    def __init__(self, rate: int) -> None:
        at_once = rate // _AT_ONCE
        self._interval = 1 / (rate - at_once)
        # Half an interval off each side of the bound, for what adding up floats loses.
        self._slack = (at_once - 0.5) * self._interval
        self._arrival = float("-inf")  # when the next one would come were they evenly spread

    @property
    def due(self) -> float:
        """The time from which on the next one may go."""
        return self._arrival - self._slack

    def take(self, now: float) -> None:
        """One goes."""
        self._arrival = max(self._arrival, now) + self._interval


class Outbox:
    """Requests as bytes. `rest` is what is still to be written of the one that was begun; `error`
    why nothing can be written any more.

    window: in-band requests on the wire at most; rate: requests a second at most, None for all
    """

    __slots__ = (
        "_fd",
        "_in_band",
        "_is_begun",
        "_on_wire",
        "_out_of_band",
        "_pace",
        "_pending",
        "error",
        "rest",
        "window",
    )

    def __init__(self, window: int, rate: int | None = None) -> None:
        self.rest = b""
        self.error: ConnectionLost | None = None
        self._fd: int | None = None  # to go with the first byte of the rest
        self._pending: Pending | None = None  # whose the rest is
        self._is_begun = False  # something of the rest was written
        self._in_band: deque[Letter] = deque()
        self._out_of_band: deque[Letter] = deque()
        self._on_wire = 0  # in-band requests begun and not answered
        self.obey(window, rate)

    def obey(self, window: int, rate: int | None) -> None:
        """Go by these limits from now on."""
        self.window = window
        self._pace = None if rate is None else Pace(rate)

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
        if self._pace is None or self.rest or self.error or self._next() is None:
            return None
        return self._pace.due

    def begin_next(self, now: float) -> bool:
        """Make the next request the `rest`; False when none may go now.

        Only when the one before is written: nothing may come between its bytes.
        """
        queue = self._next()
        if queue is None or (self._pace is not None and now < self._pace.due):
            return False
        self.rest, self._fd, self._pending = queue.popleft()
        self._is_begun = False
        if queue is self._in_band:
            self._on_wire += 1
        if self._pace is not None:
            self._pace.take(now)
        return True

    def write_to(self, stream: Stream, tracer: Tracer | None) -> None:
        """Write until there is nothing that may go now, or no room."""
        while self.error is None:
            if not self.rest:
                if not self.begin_next(time.monotonic()):
                    return
                if tracer is not None:
                    tracer("->", json.loads(self.rest.lstrip(b"\xff")))
            try:
                self._send_to(stream)
            except ConnectionLost as error:
                # Not the end yet: first comes what the server said before it went.
                self.error = error
            if self.rest:
                return

    def _send_to(self, stream: Stream) -> None:
        """Write of the rest what the stream takes. Raises ConnectionLost."""
        if self._fd is not None and isinstance(stream, UnixStream):
            taken = stream.send_with(self.rest, self._fd)
        else:
            taken = stream.send(self.rest)
        if taken:
            self._is_begun = True
            self._drop_descriptor()
        self.rest = self.rest[taken:]
        if not self.rest and self._pending is not None:
            self._pending.written = True

    def withdraw(self, pending: Pending) -> bool:
        """Take back a request of which nothing was written; False where that is too late."""
        if self._pending is pending and self.rest and not self._is_begun:
            self.rest = b""
            self._drop_descriptor()
            self._on_wire -= not pending.command.oob
            return True
        for queue in (self._in_band, self._out_of_band):
            for letter in queue:
                if letter[2] is pending:
                    queue.remove(letter)
                    if letter[1] is not None:
                        os.close(letter[1])
                    return True
        return False

    def make_room(self) -> None:
        """An in-band request was answered."""
        self._on_wire -= 1

    def clear(self) -> None:
        """Forget what was not written; nothing is ever sent twice, nor after a loss."""
        self.rest = b""
        self._drop_descriptor()
        for queue in (self._in_band, self._out_of_band):
            while queue:
                self._fd = queue.popleft()[1]
                self._drop_descriptor()

    def _next(self) -> deque[Letter] | None:
        """The queue whose first may go as far as the window is concerned."""
        if self._out_of_band:
            return self._out_of_band
        return self._in_band if self._in_band and self._on_wire < self.window else None

    def _drop_descriptor(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
