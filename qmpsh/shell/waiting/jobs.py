"""Following jobs to their ends: those that a line started, or that it made go on.

A block job has its error in BLOCK_JOB_COMPLETED, any other in `query-jobs`, until it is dismissed.
`null` alone says only that a job is gone. Source: QAPI, JobStatus; wire.md section 7.
"""

from __future__ import annotations

from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_str, get_str
from qmpsh.protocol.messages import Event
from qmpsh.shell.waiting.rules import ATTACHED, NEXT, CompletionRule
from qmpsh.shell.waiting.trackers import Completion, CompletionTracker, by_event, shown_id

OVER = ("concluded", "null")
GOALS = {"ready": "BLOCK_JOB_READY", "pending": "BLOCK_JOB_PENDING"}
"""What `--wait=` may name for a job besides an event, and the event that reports it."""

_ABOUT_JOBS = ("JOB_", "BLOCK_JOB_")
"""How the events about jobs begin; others name devices, which may be called as jobs are."""

_STABLE_REPLIES = 4
"""answers in a row, within about a second, until a state that another command ends is one: a job
is paused for a moment now and then, and stays ready for a moment after job-complete"""

_JOB_NAMES = frozenset({"backup", "mirror", "commit", "stream"})
"""Ends of commands' names that are what their jobs are called."""

_PARTNER = {"write": "target", "read": "device"}
"""The argument that names the node of which an operation failed."""


