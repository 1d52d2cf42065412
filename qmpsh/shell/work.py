"""A job or a migration over time: its state, how far it is, how fast it goes, how it ended.

Plain state objects: the time is an argument, and numbers of a hostile server come out bounded.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import count

from qmpsh.light_typing import Enum, NamedTuple

MIGRATION = "migration"

MAX_JOBS = 1000
"""that are followed; a server with more makes them up"""

SMOOTHING_SECONDS = 3.0
"""seconds after which a rate has forgotten two thirds of what it was"""

UNKNOWN_END = "result unknown"

_VAGUE_ENDS = frozenset({"", UNKNOWN_END, "failed"})
"""results that give way to one that says more"""

_MAX_REMAINING_SECONDS = 100 * 3600.0
"""seconds left that are still worth telling"""

_MIN_SAMPLE_SECONDS = 0.05
"""seconds between two numbers that say something about a rate"""


class WorkState(Enum):
    """The state of a piece of work; all but RUNNING are shown in words."""

    RUNNING = "running"
    READY = "ready"
    PAUSED = "paused"
    WAITING = "waiting"


class Work(NamedTuple):
    """A job or a migration, as it is now.

    label: `backup j0`, `migration`; holds the VM's own names, not yet safe to show
    fraction: done, from 0 to 1; rate: bytes a second; left: seconds; each None when not known
    """

    label: str
    state: WorkState = WorkState.RUNNING
    fraction: float | None = None
    rate: float | None = None
    left: float | None = None


class JobEntry(NamedTuple):
    """A job or a migration in a list, under way or ended.

    serial: never the same for two, while the server may use an id again
    name:   of a job, the VM's own, not yet safe to show; a migration has none
    type, status: the server's words
    result: "" while it goes on; then `completed`, `cancelled`, an error's text or, where it is not
            known, `result unknown`
    failed: it ended with an error
    done, total: in units of its own, 0 where not known; in_bytes: the unit is a byte
    """

    serial: int
    name: str
    type: str
    status: str
    work: Work
    result: str = ""
    failed: bool = False
    is_migration: bool = False
    done: int = 0
    total: int = 0
    in_bytes: bool = False


class RateMeter:
    """Measures how fast a number grows, smoothed; None before it was seen twice."""

    __slots__ = ("_count", "_since", "rate")

    def __init__(self) -> None:
        self.rate: float | None = None
        self._count = 0
        self._since: float | None = None

    def read(self, count: int, now: float) -> None:
        """Use the next number; a smaller one starts again."""
        if self._since is None or count < self._count:
            self.stop()
        else:
            passed = now - self._since
            if passed < _MIN_SAMPLE_SECONDS:
                return
            fresh = (count - self._count) / passed
            weight = 1 - math.exp(-passed / SMOOTHING_SECONDS)
            self.rate = fresh if self.rate is None else self.rate + weight * (fresh - self.rate)
        self._count, self._since = count, now

    def stop(self) -> None:
        """Forget the rate: work that stands still for a reason says nothing about later."""
        self.rate = self._since = None


_serials = count()


class WorkCourse:
    """One piece of work over time. done, total: units of its own; moved: bytes.

    status: the server's word; result, failed: see JobEntry
    """

    __slots__ = (
        *("_done", "_in_bytes", "_meter", "_serial", "_total", "_transfer"),
        *("failed", "name", "result", "state", "status", "type"),
    )

    def __init__(self, name: str, state: WorkState, kind: str = "") -> None:
        self.name = name
        self.type = kind
        self.state = state
        self.status = state.value
        self.result = ""
        self.failed = False
        self._serial = next(_serials)
        self._done = self._total = 0
        self._in_bytes = False
        self._meter = RateMeter()
        self._transfer = RateMeter()

    def become(self, state: WorkState, status: str = "") -> None:
        """Set the state, and the server's word for it."""
        self.status = status or self.status
        if state is not WorkState.RUNNING:
            self._meter.stop()
            self._transfer.stop()
        self.state = state

    def read(self, done: int, total: int, moved: int | None, now: float) -> None:
        """Set how far it is. moved: None if it is not counted in bytes"""
        self._done, self._total = min(done, total), total
        self._in_bytes = moved is not None
        if self.state is WorkState.RUNNING:
            self._meter.read(done, now)
            if moved is not None:
                self._transfer.read(moved, now)

    def work(self) -> Work:
        """Return the work as it is now."""
        fraction = self._done / self._total if self._total else None
        label = f"{self.type} {self.name}".strip()
        return Work(label, self.state, fraction, self._transfer.rate, self._left())

    def entry(self) -> JobEntry:
        """Return the work as a list shows it."""
        is_migration = self.type == MIGRATION and not self.name
        parts = (self._serial, self.name, self.type, self.status, self.work())
        return JobEntry(
            *parts,
            result=self.result,
            failed=self.failed,
            is_migration=is_migration,
            done=self._done,
            total=self._total,
            in_bytes=self._in_bytes,
        )

    def end(self, result: str, *, failed: bool = False) -> None:
        """Note how it ended; once that is known it stays."""
        self.become(WorkState.WAITING)
        if self.result in _VAGUE_ENDS:
            self.result, self.failed = result, failed

    def _left(self) -> float | None:
        rate = self._meter.rate
        if not rate or not self._total:
            return None
        left = (self._total - self._done) / rate
        return left if left < _MAX_REMAINING_SECONDS else None


class EndedWork:
    """The record of work that has ended while a list of jobs is open, the newest MAX_JOBS pieces.

    migration: the last one
    """

    def __init__(self) -> None:
        self.migration: WorkCourse | None = None
        self._courses: deque[WorkCourse] = deque()
        self._jobs: dict[str, WorkCourse] = {}

    def add(self, course: WorkCourse, *, is_migration: bool = False) -> None:
        """Add what has ended just now."""
        if len(self._courses) >= MAX_JOBS:
            oldest = self._courses.popleft()
            if self._jobs.get(oldest.name) is oldest:
                del self._jobs[oldest.name]
        self._courses.append(course)
        if is_migration:
            self.migration = course
        else:
            self._jobs[course.name] = course

    def job(self, name: str) -> WorkCourse | None:
        """Return the last job of this name; None for none."""
        return self._jobs.get(name)

    def courses(self) -> list[WorkCourse]:
        """Return all of it."""
        return list(self._courses)
