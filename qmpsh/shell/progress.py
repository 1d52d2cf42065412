"""What the machine is working on: its jobs, its migration, how far they are and how fast they go.

Fed by events and by the replies of `query-jobs` and `query-migrate`; says which of the two wants
asking and when. A plain state object: the time is an argument, it asks nothing itself, and numbers
of a hostile server come out bounded.
"""

from __future__ import annotations

import math
from collections.abc import Container

from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, get_dict, get_str
from qmpsh.protocol.messages import Event
from qmpsh.shell.work import (
    MAX_JOBS,
    MIGRATION,
    UNKNOWN_END,
    EndedWork,
    JobEntry,
    Work,
    WorkCourse,
    WorkState,
)

POLL_SECONDS = 0.5
"""seconds between two questions at least: two a second at most, of both kinds together"""

SLOW_POLL_SECONDS = 2.0
"""between two queries about a migration that does not move"""

_JOBS = "query-jobs"
_MIGRATE = "query-migrate"
_CAPABILITIES = "query-migrate-capabilities"
_QUERIES = (_JOBS, _MIGRATE, _CAPABILITIES)
_MAX_COUNT = 2**64

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

_ENDS = {"BLOCK_JOB_COMPLETED": "completed", "BLOCK_JOB_CANCELLED": "cancelled"}

_LOST = "the connection was lost"