class _Job:
    """A job, as the events show it. verdict: None before the end, "" for a good one."""

    __slots__ = ("event", "failed_on", "halt", "id", "status", "verdict")

    def __init__(self, id: str) -> None:
        self.id = id
        self.begin()

    def begin(self) -> None:
        """Begin a new job: an earlier one of this name has nothing to do with it."""
        self.status = ""
        self.verdict: str | None = None
        self.halt = ""
        self.failed_on = ""
        self.event: Event | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be waited for."""
        # Before its status says so, a job still holds its nodes.
        return bool(self.halt) or (self.verdict is not None and self.status in ("", *OVER))


class JobTracker(CompletionTracker):
    """The tracker of the jobs of one line.

    ids: of the jobs; goal: a state in which the wait ends, "" for their ends.
    """

    def __init__(
        self,
        command: str,
        row: CompletionRule,
        arguments: JsonObject,
        ids: list[str],
        goal: str = "",
    ) -> None:
        self._command = command
        self._row = row
        self._arguments = arguments
        self._goal = goal
        self._jobs = {id: _Job(id) for id in ids}
        self._last_seen: dict[str, str] = {}
        self.works = frozenset(ids)
        self.last_queries = (row.poll_query,)

    def on_event(self, event: Event) -> bool:
        job = self._jobs.get(as_str(event.data.get("id", event.data.get("device"))))
        if job is None or not event.name.startswith(_ABOUT_JOBS):
            return False
        if event.name == "JOB_STATUS_CHANGE":
            self._change(job, event)
        elif event.name in (*self._row.success.split(), *self._row.failure.split()):
            job.event = event
            job.verdict = self._verdict(event)
        elif event.name in self._halts:
            self._halt(job, event)
        self._choose_query()
        return True

    def on_last_reply(self, query: str, value: Json) -> None:
        self._last_seen = {str(id): _seen(entry) for id, entry in by_id(value).items()}

    def on_reply(self, value: Json) -> None:
        listed = by_id(value)
        for job in self._jobs.values():
            if job.status in OVER and job.verdict is None:
                entry = listed.get(job.id)
                if entry is None:
                    job.verdict = "it is gone, and its result is unknown"
                else:
                    error = entry.get("error", "")
                    job.verdict = str(error) if self._row.failure else ""
                    job.event = Event("", entry, None, {"query-jobs": entry})
        self._choose_query()

    def completion(self) -> Completion | None:
        jobs = list(self._jobs.values())
        if not all(job.is_settled for job in jobs):
            return None
        failed = "; ".join(filter(None, map(self._failure, jobs)))
        note = "\n".join(filter(None, map(self._advice, jobs)))
        ends = [_completion_of(job, failed, note) for job in jobs]
        if len(ends) == 1:
            return ends[0]
        return Completion(
            failed, [end.value for end in ends], {"ends": [end.details for end in ends]}, note
        )

    def attached(self) -> CompletionTracker | None:
        """A job's state can be asked for; of several the ends could not be told apart."""
        if len(self._jobs) > 1:
            return None
        tracker = AttachedJobTracker(*self._jobs, command=self._command, goal=self._goal)
        tracker.attach(asks=True)
        return tracker

    def awaited(self) -> str:
        goal = f"to be {self._goal}" if self._goal else "to end"
        states = [
            f"{job.id} is {self._last_seen.get(job.id) or job.status or 'as it was'}"
            for job in self._jobs.values()
            if not job.is_settled
        ]
        names = ", ".join(self._jobs)
        return f"job{'s' * (len(self._jobs) > 1)} {names} {goal}; {', '.join(states)}"

    def left(self) -> str:
        if "BLOCK_JOB_CANCELLED" in self._row.success.split():
            return ""  # its end is what was asked for
        kind = self._command.rpartition("-")[2]
        kind = kind if kind in _JOB_NAMES else "job"
        return "; ".join(
            f"{kind} {job.id} goes on; job-cancel id={shown_id(job.id)} ends it"
            for job in self._jobs.values()
            if not job.is_settled and (job.status or not self._row.creates)
        )

    def _choose_query(self) -> None:
        """Choose the query: only the end of a job that has no event of its own is asked for."""
        jobs = self._jobs.values()
        self.urgent = any(job.status in OVER and job.verdict is None for job in jobs)
        self.query = self._row.poll_query if self.urgent else ""
        if self._row.dismiss:
            self.dismissed = tuple(job.id for job in jobs if job.status == "concluded")

    # ------------------------------------------------------------------ what an event means

    @property
    def _halts(self) -> list[str]:
        return self._row.pauses_in.split()

    def _change(self, job: _Job, event: Event) -> None:
        status = get_str(event.data, "status")
        if not status:
            return
        if status == "created" and self._row.creates:
            job.begin()
        job.status = status
        if status == "running":
            job.halt = job.failed_on = ""
        elif status in ("paused", "standby") and job.failed_on:
            job.halt = "BLOCK_JOB_ERROR"

    def _halt(self, job: _Job, event: Event) -> None:
        if event.name != "BLOCK_JOB_ERROR":
            job.halt, job.event = event.name, event
        elif event.data.get("action") == "stop":
            job.failed_on = str(event.data.get("operation"))
            job.event = event

    def _verdict(self, event: Event) -> str:
        if event.name in self._row.failure.split():
            return "it was cancelled"
        error = event.data.get("error", "")
        return str(error) or ("failed" if "error" in event.data else "")

    # ------------------------------------------------------------------ what to say of it

    def _failure(self, job: _Job) -> str:
        if job.verdict:
            return f"{self._command}: job {job.id}: {job.verdict}"
        if job.halt == "BLOCK_JOB_ERROR":
            where = get_str(self._arguments, _PARTNER.get(job.failed_on, ""))
            of = f" {where}" if where else ""
            advice = NEXT[job.halt].format(id=shown_id(job.id))
            return (
                f"{self._command}: job {job.id} is paused, it could not {job.failed_on}{of};"
                f" {advice}"
            )
        return ""

    def _advice(self, job: _Job) -> str:
        if job.verdict is not None:
            missed = self._goal and job.verdict == ""
            return f"job {job.id} has ended and was never {self._goal}" if missed else ""
        if job.halt in GOALS.values() and job.halt != GOALS.get(self._goal):
            return NEXT[job.halt].format(id=shown_id(job.id))
        return ""


