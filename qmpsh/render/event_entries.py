"""Events and their repeats: which ones share an entry. Pure.

Identical neighbours are one entry, never across another event: STOP, RESUME, STOP must not look as
if the VM were running now. Repeats within a second are one moment; with a later one the entry is a
span, from the first to the last.
"""

from __future__ import annotations

from qmpsh.protocol.messages import Event
from qmpsh.render.events import fold_key

MOMENT_SECONDS = 1.0
"""repeats within this many seconds of the first share its time"""

MAX_PAUSE_SECONDS = 3600.0
"""between two neighbours, after which the second is an entry of its own: times have no date"""

LARGE_EVENT_BYTES = 4 * 1024
"""bytes of an event whose repeats are not looked for: none of QEMU's comes near, and looking keeps
its text
"""


class EventEntry:
    """An event and its repeats. event: the first; first, last: Unix times of both ends"""

    __slots__ = ("count", "event", "first", "last")

    def __init__(self, event: Event, seconds: float) -> None:
        self.event = event
        self.first = self.last = seconds
        self.count = 1

    @property
    def until(self) -> float | None:
        """The time of the last repeat; None where it is the same moment as the first."""
        return self.last if self.last - self.first >= MOMENT_SECONDS else None


class EventFolder:
    """The newest entry, and whether the next event repeats it."""

    def __init__(self) -> None:
        self._newest: EventEntry | None = None
        self._key = ""

    def add(self, event: Event, seconds: float) -> EventEntry:
        """Return the entry of an event: a new one, or the newest with one repeat more."""
        key = "" if event.size > LARGE_EVENT_BYTES else fold_key(event)
        newest = self._newest if key and key == self._key else None
        if newest is not None and 0 <= seconds - newest.last <= MAX_PAUSE_SECONDS:
            newest.count += 1
            newest.last = seconds
        else:
            newest = self._newest = EventEntry(event, seconds)
            self._key = key
        return newest
