"""What the live table shows now, as lines: the table, the pane below it, the question, the keys.

Knows no terminal: the width and the height are arguments, and so is the time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Event
from qmpsh.render.events import head, one_line
from qmpsh.render.safe import visible, visible_word
from qmpsh.render.theme import Glyphs, Line
from qmpsh.render.units import progress_line, size
from qmpsh.top.columns import DIM, Look, VmColumn, present_columns, state_role
from qmpsh.top.header import Totals, title_line, totals_of, usage_line
from qmpsh.top.order import Order
from qmpsh.top.record import VmRecord
from qmpsh.top.screen.keys import SHEET, foot_line
from qmpsh.top.table import Placed, column_at, header_line, place_columns, row_line
from qmpsh.ui.common.wrap import cut, wrap

_HEADER_ROWS: Final = 3
_LEAST_ROWS: Final = 3
"""rows of the table that the pane below leaves to it"""
_MAX_EVENTS: Final = 500
_HISTORY: Final = 60
_MARKED: Final = "*"
_SELECTED: Final = "menu.current"

EVENTS: Final = "events"
DETAILS: Final = "details"
"""panes below the table"""
FILTER: Final = "filter"
LINE: Final = "line for these VMs"
"""what is typed in the last row"""

_NO_VMS: Final = "no VM here; they appear as they start"
_NONE_FITS: Final = "no VM fits the filter {text}"
_NO_EVENTS: Final = "no event so far{visited}"
_VISITED: Final = ": VMs that are left after each look do not say any; --hold stays connected"


class Asking(NamedTuple):
    """A question before something is done. question: safe to show; act: does it"""

    question: str
    act: Callable[[], None]


class SeenEvent(NamedTuple):
    """An event of a VM. name: of the VM; seconds: Unix time"""

    name: str
    event: Event
    seconds: float


class TopState:
    """What the live table shows.

    asking:    a question that waits for its answer
    lower:     the pane below the table: EVENTS, DETAILS or ""
    sheet:     the keys are shown
    is_frozen: rows and numbers stay as they are
    holds:     the VMs stay connected
    seconds:   from one tick to the next
    cpus:      of this host, 0 unknown
    has_mouse: the mouse is ours, not the terminal's
    message:   a role and a text for the last row, until the next key
    """

    def __init__(
        self, order: Order, columns: Sequence[VmColumn], glyphs: Glyphs, *, read_only: bool
    ) -> None:
        self.order = order
        self.asking: Asking | None = None
        self.lower = ""
        self.sheet = False
        self.is_frozen = False
        self.holds = False
        self.seconds = 1.0
        self.cpus = 0
        self.has_mouse = False
        self.message: tuple[str, str] = ("", "")
        self.read_only = read_only
        self._columns = columns
        self._glyphs = glyphs
        self._events: deque[SeenEvent] = deque(maxlen=_MAX_EVENTS)
        self._history: deque[int] = deque(maxlen=_HISTORY)
        self._totals = Totals()
        self._first = 0
        self._height = 1
        self._width = 0
        self._placed: list[Placed] = []
        self._now = time.monotonic()

    # -------------------------------------------------------------------- what has happened

    def update(self, records: Sequence[VmRecord], now: float) -> None:
        """Use what is known of the VMs now."""
        if self.is_frozen:
            return
        self._now = now
        self.order.update(records, now, frozen=self.asking is not None)
        self._totals = totals_of(self.order.rows, now)

    def on_tick(self) -> None:
        """Note that a tick is over."""
        self._history.append(round(self._totals.used.cpu))

    def on_event(self, record: VmRecord, event: Event) -> None:
        """Keep an event for the pane of events."""
        self._events.append(SeenEvent(record.name, event, event.time or time.time()))

    def say(self, text: str, role: str = "hint.current") -> None:
        """Show a text in the last row until the next key. text: not yet safe"""
        self.message = (role, visible(text))

    # -------------------------------------------------------------------- the mouse

    def click(self, column: int, row: int, now: float) -> None:
        """Select the VM of a row, or sort by the column whose title was clicked on."""
        if self.asking is not None or self.sheet:
            return
        place = self._first + row - _HEADER_ROWS
        if row == _HEADER_ROWS - 1:
            found = column_at(self._placed, column)
            if found is not None:
                self.order.sort_by(found)
        elif self._first <= place < min(self._first + self._height, len(self.order.rows)):
            self.order.move(place - self.order.place, now)

    def scroll(self, rows: int, now: float) -> None:
        """Select another VM, so many rows further down."""
        if self.asking is None and not self.sheet:
            self.order.move(rows, now)

    # -------------------------------------------------------------------- lines

    @property
    def shown_columns(self) -> list[VmColumn]:
        """The columns that there is room for."""
        return [placed.column for placed in self._placed]

    @property
    def page(self) -> int:
        """Rows of the table."""
        return self._height

    @property
    def visible_rows(self) -> list[VmRecord]:
        """The VMs on the screen."""
        return self.order.rows[self._first : self._first + self._height]

    def lines(self, width: int, height: int) -> list[Line]:
        """Return all rows but the last one."""
        look = Look(self._now, self._glyphs)
        if self.sheet:
            return _sheet_lines(width, height, read_only=self.read_only)
        lower = self._lower_lines(width, max(0, (height - _HEADER_ROWS - _LEAST_ROWS) // 2), look)
        above = [
            title_line(self._totals, self._notes(), look, width),
            usage_line(self._totals, [*self._history], look, width, self.cpus),
        ]
        self._height = max(1, height - _HEADER_ROWS - len(lower))
        table = self._table(width, look)
        table += [[] for _ in range(height - len(above) - len(table) - len(lower))]
        return [*above, *table, *lower]

    def _notes(self) -> list[str]:
        """Return what is said at the right of the title."""
        notes = ["FROZEN" if self.is_frozen else f"every {self.seconds:g} s"]
        if self.order.marked:
            notes.insert(0, f"{len(self.order.marked)} marked")
        if self.order.filter.text:
            notes.insert(0, f"filter {visible_word(self.order.filter.text)}")
        return notes

    def _table(self, width: int, look: Look) -> list[Line]:
        """Return the titles, and the rows around the selected one."""
        rows, order = self.order.rows, self.order
        place = order.place
        self._first = max(min(self._first, place), place - self._height + 1, 0)
        self._first = min(self._first, max(0, len(rows) - self._height))
        before = self._placed if width == self._width else ()
        self._width = width
        self._placed = place_columns(
            present_columns(self._columns, rows), self.visible_rows, look, width, before
        )
        mark = "↑" if order.reverse else "↓"
        mark = mark if self._glyphs.full == "█" else ("^" if order.reverse else "v")
        titles = _filled(header_line(self._placed, order.column, mark), width, "status")
        return [titles, *(self._row(one, look, width) for one in self.visible_rows)] + (
            [] if rows else [[(DIM, f" {self._why_empty()}")]]
        )

    def _why_empty(self) -> str:
        text = self.order.filter.text
        return _NONE_FITS.format(text=visible_word(text)) if text else _NO_VMS

    def _row(self, record: VmRecord, look: Look, width: int) -> Line:
        text = record.target.text
        line = row_line(record, self._placed, look, _MARKED if text in self.order.marked else " ")
        if text != self.order.selected:
            return line
        return _filled([(_SELECTED, part) for _, part in line], width, _SELECTED)

    def foot(self, width: int) -> Line:
        """Return the last row: a question, a message, or the keys."""
        role, text = self.message
        if self.asking is not None:
            return [("prompt", f" {self.asking.question} "), ("hint.current", "[y]es [n]o")]
        if text:
            return cut([(role, f" {text}")], width, self._glyphs.more)
        return foot_line(width, read_only=self.read_only)

    # -------------------------------------------------------------------- the pane below

    def _lower_lines(self, width: int, most: int, look: Look) -> list[Line]:
        """Return a rule and the pane below it, so many rows at most."""
        if not self.lower or most < 2:
            return []
        pane = self._event_lines if self.lower == EVENTS else self._detail_lines
        lines = [cut(line, width, self._glyphs.more) for line in pane(most - 1, width)]
        rule = "─" if self._glyphs.full == "█" else "-"
        title = f"{rule * 2} {self.lower} "
        return [[("rule", title + rule * (width - len(title)))], *lines]

    def _event_lines(self, most: int, width: int) -> list[Line]:
        seen = [*self._events][-most:]
        if not seen:
            return [[(DIM, f" {_NO_EVENTS.format(visited='' if self.holds else _VISITED)}")]]
        lines: list[Line] = []
        for name, event, seconds in seen:
            first: Line = [("", f" {visible_word(name)} ")]
            first += head(event.name, seconds, 1, self._glyphs)
            lines.append(one_line(event.name, event.data, first))
        return lines

    def _detail_lines(self, most: int, width: int) -> list[Line]:
        found = [one for one in self.order.rows if one.target.text == self.order.selected]
        if not found:
            return []
        record = found[0]
        state = record.state(self._now)
        pid = f"pid {record.pid}" if record.pid else ""
        machine = record.machine
        facts = [f"{machine.server} {machine.version}".strip(), pid, record.target.text]
        lines: list[Line] = [
            [
                ("event.name", f" {visible_word(record.name)}  "),
                (state_role(state), visible_word(state)),
                (DIM, "".join(f"  {visible_word(fact)}" for fact in facts if fact)),
            ]
        ]
        reason = record.reason(self._now)
        if reason:
            lines += wrap([("warning", f" {visible_word(reason)}")], width)
        lines += [
            [("", " "), *progress_line([work], width - 1, self._glyphs)]
            for work in record.progress.works()
        ]
        lines += [
            [
                ("", f" {visible_word(disk.name)}  "),
                (DIM, f"read {size(disk.read_bytes)} in {disk.reads}, "),
                (DIM, f"written {size(disk.written_bytes)} in {disk.writes}"),
            ]
            for disk in record.usage.disks
        ]
        lines += [
            [
                ("", f" {visible_word(net.name)}  "),
                (DIM, f"received {size(net.received)}, sent {size(net.sent)}"),
            ]
            for net in record.usage.nets
        ]
        return lines[:most]


def _filled(line: Line, width: int, role: str) -> Line:
    """Return a line with its background up to the right edge."""
    used = sum(len(text) for _, text in line)
    return [*line, (role, " " * max(0, width - used))]


def _sheet_lines(width: int, height: int, *, read_only: bool) -> list[Line]:
    """Return the keys and what each does, in as many columns as there is room for."""
    entries = [one for one in SHEET if not (read_only and one.changes)]
    columns = max(1, width // 40)
    rows = -(-len(entries) // columns)
    lines: list[Line] = [[("prompt", " keys of qmpsh top")], []]
    for row in range(min(rows, height - 4)):
        line: Line = []
        for one in entries[row::rows]:
            line += [("", " "), ("hint.current", f"{one.keys:>13}"), ("", f"  {one.help:<23} ")]
        lines.append(line)
    lines += [[], [(DIM, " any key goes back")]]
    return lines[:height]
