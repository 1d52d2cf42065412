"""The events of this session: a bounded ring in which repeats fold into one line, and its filter.

Events may come 2,000 times a second, so each must cost next to nothing: it is looked up and
counted, and its lines are made only when they are shown. The filter is pure: shell-style patterns
for the names of the events to show.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.protocol.messages import Event
from qmpsh.render.event_entries import EventEntry, EventFolder
from qmpsh.render.events import TIME_COLUMNS, details, details_count, head, one_line
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.render.units import clock
from qmpsh.ui.common.reporter import EventFilter
from qmpsh.ui.common.wrap import cut, line_width
from qmpsh.ui.screen.store import Block, FixedLines, Store
from qmpsh.ui.screen.viewport import Viewport

MAX_SHOWN_EVENTS = 10_000
"""events kept; a folded line counts as one"""

MAX_EVENT_BYTES = 1024 * 1024
"""bytes of events kept, as the server sent them: some thousands of QEMU's, in a few megabytes"""

INLINE_COLUMNS = 72
"""from which on the data of an event stands behind its name, whatever its length"""

MILLISECOND_COLUMNS = 32
"""from which on a time has its milliseconds"""


_LEAST_INDENT = 2
"""columns before the second half of a name, which else stands below the first"""


class EventBlock(Block):
    """One event and its repeats.

    There may be thousands: what is shown of one is made when it is drawn. Its data is a few lines
    below the name, which have no rows where all of it stands on one.
    """

    __slots__ = ("_details", "_glyphs", "entry", "shown")

    def __init__(self, entry: EventEntry, glyphs: Glyphs) -> None:
        super().__init__()
        self.entry = entry
        self.shown = True
        self._glyphs = glyphs
        self._details = details_count(entry.event.data)

    @property
    def event(self) -> Event:
        """The event, the first of its repeats."""
        return self.entry.event

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
        entry = self.entry
        return head(entry.event.name, entry.first, entry.count, self._glyphs, entry.until)

    def draw(self, index: int, width: int) -> list[Line]:
        """Make the row of a line, which never wraps; none where the data stands behind the name."""
        first = self._fitting_head(width)
        whole = one_line(self.event.name, self.event.data, first)
        if width >= INLINE_COLUMNS or line_width(whole) <= width:
            return [] if index else [cut(whole, width, self._glyphs.more)]
        if index:
            return [cut_detail(self.line(index), width, self._glyphs.more)]
        return head_rows(first, width, self._glyphs.more)

    def _fitting_head(self, width: int) -> Line:
        """Return the first line without what has no room: milliseconds, and the time of the last
        repeat.
        """
        line = self.head()
        if line_width(line) <= width and width >= MILLISECOND_COLUMNS:
            return line
        (role, time), *rest = line
        if self.entry.until is None or line_width(line) > width:
            time = time[:TIME_COLUMNS]
        return [(role, time), *rest]


def cut_detail(line: Line, width: int, more: str) -> Line:
    """Cut a line of data to one row. A path loses its beginning, as its end says what it is."""
    text = plain(line)
    start = text.find("=/") + 1
    # Most paths are QEMU's own and ASCII; what else is in one is cut as any text.
    if not start or line_width(line) <= width or not text.isascii():
        return cut(line, width, more)
    first = text.find("/", len(text) - (width - start - line_width([("", more)])))
    if first < 0:
        return cut(line, width, more)
    return [(line[0][0], text[:start] + more + text[first:])]


def head_rows(head: Line, width: int, more: str) -> list[Line]:
    """Return a head in two rows where it is too long for one and its name has a place to break at,
    else cut; but never the multiplier.

    head: time, blank, name, and how often
    """
    (_, time), (_, gap), (role, name), *times = head
    place = name.rfind("_", 0, max(0, width - len(time) - len(gap))) + 1
    if line_width(head) <= width or not place:
        return [_cut_before(head[:3], times, width, more)]
    room = width - len(name[place:]) - line_width(times)
    indent = max(_LEAST_INDENT, min(len(time) + len(gap), room))
    rest: Line = [("", " " * indent), (role, name[place:])]
    return [[*head[:2], (role, name[:place])], _cut_before(rest, times, width, more)]


def _cut_before(line: Line, end: Line, width: int, more: str) -> Line:
    return [*cut(line, max(1, width - line_width(end)), more), *end]


class EventPane:
    """The content of the events pane. clock: Unix time, for events without a timestamp."""

    def __init__(
        self,
        glyphs: Glyphs,
        clock: Callable[[], float],
        limit: int = MAX_SHOWN_EVENTS,
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
        self._folder = EventFolder()
        self._newest: EventBlock | None = None

    def add(self, event: Event) -> None:
        """Add an event, as a new line or as a repeat of an existing one."""
        self.total += 1
        self.last_name = event.name
        seconds = self._clock() if event.time is None else event.time
        entry = self._folder.add(event, seconds)
        if self._newest is not None and self._newest.entry is entry:
            self._newest.invalidate()
            return
        self._newest = EventBlock(entry, self._glyphs)
        self._newest.shown = self.filter.matches(event.name)
        self.store.append(self._newest)

    def mark(self, text: str) -> None:
        """Add a line about the connection, at the present time. text: ours"""
        self._folder = EventFolder()
        when = clock(self._clock())[:TIME_COLUMNS]
        self.store.append(FixedLines([[("event.time", when), ("", " "), ("event.state", text)]]))

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
            place = blocks.index(self.selected) if self.selected in blocks else -1
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
