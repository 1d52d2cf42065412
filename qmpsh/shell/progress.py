"""What the machine is working on: its jobs, its migration, how far they are and how fast they go.

Fed by events and by the replies of `query-jobs` and `query-migrate`; says which of the two wants
asking and when. A plain state object: the time is an argument, it asks nothing itself, and numbers
of a hostile server come out bounded.
"""

from __future__ import annotations

import math
from collections.abc import Container
from enum import Enum
from typing import NamedTuple

from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, get_dict, get_str
from qmpsh.protocol.messages import Event

POLL_SECONDS = 0.5
"""seconds between two questions at least: two a second at most, of both kinds together"""

SLOW_POLL_SECONDS = 2.0
"""between two queries about a migration that does not move"""

MIGRATION = "migration"

SMOOTHING_SECONDS = 3.0
"""seconds after which a rate has forgotten two thirds of what it was"""

_JOBS = "query-jobs"
_MIGRATE = "query-migrate"
_MAX_COUNT = 2**64
_MAX_REMAINING_SECONDS = 100 * 3600.0
"""seconds left that are still worth telling"""

MAX_JOBS = 1000
"""that are followed; a server with more makes them up"""

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


# Source: QAPI JobStatus. A job of any other status is over, or says nothing yet.
_JOB_STATES = {
    "created": WorkState.WAITING,
    "running": WorkState.RUNNING,
    "paused": WorkState.PAUSED,
    "ready": WorkState.READY,
    "standby": WorkState.PAUSED,
    "waiting": WorkState.WAITING,
    "pending": WorkState.WAITING,
    "aborting": WorkState.WAITING,
}

# Source: QAPI MigrationStatus.
_MIGRATION_STATES = {
    "setup": WorkState.WAITING,
    "active": WorkState.RUNNING,
    "device": WorkState.RUNNING,
    "postcopy-active": WorkState.RUNNING,
    "postcopy-paused": WorkState.PAUSED,
    "postcopy-recover": WorkState.WAITING,
    "postcopy-recover-setup": WorkState.WAITING,
    "pre-switchover": WorkState.PAUSED,
    "cancelling": WorkState.WAITING,
    "wait-unplug": WorkState.WAITING,
    "colo": WorkState.RUNNING,
}

# Types of jobs whose progress is counted in bytes.
_IN_BYTES = frozenset({"backup", "commit", "mirror", "stream"})

_ENDS = frozenset({"BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"})


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


class _WorkCourse:
    """One piece of work over time. done, total: units of its own; moved: bytes."""

    __slots__ = ("_done", "_meter", "_total", "_transfer", "name", "state", "type")

    def __init__(self, name: str, state: WorkState, kind: str = "") -> None:
        self.name = name
        self.type = kind
        self.state = state
        self._done = self._total = 0
        self._meter = RateMeter()
        self._transfer = RateMeter()

    def become(self, state: WorkState) -> None:
        """Set the state."""
        if state is not WorkState.RUNNING:
            self._meter.stop()
            self._transfer.stop()
        self.state = state

    def read(self, done: int, total: int, moved: int | None, now: float) -> None:
        """Set how far it is. moved: None if it is not counted in bytes"""
        self._done, self._total = min(done, total), total
        if self.state is WorkState.RUNNING:
            self._meter.read(done, now)
            if moved is not None:
                self._transfer.read(moved, now)

    def work(self) -> Work:
        """Return the work as it is now."""
        fraction = self._done / self._total if self._total else None
        label = f"{self.type} {self.name}".strip()
        return Work(label, self.state, fraction, self._transfer.rate, self._left())

    def _left(self) -> float | None:
        rate = self._meter.rate
        if not rate or not self._total:
            return None
        left = (self._total - self._done) / rate
        return left if left < _MAX_REMAINING_SECONDS else None