class AttachedJobTracker(JobTracker):
    """The tracker of a job that an earlier line or another client started: `.wait job=ID`.

    command, goal: of the line that started it, where that waits on

    The events of it that were kept come first (`on_event`), then `attach`; what query-jobs lists
    overrides them, since they may be about an earlier job of this name.
    """

    def __init__(self, id: str, *, command: str = "", goal: str = "") -> None:
        super().__init__(command or ".wait", ATTACHED, {}, [id], goal)
        self._unknown = _UNKNOWN_MEANWHILE if command else _UNKNOWN
        self._job = self._jobs[id]
        self._missing = ""
        self._asks = True
        self._has_ended = False
        self._halted = ("", 0)

    def attach(self, *, asks: bool) -> None:
        """Go on with live events. asks: the server can be asked how the job is now"""
        self._job.halt = ""
        self._asks = asks
        self._has_ended = False
        if not asks and self._job.verdict is not None:
            self._job.status = "null"
        self.query, self.urgent = self._row.poll_query, True

    def on_event(self, event: Event) -> bool:
        query = self.query
        is_own = super().on_event(event)
        self._has_ended = self._job.status in OVER
        self.query = self.query or query
        return is_own

    def on_reply(self, value: Json) -> None:
        job, entry = self._job, by_id(value).get(self._job.id)
        status = "" if entry is None else str(entry.get("status"))
        if entry is not None and status not in OVER and self._has_ended:
            # QEMU may send an event before the reply that was made before it: ask once more.
            self._has_ended = False
            self.query, self.urgent = self._row.poll_query, True
            return
        if entry is None:
            if job.verdict is None and not job.status:
                self._missing = self._unknown if value is not None else "query-jobs was refused"
            job.status = "null"
        elif status in OVER:
            job.status = status
        else:
            job.verdict, job.status = None, status
        self._asks = False
        super().on_reply(value)
        self._look_for_halt(status)

    def completion(self) -> Completion | None:
        if self._missing:
            return Completion(f"no job {self._job.id}: {self._missing}")
        return None if self._asks else super().completion()

    def _look_for_halt(self, status: str) -> None:
        """Ask again about a job that seems to need another command, until that is certain."""
        if status not in _HALTED:
            self._halted = ("", 0)
            return
        count = self._halted[1] + 1 if self._halted[0] == status else 1
        self._halted = (status, count)
        if count == _STABLE_REPLIES:
            self._job.halt = _HALTED[status]
        self.query = self._row.poll_query

    def _failure(self, job: _Job) -> str:
        if job.verdict is None and job.halt == "BLOCK_JOB_ERROR" and not job.failed_on:
            advice = NEXT[job.halt].format(id=shown_id(job.id))
            return f"{self._command}: job {job.id} is paused; {advice}"
        return super()._failure(job)


_UNKNOWN = "it never was, or has ended and was dismissed"
_UNKNOWN_MEANWHILE = "it ended while there was no connection, and its result is unknown"

_HALTED = {
    "ready": "BLOCK_JOB_READY",
    "pending": "BLOCK_JOB_PENDING",
    "paused": "BLOCK_JOB_ERROR",
    "standby": "BLOCK_JOB_ERROR",
}
"""What a job's state is called by its event, where only another command moves the job."""


def by_id(value: Json) -> dict[str, JsonObject]:
    """Return the entries of an answer to query-jobs, by their ids."""
    return {id: entry for entry in as_dicts(value) if isinstance(id := entry.get("id"), str)}


def _seen(entry: JsonObject) -> str:
    """Return a job as query-jobs lists it: `running, 40 % done`."""
    done, total = entry.get("current-progress"), entry.get("total-progress")
    status = str(entry.get("status"))
    if not isinstance(done, int) or not isinstance(total, int) or not 0 <= done <= total > 0:
        return status
    return f"{status}, {done * 100 // total} % done"


def _completion_of(job: _Job, failed: str, note: str) -> Completion:
    if job.event is None:
        return Completion(failed, {"id": job.id, "status": job.status}, {}, note)
    if not job.event.name:  # not an event's word, but a reply's
        return Completion(failed, job.event.data, job.event.raw, note)
    return by_event(job.event, failed, note)
