"""Which VMs are shown, in which order, which one is selected and which are marked. Pure.

The selection follows its VM: neither a new order nor a VM that comes or goes moves it to another.
After a cursor key the order stays for a moment, so that no key hits the wrong row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.top.columns import BY_KEY, VmColumn
from qmpsh.top.names import tell_apart
from qmpsh.top.record import VmRecord

STEADY_SECONDS: Final = 3.0
"""seconds after a cursor key for which rows stay where they are"""
SETTLE_SECONDS: Final = 2.0
"""seconds after which even a user who has pressed no key has seen which VM is selected"""
MOMENT_SECONDS: Final = 5.0
"""seconds for which a VM that has ended is shown"""


class Filter(NamedTuple):
    """A filter: `web`, `name~web*`, `status=paused`; all of its words must fit."""

    text: str = ""

    def fits(self, record: VmRecord, now: float) -> bool:
        """Whether it lets a VM through."""
        words = self.text.casefold().split() if self.text else ()
        return all(_word_fits(word, record, now) for word in words)


def _word_fits(word: str, record: VmRecord, now: float) -> bool:
    for mark in ("=", "~"):
        key, found, pattern = word.partition(mark)
        if found and key in _FIELDS:
            value = _FIELDS[key](record, now).casefold()
            if mark == "=":
                return value == pattern
            return fnmatchcase(value, pattern) or pattern in value
    return any(word in read(record, now).casefold() for read in _FIELDS.values())


_FIELDS: Final[dict[str, Callable[[VmRecord, float], str]]] = {
    "name": lambda record, now: record.name,
    "status": lambda record, now: record.state(now),
    "address": lambda record, now: record.target.text,
}
"""What a filter can look at."""


class Order:
    """The rows of the table.

    column:   what they are sorted by
    reverse:  the other way round
    filter:   which are shown
    selected: the address of the selected VM, "" for none
    marked:   addresses
    literal:  addresses that stay after their VM has ended: they were given one by one
    rows:     what is shown
    """

    def __init__(self, column: VmColumn = BY_KEY["cpu"], *, reverse: bool = False) -> None:
        self.column = column
        self.reverse = reverse
        self.filter = Filter()
        self.selected = ""
        self.marked: dict[str, None] = {}
        self.literal: frozenset[str] = frozenset()
        self.rows: list[VmRecord] = []
        self._steady_until = float("-inf")
        self._settles_at = float("inf")
        self._unordered: tuple[list[VmRecord], list[str]] = ([], [])
        self._named: list[VmRecord] = []
        self._told_apart: tuple[list[VmRecord], list[str]] = ([], [])

    # -------------------------------------------------------------------- rows

    def update(self, records: Sequence[VmRecord], now: float, *, frozen: bool = False) -> None:
        """Order the VMs once more. frozen: those that are shown already stay where they are"""
        self._name(records)
        shown = self._shown(records, now)
        if frozen or now < self._steady_until:
            places = {id(one): place for place, one in enumerate(self.rows)}
            shown.sort(key=lambda one: places.get(id(one), len(places)))
        else:
            shown = self._by_name(shown, now)
            shown.sort(key=lambda one: self.column.sort(one, now), reverse=self.reverse)
        before = self.place
        self.rows = shown
        texts = {one.target.text for one in shown}
        if shown:
            self._settles_at = min(self._settles_at, now + SETTLE_SECONDS)
        if now < self._settles_at:
            self.selected = ""  # names and numbers are still to come, and the order with them
            before = 0
        if self.selected not in texts:
            self.selected = shown[min(before, len(shown) - 1)].target.text if shown else ""
        self.marked = {text: None for text in self.marked if text in texts}

    def _name(self, records: Sequence[VmRecord]) -> None:
        """Tell VMs of one name apart, once they or their names are others."""
        named = [*records], [one.own_name for one in records]
        if named != self._told_apart:
            self._told_apart = named
            tell_apart(records)

    def _shown(self, records: Sequence[VmRecord], now: float) -> list[VmRecord]:
        """Return the VMs that have not ended long ago, and that fit the filter."""
        shown = [
            one
            for one in records
            if not one.has_ended
            or now - one.since <= MOMENT_SECONDS
            or one.target.text in self.literal
        ]
        return [one for one in shown if self.filter.fits(one, now)] if self.filter.text else shown

    def _by_name(self, records: list[VmRecord], now: float) -> list[VmRecord]:
        """Return the VMs in the order of their names, which is kept: most frames have the same."""
        names = [one.name for one in records]
        if (records, names) != self._unordered:
            self._unordered = records, names
            self._named = sorted(records, key=lambda one: BY_KEY["name"].sort(one, now))
        return [*self._named]

    @property
    def place(self) -> int:
        """The row of the selected VM, 0 if none is."""
        texts = (one.target.text for one in self.rows)
        return next((place for place, text in enumerate(texts) if text == self.selected), 0)

    @property
    def chosen(self) -> list[VmRecord]:
        """The marked VMs, else the selected one."""
        marked = [one for one in self.rows if one.target.text in self.marked]
        return marked or [one for one in self.rows if one.target.text == self.selected]

    # -------------------------------------------------------------------- what the user does

    def move(self, rows: int, now: float) -> None:
        """Select another row, so many further down."""
        if self.rows:
            place = min(max(0, self.place + rows), len(self.rows) - 1)
            self.selected = self.rows[place].target.text
        self._settles_at = float("-inf")
        self._steady_until = now + STEADY_SECONDS

    def sort_by(self, column: VmColumn) -> None:
        """Sort by a column; by the same again, the other way round."""
        self.reverse = not self.reverse if column is self.column else False
        self.column = column
        self._steady_until = float("-inf")

    def turn_round(self) -> None:
        """Sort the other way round."""
        self.reverse = not self.reverse
        self._steady_until = float("-inf")

    def sort_beside(self, step: int, columns: Sequence[VmColumn]) -> None:
        """Sort by the column beside the present one, of those that are shown."""
        places = [place for place, one in enumerate(columns) if one is self.column]
        place = (places[0] + step) % len(columns) if places else 0
        self.column, self.reverse = columns[place], False
        self._steady_until = float("-inf")

    def toggle_mark(self) -> None:
        """Mark the selected VM, or no longer."""
        self._settles_at = float("-inf")
        if self.selected in self.marked:
            del self.marked[self.selected]
        elif self.selected:
            self.marked[self.selected] = None

    def mark_all(self) -> None:
        """Mark all VMs that are shown; if all are, none."""
        texts = {one.target.text: None for one in self.rows}
        self.marked = {} if len(self.marked) == len(texts) else texts