class Progress:
    """The jobs and the migration of a VM, from the events and replies that it is given."""

    def __init__(self) -> None:
        self._jobs: dict[str, _WorkCourse] = {}
        self._migration: _WorkCourse | None = None
        self._suspected = {_JOBS, _MIGRATE}
        self._heard: set[str] = set()
        self._asked: dict[str, float] = {}
        self._waiting = False

    def works(self, names: Container[str] | None = None) -> list[Work]:
        """Return the work under way: first what moves, and of that what is nearest to its end.

        names: of the jobs to report, and MIGRATION; None for all
        """
        courses = {**self._jobs, **({MIGRATION: self._migration} if self._migration else {})}
        wanted = [course for name, course in courses.items() if names is None or name in names]
        return sorted((course.work() for course in wanted), key=_distance)

    def suspect_migration(self) -> None:
        """Expect a migration, since a command may have started one: without the migration
        capability `events` nothing else shows it.
        """
        self._suspected.add(_MIGRATE)

    # ------------------------------------------------------------------ asking

    def due(self, now: float) -> float | None:
        """Return the seconds until a query is due; None for never."""
        if self._waiting:
            return None
        waits = [self._due(name, now) for name in (_JOBS, _MIGRATE)]
        return min((wait for wait in waits if wait is not None), default=None)

    def next_query(self, now: float) -> str | None:
        """Return the query to send now, or None. Its reply, None for a refusal, goes to `on_reply`;
        until then no other is due.
        """
        if self._waiting:
            return None
        names = [name for name in (_JOBS, _MIGRATE) if self._due(name, now) == 0.0]
        if not names:
            return None
        name = min(names, key=lambda name: self._asked.get(name, -math.inf))
        self._suspected.discard(name)
        self._asked[name] = now
        self._waiting = True
        self._heard.clear()
        return name

    def on_reply(self, name: str, value: Json, now: float) -> None:
        """Use the reply to a query; a shape that is not known means that nothing is under way."""
        self._waiting = False
        if name == _JOBS:
            self._on_jobs(as_dicts(value), now)
        elif MIGRATION not in self._heard:
            self._on_migration(as_dict(value), now)

    def _due(self, name: str, now: float) -> float | None:
        pause = self._pause(name)
        if pause is None:
            return None
        last = max(self._asked.values(), default=-math.inf)
        own = self._asked.get(name, -math.inf)
        return max(0.0, last + POLL_SECONDS - now, own + pause - now)

    def _pause(self, name: str) -> float | None:
        """Return the seconds between two queries of a kind; None to send no more."""
        if name in self._suspected:
            return POLL_SECONDS
        if name == _JOBS:
            # Whatever ends another state of a job is announced by an event.
            moving = any(job.state is WorkState.RUNNING for job in self._jobs.values())
            return POLL_SECONDS if moving else None
        if self._migration is None:
            return None
        return POLL_SECONDS if self._migration.state is WorkState.RUNNING else SLOW_POLL_SECONDS

    # ------------------------------------------------------------------ events

    def on_event(self, event: Event, now: float) -> None:
        """Use an event; most are not about work."""
        data = event.data
        if event.name == "JOB_STATUS_CHANGE":
            self._job_changed(_text(data, "id"), _text(data, "status"))
        elif event.name == "MIGRATION":
            self._migration_changed(_text(data, "status"))
        elif event.name == "MIGRATION_PASS":
            self._migration_changed("active")
        elif event.name.startswith("BLOCK_JOB_"):
            self._block_job(event.name, data, now)

    def _job_changed(self, name: str, status: str) -> None:
        state = _JOB_STATES.get(status)
        if len(self._heard) <= MAX_JOBS:
            self._heard.add(f"job {name}")
        if state is None:
            self._jobs.pop(name, None)
            return
        if name not in self._jobs:
            if len(self._jobs) >= MAX_JOBS:
                return
            self._jobs[name] = _WorkCourse(name, state, "job")
            self._suspected.add(_JOBS)
        self._jobs[name].become(state)

    def _migration_changed(self, status: str) -> None:
        self._heard.add(MIGRATION)
        self._set_migration(_MIGRATION_STATES.get(status))

    def _set_migration(self, state: WorkState | None) -> None:
        if state is None:
            self._migration = None
            return
        if self._migration is None:
            self._migration = _WorkCourse("", state, MIGRATION)
        self._migration.become(state)

    def _block_job(self, what: str, data: JsonObject, now: float) -> None:
        """Use the older events: QEMU before 3.0 has no others, and they have the numbers."""
        name = _text(data, "device")
        if what in _ENDS:
            self._job_changed(name, "concluded")
        elif what == "BLOCK_JOB_READY":
            self._job_changed(name, "ready")
            job = self._jobs.get(name)
            if job is not None:
                job.type = _text(data, "type") or job.type
                job.read(_count(data, "offset"), _count(data, "len"), None, now)
        elif what == "BLOCK_JOB_ERROR":
            self._suspected.add(_JOBS)

    # ------------------------------------------------------------------ replies

    def _on_jobs(self, jobs: list[JsonObject], now: float) -> None:
        """Use the list of jobs. What an event said since the query is newer than the reply."""
        known = jobs[:MAX_JOBS]
        for name in set(self._jobs) - {_text(job, "id") for job in known}:
            if f"job {name}" not in self._heard:
                del self._jobs[name]
        for job in known:
            self._on_job(job, now)

    def _on_job(self, job: JsonObject, now: float) -> None:
        name, kind = _text(job, "id"), _text(job, "type")
        state = _JOB_STATES.get(_text(job, "status"))
        if f"job {name}" not in self._heard:
            if state is None:
                self._jobs.pop(name, None)
                return
            if name in self._jobs or len(self._jobs) < MAX_JOBS:
                self._jobs.setdefault(name, _WorkCourse(name, state)).become(state)
        course = self._jobs.get(name)
        if course is not None:
            done = _count(job, "current-progress")
            course.type = kind or "job"
            moved = done if kind in _IN_BYTES else None
            course.read(done, _count(job, "total-progress"), moved, now)

    def _on_migration(self, reply: JsonObject, now: float) -> None:
        self._set_migration(_MIGRATION_STATES.get(_text(reply, "status")))
        ram = get_dict(reply, "ram")
        if self._migration is not None and ram:
            total = _count(ram, "total")
            # A page that was written again is to be sent again: what remains may grow.
            done = max(0, total - _count(ram, "remaining"))
            self._migration.read(done, total, _count(ram, "transferred"), now)


def _distance(work: Work) -> tuple[bool, float, float]:
    left = math.inf if work.left is None else work.left
    return work.state is not WorkState.RUNNING, left, -(work.fraction or 0.0)


def _text(data: JsonObject, key: str) -> str:
    return shortened(get_str(data, key))


def _count(data: JsonObject, key: str) -> int:
    """Return a number of units; 0 for anything else."""
    value = data.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(0, value), _MAX_COUNT)
    return 0