class Progress:
    """The jobs and the migration of a VM, from the events and replies that it is given.

    is_watched: what ends is kept, and how
    can_switch: the migration may go on as postcopy; known while watched
    """

    def __init__(self) -> None:
        self.can_switch = False
        self._ended: EndedWork | None = None
        self._forget()

    def _forget(self) -> None:
        self._jobs: dict[str, WorkCourse] = {}
        self._migration: WorkCourse | None = None
        self._suspected = {_JOBS, _MIGRATE}
        self._heard: set[str] = set()
        self._asked: dict[str, float] = {}
        self._waiting = False

    def watch(self) -> None:
        """Keep what ends from now on, and how, for a list of jobs; and look for all there is."""
        self._ended = EndedWork()
        self._suspected |= {_JOBS, _MIGRATE, _CAPABILITIES}

    def unwatch(self) -> None:
        """Forget what has ended."""
        self._ended = None

    @property
    def is_watched(self) -> bool:
        return self._ended is not None

    def entries(self) -> list[JobEntry]:
        """Return the work under way and, while watched, what has ended, the oldest first."""
        courses = [*self._jobs.values(), *([self._migration] if self._migration else [])]
        courses += self._ended.courses() if self._ended is not None else []
        return sorted(course.entry() for course in courses)

    def silence(self, now: float) -> float:
        """Return for how many seconds a query has had no answer; 0.0 while none is out."""
        return max(0.0, now - max(self._asked.values(), default=now)) if self._waiting else 0.0

    def on_connection_lost(self) -> None:
        """Forget what was under way: how it ends is not heard any more."""
        if self._ended is not None:
            for job in list(self._jobs):
                self._end_job(job, "null", _LOST, failed=True)
            self._end_migration("", _LOST)
        self._forget()

    @property
    def count(self) -> int:
        """How many pieces of work are under way."""
        return len(self._jobs) + (self._migration is not None)

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

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, expected or being asked: no query is due until an event."""
        return not (self._waiting or self._suspected or self.count)

    def due(self, now: float) -> float | None:
        """Return the seconds until a query is due; None for never."""
        if self._waiting:
            return None
        waits = [self._due(name, now) for name in _QUERIES]
        return min((wait for wait in waits if wait is not None), default=None)

    def next_query(self, now: float) -> str | None:
        """Return the query to send now, or None. Its reply, None for a refusal, goes to `on_reply`;
        until then no other is due.
        """
        if self._waiting:
            return None
        names = [name for name in _QUERIES if self._due(name, now) == 0.0]
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
        elif name == _CAPABILITIES:
            self.can_switch = {"capability": "postcopy-ram", "state": True} in as_dicts(value)
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
        if name == _CAPABILITIES or self._migration is None:
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
            self._end_job(name, status)
            return
        if name not in self._jobs:
            if len(self._jobs) >= MAX_JOBS:
                return
            self._jobs[name] = WorkCourse(name, state, "job")
            self._suspected.add(_JOBS)
        self._jobs[name].become(state, status)

    def _end_job(
        self,
        name: str,
        status: str,
        result: str = UNKNOWN_END,
        *,
        failed: bool = False,
        kind: str = "",
    ) -> None:
        """End a job, or use what is heard of one that has ended. kind: its type"""
        live = self._jobs.pop(name, None)
        if self._ended is None:
            return
        if live is not None:
            self._ended.add(live)
        job = self._ended.job(name)
        if job is not None:
            job.status = status
            job.type = kind or job.type
            job.end(result, failed=failed)
            if status == "concluded" and job.result == UNKNOWN_END:
                self._suspected.add(_JOBS)

    def _migration_changed(self, status: str) -> None:
        self._heard.add(MIGRATION)
        self._set_migration(status)

    def _set_migration(self, status: str, error: str = "") -> None:
        state = _MIGRATION_STATES.get(status)
        if state is None:
            self._end_migration(status, error)
            return
        if self._migration is None:
            self._migration = WorkCourse("", state, MIGRATION)
            if self._ended is not None:
                self._suspected.add(_CAPABILITIES)
        self._migration.become(state, status)

    def _end_migration(self, status: str, error: str = "") -> None:
        """End the migration, or use what is heard of one that has ended."""
        live, self._migration = self._migration, None
        if self._ended is None:
            return
        if live is not None:
            self._ended.add(live, is_migration=True)
            if status == "failed" and not error:
                self._suspected.add(_MIGRATE)
        last = self._ended.migration
        if last is not None and (live is not None or status == last.status):
            last.status = status
            last.end(error or status or UNKNOWN_END, failed=bool(error) or status == "failed")

    def _block_job(self, what: str, data: JsonObject, now: float) -> None:
        """Use the older events: QEMU before 3.0 has no others, and they have the numbers."""
        name = _text(data, "device")
        if what in _ENDS:
            error, kind = _text(data, "error"), _text(data, "type")
            result = error or _ENDS[what]
            self._end_job(name, "concluded", result, failed=bool(error), kind=kind)
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
                self._end_job(name, "null")
        for job in reversed(known):  # QEMU lists the newest first
            self._on_job(job, now)

    def _on_job(self, job: JsonObject, now: float) -> None:
        name, kind = _text(job, "id"), _text(job, "type")
        state = _JOB_STATES.get(_text(job, "status"))
        if f"job {name}" not in self._heard:
            if state is None:
                self._end_listed_job(job)
                return
            if name in self._jobs or len(self._jobs) < MAX_JOBS:
                if name not in self._jobs:
                    self._jobs[name] = WorkCourse(name, state)
                self._jobs[name].become(state, _text(job, "status"))
        course = self._jobs.get(name)
        if course is not None:
            done = _count(job, "current-progress")
            course.type = kind or "job"
            moved = done if kind in _IN_BYTES else None
            course.read(done, _count(job, "total-progress"), moved, now)

    def _end_listed_job(self, job: JsonObject) -> None:
        """Use a job that has ended and waits for job-dismiss."""
        name, status, error = (_text(job, key) for key in ("id", "status", "error"))
        if self._ended is not None and name not in self._jobs and self._ended.job(name) is None:
            course = WorkCourse(name, WorkState.WAITING)
            course.read(_count(job, "current-progress"), _count(job, "total-progress"), None, 0.0)
            self._ended.add(course)
        good = "completed" if status == "concluded" else UNKNOWN_END
        kind = _text(job, "type")
        self._end_job(name, status, error or good, failed=bool(error), kind=kind)

    def _on_migration(self, reply: JsonObject, now: float) -> None:
        self._set_migration(_text(reply, "status"), _text(reply, "error-desc"))
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
