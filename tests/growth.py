"""What an interactive session takes while very much comes in: events, replies, reconnections.

The first of them are let go by before it is measured, as many as are kept; all that come after must
not add to it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from qmpsh.ui.screen.events import MAX_SHOWN_EVENTS
from tests.console import Console, console
from tests.faults.server import LEARNT, Served, greet, server

FIRST, ALL = MAX_SHOWN_EVENTS + 2_000, 50_000
GROWTH = 1.05
"""how much more memory is too much"""

SOAK_GROWTH, SLACK = 1.05, 4.0
"""The same for a long load: a factor, and MB that an allocator may keep."""

_BATCH = 100
_SECONDS = 1_763_677_831


class Grown(NamedTuple):
    """before, after: MB resident."""

    before: float
    after: float

    @property
    def is_bounded(self) -> bool:
        return self.after <= self.before * GROWTH


class Sample(NamedTuple):
    """memory: MB resident; descriptors: open; done: what has been done so far, by name."""

    seconds: float
    memory: float
    descriptors: int
    threads: int
    done: dict[str, int]

    @property
    def text(self) -> str:
        """As one line."""
        held = f"{self.memory:6.1f} MB  {self.descriptors:3} descriptors  {self.threads} threads"
        return f"{self.seconds:7.1f} s  {held}  {self.counts}"

    @property
    def counts(self) -> str:
        """What has been done."""
        return " ".join(f"{name} {count:,}" for name, count in self.done.items())


def sample_of(pid: int, since: float, done: Counter[str]) -> Sample:
    """What a process holds now. since: when that began, of the clock `time.monotonic()`"""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    descriptors, threads = (len(os.listdir(f"/proc/{pid}/{name}")) for name in ("fd", "task"))
    return Sample(time.monotonic() - since, memory, descriptors, threads, dict(done))


class Load(Protocol):
    """What works on a process, and disturbs it."""

    def step(self) -> object:
        """Go on for a moment."""

    def rest(self) -> Sample:
        """Let everything end, check it, and look at the process."""

    def close(self) -> object:
        """End all that was started."""


class DisturbedLoad(Load, Protocol):
    """A load that can be disturbed in each of its ways at once, for its short form."""

    def disturb(self) -> object:
        """Do each of what disturbs, once."""


def soak_shortly(load: DisturbedLoad, begin: Callable[[], object]) -> Sample:
    """Disturb a process, and see that it has no more descriptors than before; return what it holds.

    begin: lets everything happen once, before it is looked at
    """
    try:
        begin()
        before = load.rest()
        load.disturb()
        after = load.rest()
    finally:
        load.close()
    assert after.descriptors <= before.descriptors
    return after


def soak_load(load: Load, seconds: float, every: float, say: Callable[[str], None]) -> list[Sample]:
    """Run for so many seconds; return what was held. every: seconds between samples"""
    started = time.monotonic()
    samples: list[Sample] = []
    try:
        while time.monotonic() - started < seconds:
            due = started + (len(samples) + 1) * every
            while time.monotonic() < due:
                load.step()
            samples.append(load.rest())
            say(samples[-1].text)
    finally:
        load.close()
    return samples


class Held(NamedTuple):
    """What was held over a part of a run: of memory the least or the most, of others the least."""

    memory: float
    descriptors: int
    threads: int


def compared(samples: list[Sample]) -> tuple[Held, Held]:
    """Return the most that was held once all had happened, and the least at the end.

    These are the second quarter of the samples and the last.
    """
    quarter = max(1, len(samples) // 4)
    parts = samples[quarter : 2 * quarter] or samples[:1], samples[-quarter:]
    before, after = (
        Held(
            chosen(one.memory for one in part),
            min(one.descriptors for one in part),
            min(one.threads for one in part),
        )
        for chosen, part in zip((max, min), parts, strict=True)
    )
    return before, after


def grown(samples: list[Sample]) -> str:
    """Return what grew from the second quarter of the samples to the last; "" for nothing."""
    before, after = compared(samples)
    if after.memory > before.memory * SOAK_GROWTH + SLACK:
        return f"memory grew from {before.memory:.1f} to {after.memory:.1f} MB"
    for what, least, most in zip(Held._fields[1:], before[1:], after[1:], strict=True):
        if most > least:
            return f"{what} grew from {least} to {most}"
    return ""


def closing_line(name: str, samples: list[Sample]) -> str:
    """Return the figures of a load, and whether they are flat."""
    before, after = compared(samples)
    held = (
        f"memory {before.memory:.1f} -> {after.memory:.1f} MB,"
        f" descriptors {before.descriptors} -> {after.descriptors},"
        f" threads {before.threads} -> {after.threads}"
    )
    last = samples[-1]
    return f"{name}: {held}, {last.seconds:.0f} s: {grown(samples) or 'flat'} ({last.counts})"


def event(number: int, name: str = "VSERPORT_CHANGE") -> bytes:
    """An event that is no repeat of another."""
    stamp = {"seconds": _SECONDS + number, "microseconds": number}
    data = {"open": bool(number % 2), "id": f"channel{number}"}
    return json.dumps({"timestamp": stamp, "event": name, "data": data}).encode() + b"\r\n"


def events(front: str, size: int = ALL) -> Grown:
    """So many events at a front end, "w" for the full screen or "p" for the line prompt."""
    go = threading.Event()

    def pour(peer: Served) -> None:
        greet(peer)
        peer.attend(LEARNT)
        peer.refuse(peer.request)
        for first, last in ((0, FIRST), (FIRST, size)):
            for start in range(first, last, _BATCH):
                peer.raw(b"".join(map(event, range(start, min(last, start + _BATCH)))))
            peer.raw(event(last, f"AFTER_{last}"))
            go.wait()
            go.clear()

    def measure(shown: Console) -> Grown:
        shown.sees(f"AFTER_{FIRST}")
        before = shown.memory()
        go.set()
        shown.sees(f"AFTER_{size}")
        return Grown(before, shown.memory())

    with server((pour,)) as served, console(*_front(front), served.path) as shown:
        try:
            return measure(shown)
        finally:
            served.released.set()
            go.set()


def _front(front: str) -> list[str]:
    return ["--plain"] if front == "p" else []


LOADS: dict[str, Callable[[], Grown]] = {
    f"{ALL:,} events at the full screen": lambda: events("w"),
    f"{ALL:,} events at the line prompt": lambda: events("p"),
}
"""What `make soak` does before its mixed load."""
