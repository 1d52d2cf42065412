"""The events since the last command line, each taken once: what `.wait` waits for may be here.

Pure: it is told of events, of lines that are sent, and of those who look on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from qmpsh.link.inbox import Ring
from qmpsh.wire.messages import ErrorReply, Event, Reply

RING = 4096
"""events kept; a guest can raise 2,000 a second (WIRE.md section 7)"""

Match = Callable[[Event], bool]


class Taker:
    """Somebody who waits for one event. seen: how many others came meanwhile; last: of those."""

    __slots__ = ("event", "last", "matches", "seen")

    def __init__(self, matches: Match) -> None:
        self.matches = matches
        self.event: Event | None = None
        self.seen = 0
        self.last: Event | None = None

    def takes(self, event: Event) -> bool:
        """Whether it is the event that was waited for; taken then."""
        if self.event is not None:
            return False
        if self.matches(event):
            self.event = event
            return True
        self.seen += 1
        self.last = event
        return False


class EventLog:
    """ring: how many events are kept, if they are small; the oldest give way."""

    def __init__(self, ring: int = RING) -> None:
        self._kept: Ring[Event] = Ring(ring)
        self._takers: list[Taker] = []
        self._followers: list[Callable[[Event], None]] = []

    @property
    def dropped(self) -> int:
        """How many events since the last command line gave way."""
        return self._kept.dropped

    def hear(self, message: Event | Reply | ErrorReply) -> None:
        """Take in an event; a reply that belongs to nobody is none."""
        if not isinstance(message, Event):
            return
        for follower in self._followers:
            follower(message)
        if any(taker.takes(message) for taker in self._takers):
            return
        self._kept.append(message)

    def line_sent(self) -> None:
        """A command line is being sent: what was before counts no more."""
        self._kept.clear()

    @contextlib.contextmanager
    def expecting(self, matches: Match, *, new: bool = False) -> Iterator[Taker]:
        """The first event that matches and that nobody has taken: from the last command line on,
        or of those to come (new).
        """
        taker = Taker(matches)
        if not new:
            for place, event in enumerate(self._kept):
                if taker.takes(event):
                    self._kept.take(place)
                    break
        self._takers.append(taker)
        try:
            yield taker
        finally:
            self._takers.remove(taker)

    @contextlib.contextmanager
    def followed(self, follower: Callable[[Event], None]) -> Iterator[None]:
        """Tell of every event, taken or not."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)
