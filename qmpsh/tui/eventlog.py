"""The events of this session: a bounded ring in which repeats fold into one line.

What happens 2,000 times a second must cost next to nothing: an event is looked up, counted, and
its lines are made when somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.tui.rows import cut, line_width
from qmpsh.tui.store import Block, Store
from qmpsh.tui.viewport import Viewport
from qmpsh.view.events import FOLD_SECONDS, STATE, details, fold_key, head
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.theme import Line
from qmpsh.wire.messages import Event

LIMIT = 10_000
"""events kept; a folded line is one"""

_SECONDS = len("22:10:31")

_RECENT = 500
"""different events among which repeats are looked for"""


class EventBlock(Block):
    """One event, and how often it came. seconds: Unix time of the first."""

    __slots__ = ("_details", "_glyphs", "event", "repeats", "seconds")

    def __init__(self, event: Event, seconds: float, glyphs: Glyphs) -> None:
        super().__init__()
        self.event = event
        self.seconds = seconds
        self.repeats = 1
        self._glyphs = glyphs
        self._details = details(event.data)

    @property
    def count(self) -> int:
        """See Block."""
        return 1 + len(self._details)

    @property
    def weight(self) -> int:
        """See Block."""
        return 1

    def line(self, index: int) -> Line:
        """See Block."""
        if index == 0:
            return head(self.event.name, self.seconds, self.repeats, self._glyphs)
        return [("event.data", f"  {self._details[index - 1]}")]

    def draw(self, index: int, width: int) -> list[Line]:
        """See Block. An event's line never wraps: first the milliseconds go, then the name's end,
        the multiplier never.
        """
        line = self.line(index)
        if index > 0 or line_width(line) <= width:
            return [cut(line, width, self._glyphs.more)]
        (role, time), *rest = line
        times = rest[2:]
        room = max(1, width - line_width(times))
        return [[*cut([(role, time[:_SECONDS]), *rest[:2]], room, self._glyphs.more), *times]]


class EventLog:
    """clock: Unix time, for events that the server gave no time."""

    def __init__(self, glyphs: Glyphs, clock: Callable[[], float], limit: int = LIMIT) -> None:
        self.store = Store(limit, "events")
        self.view = Viewport(self.store)
        self.total = 0
        self.last = ""
        self._glyphs = glyphs
        self._clock = clock
        self._recent: dict[str, EventBlock] = {}

    def add(self, event: Event) -> None:
        """Take in an event: a line of its own, or one more of a line that is there."""
        self.total += 1
        self.last = event.name
        seconds = self._clock() if event.seconds is None else event.seconds
        key = fold_key(event)
        block = self._recent.get(key)
        if block is not None and self._repeats(block, seconds):
            block.repeats += 1
            block.touch()
            return
        block = EventBlock(event, seconds, self._glyphs)
        self.store.append(block)
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[key] = block

    def _repeats(self, block: EventBlock, seconds: float) -> bool:
        if not 0 <= seconds - block.seconds < FOLD_SECONDS:
            return False
        # STOP, RESUME, STOP must not read as if the VM were running now.
        return block.event.name not in STATE or block is self.store.blocks[-1]
