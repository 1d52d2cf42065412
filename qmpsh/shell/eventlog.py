"""The events of a session, each taken once: what `.wait` waits for may have come already.

Pure: it is given events and the time, and knows who waits. Which of the kept events count for a
line is decided by a `Span`.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from qmpsh.link.inbox import ROOM
from qmpsh.wire.messages import ErrorReply, Event, Reply

LIMIT = 4096
"""events kept, of all names; a guest can raise 2,000 a second (WIRE.md section 7)"""

NAMES = 256
"""names of which events are kept; a QEMU has about 80"""

Match = Callable[[Event], bool]
Follow = Callable[[Event], bool]
"""Takes in an event, and says whether it belongs to what the follower waits for."""


class Kept(NamedTuple):
    """An event that came and that nothing has taken. number: counts all events of the session;
    when: it was read, by the log's clock.
    """

    number: int
    when: float
    event: Event


class Span:
    """From where on events count for a line without --new. Of the prompt there is one, and one of
    each script, which the files that it sources share.

    is_script: else each command that is sent moves the mark, even one that only reads
    start:     number of the first event of the script
    mark:      number of the first event since the last line that could change something
    """

    __slots__ = ("is_script", "mark", "start")

    def __init__(self, start: int = 0, *, is_script: bool) -> None:
        self.is_script = is_script
        self.start = self.mark = start

    def since(self, *, exact: bool) -> int:
        """Where to begin. exact: the line names values too, so that an older event is meant."""
        return self.start if exact and self.is_script else self.mark


class Taker:
    """Waits for one event. found: the event, and when it came; seen: how many others came
    meanwhile; last: of those.
    """

    __slots__ = ("found", "last", "matches", "seen")

    def __init__(self, matches: Match) -> None:
        self.matches = matches
        self.found: Kept | None = None
        self.seen = 0
        self.last: Event | None = None

    @property
    def event(self) -> Event | None:
        """The event that was waited for."""
        return None if self.found is None else self.found.event

    def takes(self, kept: Kept) -> bool:
        """Whether it is the event that was waited for; taken then."""
        if self.found is not None:
            return False
        if self.matches(kept.event):
            self.found = kept
            return True
        self.seen += 1
        self.last = kept.event
        return False


class _Queue:
    """The events of one name, oldest first. size: bytes on the wire; newest: number of the last
    that came; lost: of the last that gave way, -1 for none.
    """

    __slots__ = ("kept", "lost", "newest", "size")

    def __init__(self) -> None:
        self.kept: deque[Kept] = deque()
        self.size = 0
        self.newest = self.lost = -1

    def append(self, kept: Kept) -> None:
        self.kept.append(kept)
        self.size += kept.event.size
        self.newest = kept.number

    def give_way(self) -> Kept:
        oldest = self.kept.popleft()
        self.size -= oldest.event.size
        self.lost = oldest.number
        return oldest


class EventLog:
    """span: of the lines outside any file that is sourced
    limit: how many events are kept, if they are small; then the oldest of the name that has the
           most give way, so that a flood of one name costs no event of another
    """

    def __init__(
        self, span: Span, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.span = span
        self._limit = limit
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self._takers: list[Taker] = []
        self._followers: list[Follow] = []
        self._count = self._size = 0
        self.next = 0
        """the number of the next event"""

    def hear(self, message: Event | Reply | ErrorReply) -> None:
        """Take in an event; a reply that matches no command is none."""
        if not isinstance(message, Event):
            return
        kept = Kept(self.next, self._clock(), message)
        self.next += 1
        is_followed = [follower(message) for follower in self._followers]
        is_taken = any(taker.takes(kept) for taker in self._takers)
        if not (is_taken or any(is_followed)):
            self._keep(kept)

    def clear(self) -> None:
        """Forget all: the server is another one, or its events of the meantime are missing."""
        self._queues.clear()
        self._count = self._size = 0

    def age(self, kept: Kept) -> float:
        """Seconds since an event was read."""
        return self._clock() - kept.when

    def has_lost(self, names: Callable[[str], bool], since: int) -> bool:
        """Whether events of such a name gave way that would count from there on."""
        return any(queue.lost >= since and names(name) for name, queue in self._queues.items())

    @contextlib.contextmanager
    def expecting(self, matches: Match, since: int | None) -> Iterator[Taker]:
        """The first event that matches and that nothing has taken.

        since: the number of the first that counts; None for those to come
        """
        taker = Taker(matches)
        for kept in () if since is None else self.kept(since):
            if taker.takes(kept):
                self.take(kept)
                break
        self._takers.append(taker)
        try:
            yield taker
        finally:
            self._takers.remove(taker)

    @contextlib.contextmanager
    def followed(self, follower: Follow) -> Iterator[None]:
        """Pass on every event; those that belong to what the follower waits for are taken."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)

    def kept(self, since: int = 0) -> list[Kept]:
        """What nothing has taken, from a number on, in the order in which it came."""
        queues = self._queues.values()
        found = [kept for queue in queues for kept in queue.kept if kept.number >= since]
        return sorted(found, key=lambda kept: kept.number)

    def take(self, kept: Kept) -> None:
        """Take an event, unless it has given way meanwhile."""
        queue = self._queues.get(kept.event.name)
        if queue is not None and kept in queue.kept:
            queue.kept.remove(kept)
            queue.size -= kept.event.size
            self._count -= 1
            self._size -= kept.event.size

    def _keep(self, kept: Kept) -> None:
        self._queue(kept.event.name).append(kept)
        self._count += 1
        self._size += kept.event.size
        while self._count > self._limit:
            self._give_way(lambda queue: len(queue.kept))
        while self._size > ROOM:
            self._give_way(lambda queue: queue.size)

    def _queue(self, name: str) -> _Queue:
        """Of a name; where there are too many names, the one that was quiet longest gives way."""
        queue = self._queues.get(name)
        if queue is None:
            if len(self._queues) == NAMES:
                quiet = self._queues.pop(min(self._queues, key=self._newest))
                self._count -= len(quiet.kept)
                self._size -= quiet.size
            queue = self._queues[name] = _Queue()
        return queue

    def _newest(self, name: str) -> int:
        return self._queues[name].newest

    def _give_way(self, share: Callable[[_Queue], int]) -> None:
        oldest = max(self._queues.values(), key=share).give_way()
        self._count -= 1
        self._size -= oldest.event.size
