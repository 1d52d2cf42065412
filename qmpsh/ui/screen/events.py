"""The events of this session: a bounded ring in which repeats fold into one line, and its filter.

Events may come 2,000 times a second, so each must cost next to nothing: it is looked up and
counted, and its lines are made only when they are shown. The filter is pure: shell-style patterns
for the names of the events to show.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.protocol.messages import Event
from qmpsh.render.events import FOLD_SECONDS, STATE, details, details_count, fold_key, head
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.ui.common.reporter import EventFilter
from qmpsh.ui.common.wrap import cut, line_width
from qmpsh.ui.screen.store import Block, Store
from qmpsh.ui.screen.viewport import Viewport

MAX_EVENTS = 10_000
"""events kept; a folded line counts as one"""

_TIME_COLUMNS = len("22:10:31")

MAX_EVENT_BYTES = 1024 * 1024
"""bytes of events kept, as the server sent them: some thousands of QEMU's, in a few megabytes"""

_MAX_RECENT_EVENTS = 500
"""distinct events searched for repeats"""

_LARGE_EVENT_BYTES = 4 * 1024
"""bytes of an event whose repeats are not looked for: none of QEMU's comes near, and looking keeps
its text
"""


class EventBlock(Block):
    """One event and its repeats. seconds: Unix time of the first.

    There may be thousands: what is shown of one is made when it is drawn.
    """

    __slots__ = ("_details", "_glyphs", "event", "repeats", "seconds", "shown")

    def __init__(self, event: Event, seconds: float, glyphs: Glyphs) -> None:
        super().__init__()
        self.event = event
        self.seconds = seconds
        self.repeats = 1
        self.shown = True
        self._glyphs = glyphs
        self._details = details_count(event.data)

    @property
    def count(self) -> int:
        return 1 + self._details if self.shown else 0

    @property
    def weight(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return self.event.size

    def line(self, index: int) -> Line:
        if index == 0:
            return self.head()
        return [("event.data", f"  {details(self.event.name, self.event.data)[index - 1]}")]

    def head(self) -> Line:
        """Return its first line: when, what, how often."""
        return head(self.event.name, self.seconds, self.repeats, self._glyphs)

    def draw(self, index: int, width: int) -> list[Line]:
        """Make the one row of an event: it never wraps.

        The milliseconds are cut first, then the end of the name, but never the multiplier.
        """
        line = self.line(index)
        if index > 0 or line_width(line) <= width:
            return [cut(line, width, self._glyphs.more)]
        (role, time), *rest = line
        times = rest[2:]
        room = max(1, width - line_width(times))
        return [[*cut([(role, time[:_TIME_COLUMNS]), *rest[:2]], room, self._glyphs.more), *times]]


class EventPane:
    """The content of the events pane. clock: Unix time, for events without a timestamp."""

    def __init__(
        self,
        glyphs: Glyphs,
        clock: Callable[[], float],
        limit: int = MAX_EVENTS,
        advice: Advice = UNGUARDED,
    ) -> None:
        self.store = Store(limit, "events", MAX_EVENT_BYTES, advice)
        self.view = Viewport(self.store)
        self.view.mark = self._mark
        self.filter = EventFilter()
        self.selected: EventBlock | None = None
        self.total = 0
        self.last_name = ""
        self._glyphs = glyphs
        self._clock = clock
        self._recent: dict[str, EventBlock] = {}

    def add(self, event: Event) -> None:
        """Add an event, as a new line or as a repeat of an existing one."""
        self.total += 1
        self.last_name = event.name
        seconds = self._clock() if event.time is None else event.time
        key = "" if event.size > _LARGE_EVENT_BYTES else fold_key(event)
        block = self._recent.get(key)
        if block is not None and self._repeats(block, seconds):
            block.repeats += 1
            block.invalidate()
            return
        block = EventBlock(event, seconds, self._glyphs)
        block.shown = self.filter.matches(event.name)
        self.store.append(block)
        if not key:
            return
        if len(self._recent) >= _MAX_RECENT_EVENTS:
            self._recent.clear()
        self._recent[key] = block

    def set_filter(self, patterns: tuple[str, ...]) -> None:
        """Show only events whose names match a pattern, all without one; hidden ones are kept."""
        self.filter = EventFilter(patterns)
        for block in self._blocks():
            block.shown = self.filter.matches(block.event.name)
        self.store.recount()
        self.deselect()

    def select(self, step: int) -> None:
        """Select the previous (-1) or next (1) event; the first step up selects the newest.

        A step below the newest selects nothing and follows new events again.
        """
        blocks = self._blocks()
        place = len(blocks)
        if self.selected is not None:
            place = self.store.index_of(self.selected)
        elif step > 0:
            return
        place += step
        while 0 <= place < len(blocks) and not blocks[place].shown:
            place += step
        if place >= len(blocks):
            self.deselect()
        elif place >= 0:
            self.selected = blocks[place]
            self.view.show(self.selected.start)
            self.view.stay()

    def deselect(self) -> None:
        """Select nothing and follow the newest events."""
        self.selected = None
        self.view.to_tail()

    def _blocks(self) -> list[EventBlock]:
        return [block for block in self.store.blocks if isinstance(block, EventBlock)]

    def _mark(self, line: int, rows: list[Line]) -> list[Line]:
        """Highlight the selected event's first line."""
        if self.selected is None or line != self.selected.start:
            return rows
        return [[("menu.current", plain(row))] for row in rows]

    def _repeats(self, block: EventBlock, seconds: float) -> bool:
        if not 0 <= seconds - block.seconds < FOLD_SECONDS:
            return False
        # STOP, RESUME, STOP must not look as if the VM were running now.
        return block.event.name not in STATE or block is self.store.blocks[-1]
