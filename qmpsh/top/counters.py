"""What a VM counts, read from its replies, and the rates at which it grows. Pure.

Numbers come from a server that may be hostile, so all of them are bounded; what has another shape
than expected is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, get_dict, get_dicts, get_str
from qmpsh.light_typing import NamedTuple

_MAX_COUNT: Final = 2**64 - 1
_MAX_DISKS: Final = 256
"""devices of one VM that are counted"""
_MIN_SECONDS: Final = 0.05
"""seconds between two counts that say something about a rate"""


class DiskCounters(NamedTuple):
    """What one block device has done since the VM began.

    busy: nanoseconds that all its reads and writes took together
    """

    name: str
    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0
    busy: int = 0


class NetCounters(NamedTuple):
    """What one network card has done, as the guest sees it. name: of the interface on this host"""

    name: str
    received: int
    sent: int


def count_of(value: Json) -> int | None:
    """Return a number of units, bounded; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(0, value), _MAX_COUNT)
    return None


def number_of(reply: Json, key: str) -> int | None:
    """Return a member of an object that counts something; None if there is none."""
    return count_of(as_dict(reply).get(key))


def disks_of(reply: Json) -> tuple[DiskCounters, ...]:
    """Return the devices of a reply of query-blockstats; no two have one name."""
    found: dict[str, DiskCounters] = {}
    for entry in as_dicts(reply)[:_MAX_DISKS]:
        name = _free_name(_disk_name(entry), found)
        found[name] = _disk(name, get_dict(entry, "stats"))
    return tuple(found.values())


def _disk_name(entry: JsonObject) -> str:
    """Return the name of a drive, else of its device, else of its node."""
    qdev = get_str(entry, "qdev").rpartition("/peripheral/")[2].partition("/")[0]
    name = get_str(entry, "device") or qdev or get_str(entry, "node-name")
    return shortened(name) or "disk"


def _free_name(name: str, taken: dict[str, DiskCounters]) -> str:
    """Return a name that none of these has."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}#{number}"
    return free


def _disk(name: str, stats: JsonObject) -> DiskCounters:
    def count(*keys: str) -> int:
        return sum(count_of(stats.get(key)) or 0 for key in keys)

    return DiskCounters(
        name,
        count("rd_bytes"),
        count("wr_bytes"),
        count("rd_operations"),
        count("wr_operations"),
        count("rd_total_time_ns", "wr_total_time_ns"),
    )


def exits_of(reply: Json) -> int | None:
    """Return how often the virtual CPUs have left the guest, from a reply of query-stats; None
    without KVM.
    """
    stats = [stat for cpu in as_dicts(reply) for stat in get_dicts(cpu, "stats")]
    found = [count_of(stat.get("value")) for stat in stats if stat.get("name") == "exits"]
    counts = [count for count in found if count is not None]
    return sum(counts) if counts else None


def threads_of(reply: Json) -> tuple[int, ...]:
    """Return the threads of the virtual CPUs, from a reply of query-cpus-fast."""
    found = [count_of(cpu.get("thread-id")) for cpu in as_dicts(reply)]
    return tuple(thread for thread in found if thread)


class RateGroup:
    """Numbers that were counted at one moment, and how fast they grow.

    counts: the last ones, () for none; at: when they were counted
    rates:  per second, () until they were counted twice
    """

    __slots__ = ("at", "counts", "rates")

    def __init__(self) -> None:
        self.counts: tuple[float, ...] = ()
        self.rates: tuple[float, ...] = ()
        self.at = 0.0

    def read(self, counts: Sequence[float], at: float) -> bool:
        """Use the next numbers; return whether there are new rates.

        A smaller number, or another number of them, starts again. at: seconds of any clock
        """
        passed = at - self.at
        is_next = len(counts) == len(self.counts)
        if is_next and any(new < old for new, old in zip(counts, self.counts, strict=True)):
            is_next = False
        if is_next and passed < _MIN_SECONDS:
            return False
        if is_next:
            pairs = zip(counts, self.counts, strict=True)
            self.rates = tuple((new - old) / passed for new, old in pairs)
        else:
            self.rates = ()
        self.counts, self.at = tuple(counts), at
        return bool(self.rates)

    def forget(self) -> None:
        """Know nothing any more, as when another process counts from now on."""
        self.counts = self.rates = ()
