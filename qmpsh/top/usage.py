"""What one VM uses and does: CPU, memory, disks, network; counted, and as rates. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from qmpsh.jsontypes import Json
from qmpsh.light_typing import NamedTuple
from qmpsh.system.usage import InterfaceBytes, ProcessUsage
from qmpsh.top.counters import DiskCounters, NetCounters, RateGroup, disks_of, exits_of

HISTORY: Final = 60
"""looks whose CPU usage is kept"""
_MOST_PERCENT: Final = 10_000


class DiskRates(NamedTuple):
    """What the disks of a VM do per second. latency: seconds of one operation, None for none"""

    read: float
    written: float
    operations: float
    latency: float | None


class UsageNumbers(NamedTuple):
    """What VMs use, 0 for the unknown: CPU in percent of one, bytes, and bytes a second."""

    cpu: float = 0.0
    resident: float = 0
    read: float = 0.0
    written: float = 0.0
    received: float = 0.0
    sent: float = 0.0


class VmUsage:
    """What one VM uses and does.

    process: what /proc says, None unknown
    disks, nets: counters of each device
    guest:   CPU seconds of its virtual CPUs
    history: CPU usage of the last looks, in percent of one CPU
    """

    __slots__ = ("_cpu", "_disk", "_exits", "_net", "disks", "guest", "history", "nets", "process")

    def __init__(self) -> None:
        self.process: ProcessUsage | None = None
        self.disks: tuple[DiskCounters, ...] = ()
        self.nets: tuple[NetCounters, ...] = ()
        self.history: deque[int] = deque(maxlen=HISTORY)
        self._cpu, self.guest, self._disk, self._net = (RateGroup() for _ in range(4))
        self._exits = RateGroup()

    def on_process(self, process: ProcessUsage | None) -> None:
        """Use what /proc says of the process; None where that is gone or hidden."""
        before, self.process = self.process, process
        if process is None or (before is not None and before.start != process.start):
            self._cpu.forget()
            self.guest.forget()
        if process is not None and self._cpu.read((process.seconds,), process.at):
            self.history.append(min(round(self._cpu.rates[0] * 100), _MOST_PERCENT))

    def on_disks(self, reply: Json, at: float) -> None:
        """Use a reply of query-blockstats."""
        self.disks = disks_of(reply)
        if self.disks:
            columns = zip(*(disk[1:] for disk in self.disks), strict=True)
            self._disk.read([sum(column) for column in columns], at)
        else:
            self._disk.forget()

    def on_stats(self, reply: Json, at: float) -> None:
        """Use a reply of query-stats."""
        exits = exits_of(reply)
        if exits is not None:
            self._exits.read((exits,), at)

    @property
    def exits(self) -> int | None:
        """How often the virtual CPUs have left the guest, None without KVM."""
        return round(self._exits.counts[0]) if self._exits.counts else None

    @property
    def exit_rate(self) -> float | None:
        """The same, a second."""
        return self._exits.rates[0] if self._exits.rates else None

    def on_interfaces(
        self, names: Iterable[str], counters: Mapping[str, InterfaceBytes], at: float
    ) -> None:
        """Use the counters of the host's interfaces: what one receives, the guest has sent."""
        known = [(name, counters[name]) for name in names if name in counters]
        self.nets = tuple(NetCounters(name, one.sent, one.received) for name, one in known)
        if self.nets:
            sums = [sum(one.received for one in self.nets), sum(one.sent for one in self.nets)]
            self._net.read(sums, at)

    def forget(self) -> None:
        """Know nothing of a VM that has ended but its history."""
        self.process = None
        for group in (self._cpu, self.guest, self._disk, self._net, self._exits):
            group.forget()

    @property
    def resident(self) -> int | None:
        """Bytes of memory of the process, None unknown."""
        return self.process.resident if self.process is not None else None

    @property
    def cpu_percent(self) -> float | None:
        """CPU usage of the process, in percent of one CPU; None unknown."""
        return self._cpu.rates[0] * 100 if self._cpu.rates else None

    @property
    def guest_percent(self) -> float | None:
        """That of its virtual CPUs alone."""
        return self.guest.rates[0] * 100 if self.guest.rates else None

    @property
    def guest_seconds(self) -> float | None:
        """CPU time of its virtual CPUs, None unknown."""
        return self.guest.counts[0] if self.guest.counts else None

    @property
    def disk_rates(self) -> DiskRates | None:
        """What its disks do, None unknown."""
        if not self._disk.rates:
            return None
        read, written, reads, writes, busy = self._disk.rates
        operations = reads + writes
        latency = busy / operations / 1e9 if operations else None
        return DiskRates(read, written, operations, latency)

    @property
    def net_rates(self) -> tuple[float, float] | None:
        """Bytes a second that the guest receives and sends, None unknown."""
        return (self._net.rates[0], self._net.rates[1]) if self._net.rates else None


def sum_usage(usages: Sequence[VmUsage]) -> UsageNumbers:
    """Return what many VMs use together; what is not known of one counts nothing."""
    # Number by number, which takes a third of the time that a record for each VM takes.
    disks = [one._disk.rates for one in usages if one._disk.rates]
    nets = [one._net.rates for one in usages if one._net.rates]
    return UsageNumbers(
        100 * sum([one._cpu.rates[0] for one in usages if one._cpu.rates]),
        sum([one.process.resident for one in usages if one.process is not None]),
        sum([rates[0] for rates in disks]),
        sum([rates[1] for rates in disks]),
        sum([rates[0] for rates in nets]),
        sum([rates[1] for rates in nets]),
    )
