"""What a process uses of this machine: CPU time, memory, and the network interfaces it holds.

Read from /proc, again and again, so that each look is one small file. All of it is readable by any
user, but for the interfaces. Linux only: elsewhere nothing is known.

Source: proc(5): /proc/PID/stat, /proc/PID/fdinfo, /proc/net/dev.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from itertools import islice
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.system.proc import PROC, maybe_link

_STAT_BYTES: Final = 4096
_TABLE_BYTES: Final = 1 << 20  # of all interfaces of this machine
_DESCRIPTORS: Final = 1 << 12  # of one process that are looked at
_STATE, _USER, _SYSTEM, _START, _RESIDENT = 0, 11, 12, 19, 21
"""fields of a stat after the name of the process"""
_TAP: Final = re.compile(rb"^iff:\s*(\S+)", re.MULTILINE)
_RECEIVED, _SENT = 0, 8
"""columns of /proc/net/dev"""


class ProcessUsage(NamedTuple):
    """What a process has used up to a moment.

    at:       of the clock `time.monotonic()`
    seconds:  of CPU, of all its threads
    resident: bytes of memory
    state:    the letter of proc(5)
    start:    when it began, in the kernel's ticks: another one is another process
    """

    at: float
    seconds: float
    resident: int
    state: str
    start: int


class InterfaceBytes(NamedTuple):
    """What has gone through a network interface, as this host sees it."""

    received: int
    sent: int


def maybe_usage(pid: int) -> ProcessUsage | None:
    """Return what a process has used; None where it is gone or hidden."""
    data = _read(f"{PROC}/{pid}/stat", _STAT_BYTES)
    return parse_usage(data, time.monotonic()) if data else None


def thread_seconds(pid: int, threads: Iterable[int]) -> float:
    """Return the CPU seconds of some threads of a process; those that are gone count nothing."""
    found = (_read(f"{PROC}/{pid}/task/{thread}/stat", _STAT_BYTES) for thread in threads)
    usages = (parse_usage(data, 0.0) for data in found if data)
    return sum(usage.seconds for usage in usages if usage is not None)


def parse_usage(data: bytes, at: float) -> ProcessUsage | None:
    """Read /proc/PID/stat; None for any other text."""
    # After the name, which stands in parentheses and may hold any.
    fields = data.rpartition(b")")[2].split()
    try:
        ticks = int(fields[_USER]) + int(fields[_SYSTEM])
        resident, start = int(fields[_RESIDENT]), int(fields[_START])
        state = fields[_STATE].decode("ascii")
    except (IndexError, ValueError):
        return None
    return ProcessUsage(at, ticks / _ticks_a_second(), resident * _page_bytes(), state, start)


def group_of(thread: int) -> int:
    """Return the process of a thread, whose number may be hidden from a listing; 0 if unknown."""
    data = _read(f"{PROC}/{thread}/status", _STAT_BYTES)
    found = re.search(rb"^Tgid:\s*([0-9]{1,10})$", data, re.MULTILINE)
    return int(found[1]) if found else 0


def tap_names(pid: int) -> tuple[str, ...]:
    """Return the tap interfaces that a process holds, () where they are hidden or in another
    network namespace than ours.
    """
    here, there = maybe_link(os.getpid(), "ns/net"), maybe_link(pid, "ns/net")
    if not here or here != there:
        return ()
    names: dict[str, None] = {}
    try:
        with os.scandir(f"{PROC}/{pid}/fd") as entries:
            for entry in islice(entries, _DESCRIPTORS):
                if maybe_link(pid, f"fd/{entry.name}") == "/dev/net/tun":
                    found = _TAP.search(_read(f"{PROC}/{pid}/fdinfo/{entry.name}", _STAT_BYTES))
                    if found:
                        names[os.fsdecode(found[1])] = None
    except OSError:
        return ()
    return tuple(names)


def interface_bytes() -> dict[str, InterfaceBytes]:
    """Return the counters of all network interfaces of our namespace, by name."""
    return parse_interfaces(_read(f"{PROC}/net/dev", _TABLE_BYTES))


def parse_interfaces(data: bytes) -> dict[str, InterfaceBytes]:
    """Read /proc/net/dev; lines of another form are left out."""
    found = {}
    for line in data.splitlines():
        name, colon, rest = line.rpartition(b":")
        numbers = rest.split()
        try:
            counters = InterfaceBytes(int(numbers[_RECEIVED]), int(numbers[_SENT]))
        except (IndexError, ValueError):
            continue
        if colon:
            found[os.fsdecode(name.strip())] = counters
    return found


def _read(path: str, most: int) -> bytes:
    """Return the beginning of a file, b"" where it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        return os.read(fd, most)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _ticks_a_second() -> int:
    return os.sysconf("SC_CLK_TCK")


def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE")
