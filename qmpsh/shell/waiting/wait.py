"""`--wait`: runs a command and waits for the end of the work that it starts.

Theory of operation. `rules.ENDS` has a row for each command that finishes after its reply. The
row's kind chooses a tracker, a pure state object that is given events and replies and knows when
the work has ended: `EventTracker` and `MigrationTracker` (`trackers`), `JobTracker` (`jobs`);
`--wait=EVENT` has a `NamedEventTracker`. A `TrackerDriver` passes it every event, sends its query
when one is due, and asks for its `completion` each time there is news; in between the line yields
a `WaitFor`, so that the front end goes on meanwhile.

The tracker gets events from before the command is sent, since they come before the reply of their
own command, and a job may begin and end before it (wire.md section 7). Older events never count:
they are read and dropped first. After a timeout the `last_queries` give the state to report.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from functools import partial

from qmpsh.client.client import Client, Pending
from qmpsh.errors import CannotConnect, ConnectionLost, ReplyTimeout, StreamEnded, UsageError
from qmpsh.jsontypes import JsonObject, as_dict
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command, Event, Reply
from qmpsh.shell.events import read_wanted
from qmpsh.shell.execute import Request, answer_to, execute
from qmpsh.shell.progress import Progress
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.waiting.jobs import GOALS, JobTracker
from qmpsh.shell.waiting.rules import RuleKind, job_ids, rule_of
from qmpsh.shell.waiting.trackers import (
    Completion,
    CompletionTracker,
    EventTracker,
    MigrationTracker,
    NamedEventTracker,
)

if TYPE_CHECKING:
    from qmpsh.shell.context import Context

_ENDLESS = (
    "{what} finishes at once: there is nothing to wait for; --wait=EVENT waits for an event, as in"
    " --wait=SHUTDOWN"
)
_NO_END = "a line of the human monitor has no end to wait for; --wait is for QMP"
_NO_JOB = "no job becomes {wanted} by {name}; --wait alone waits for its end"
_WAITED = "{name}: waited {given} for {awaited}"
_LOST = "lost the connection while waiting for {awaited}{why}"
_ATTACHED = "the qmpsh that shared the monitor has ended; connected again, and waiting on"

MIN_POLL_SECONDS, MAX_POLL_SECONDS = 0.05, 0.5
"""between two queries about an end that no event reports; the pause doubles"""

_DISMISS_SECONDS = 2.0
"""for job-dismiss after the end; its result changes nothing"""

_LAST_QUERY_SECONDS = 0.5
"""for the state to report when the time has run out"""

_MAX_DRAIN_TURNS = 16
"""of reading older events, 1 MiB each; a guest may raise events without end"""


def drain(client: Client) -> None:
    """Read what has come so far."""
    for _ in range(_MAX_DRAIN_TURNS):
        if not client.poll(0):
            return


def execute_and_wait(context: Context, request: Request, wanted: str) -> Steps:
    """Run a request, and wait for the end of what it starts.

    wanted: "" for the end that the table knows, else an event or a job's state
    Raises UsageError where there is nothing to wait for, before anything is sent.
    """
    tracker = yield from _tracker_for(context, request, wanted)
    send = partial(_send_and_follow, context, tracker)
    return (yield from execute(context.client, request, context.settings, send))


def _tracker_for(
    context: Context, request: Request, wanted: str
) -> Generator[Wish, str, CompletionTracker]:
    """Return the tracker of a request. Raises UsageError if it has nothing to wait for."""
    command = request.command
    if request.hmp:
        if context.speaks_qmp:
            raise UsageError(_NO_END)
        # Imported here: few servers are HMP monitors.
        from qmpsh.protocol.hmp_monitor import NEEDS_QMP

        raise UsageError(NEEDS_QMP.format(what="--wait"))
    row = rule_of(command.name)
    arguments = as_dict(command.arguments)
    if wanted and not (wanted in GOALS and row is not None and row.kind is RuleKind.JOB):
        named = read_wanted(wanted)
        yield from context.introspection.load_schema()
        named.check(context.introspection.schema)
        return NamedEventTracker(named)
    if row is None:
        raise UsageError(_ENDLESS.format(what=command.name))
    if row.kind is RuleKind.EVENT:
        return EventTracker(command.name, row, arguments)
    if row.kind is RuleKind.MIGRATION:
        return MigrationTracker(command.name, row)
    ids = job_ids(row, arguments)
    if not ids:
        raise UsageError(_ENDLESS.format(what=f"{command.name} without a job"))
    if wanted and GOALS[wanted] not in row.pauses_in.split():
        raise UsageError(_NO_JOB.format(wanted=wanted, name=command.name))
    return JobTracker(command.name, row, arguments, ids, wanted)


def _send_and_follow(
    context: Context, tracker: CompletionTracker, client: Client, request: Request
) -> Steps:
    history = context.keep_events()
    drain(client)
    context.before_sending(client, request.command)
    timeout = request.modifiers.timeout
    started = time.monotonic()
    deadline = None if timeout is None else started + timeout
    driver = TrackerDriver(client, tracker, progress_of(context))
    with history.followed(driver.on_event):
        suggest = context.introspection.suggestion
        answer = yield from answer_to(client, request, suggest, tracker.left)
    if answer.failed and not tracker.tolerates(answer.text or ""):
        yield answer
        return Outcome(1)
    driver, completion = yield from _wait_on(context, driver, deadline)
    client, tracker = driver.client, driver.tracker
    if completion is None:
        yield from query_last_state(client, tracker)
        raise timeout_error(request.command.name, timeout, tracker)
    yield completion_answer(answer, completion, time.monotonic() - started)
    if completion.note:
        yield Note(completion.note)
    for job in tracker.dismissed:
        yield from _dismiss(client, job)
    return Outcome(1 if completion.failed else 0)


def _wait_on(
    context: Context, driver: TrackerDriver, deadline: float | None
) -> Generator[Wish, str, tuple[TrackerDriver, Completion | None]]:
    """Wait for the end, on another connection where a share ends; return what has waited last."""
    while True:
        try:
            with context.keep_events().followed(driver.on_event):
                return driver, (yield from wait_for_completion(driver, deadline))
        except ConnectionLost as lost:
            driver = _attach_again(context, driver, lost)
            yield Note(_ATTACHED)


def _attach_again(context: Context, driver: TrackerDriver, lost: ConnectionLost) -> TrackerDriver:
    """Return what goes on waiting where another qmpsh carried the connection, and that has ended.

    Raises the loss where the end may have been missed meanwhile, or the VM is gone. A session
    connects again itself.
    """
    tracker = driver.tracker.attached()
    if tracker is None or driver.client.holder is None or context.connection is not None:
        raise lost
    try:
        client = context.connect_again(driver.client)
    except CannotConnect:
        raise lost from None
    return TrackerDriver(client, tracker, progress_of(context))


def progress_of(context: Context) -> Progress | None:
    """Return what the bar shows of a wait; None where there is no bar."""
    return Progress() if context.settings.bar else None


def timeout_error(name: str, timeout: float | None, tracker: CompletionTracker) -> ReplyTimeout:
    """Return the error for an end that did not come in time."""
    given = f"{timeout:g} s" if timeout is not None else "the time"
    return ReplyTimeout(_WAITED.format(name=name, given=given, awaited=tracker.awaited()))


def query_last_state(client: Client, tracker: CompletionTracker) -> Generator[Wish, str, None]:
    """Ask how it is now that the time has run out, of a server that answers at once."""
    for query in tracker.last_queries:
        if client.closed:
            return
        pending = client.submit(Command(query))
        yield WaitFor(
            partial(_is_done, pending), time.monotonic() + _LAST_QUERY_SECONDS, stops=True
        )
        if isinstance(pending.reply, Reply):
            tracker.on_last_reply(query, pending.reply.value)
        elif not pending.done:
            client.forget(pending)


def _is_done(pending: Pending) -> bool:
    return pending.done


def wait_for_completion(
    driver: TrackerDriver, deadline: float | None
) -> Generator[Wish, str, Completion | None]:
    """Wait for the end; None when the time has run out. Raises ConnectionLost."""
    while (completion := driver.turn(time.monotonic())) is None:
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return None
        due = min(math.inf if deadline is None else deadline, driver.due)
        due_or_never = None if due == math.inf else due
        yield WaitFor(driver.has_news, due_or_never, driver.works, left=driver.left, shares=True)
    return completion


def completion_answer(answer: Answer, completion: Completion, seconds: float) -> Answer:
    """Return the end as the answer of the line; `--json` has the reply, and what showed the end."""
    reply = {**(answer.reply or {}), **completion.details}
    value = answer.value if completion.value is None else completion.value
    if completion.failed:
        return answer._replace(
            failed=True, text=completion.failed, value=None, reply=reply, seconds=seconds
        )
    return answer._replace(failed=False, text=None, value=value, reply=reply, seconds=seconds)


def _dismiss(client: Client, job: str) -> Generator[Wish, str, None]:
    """Let go of a job that this line made, its error having been shown; whether it works or not."""
    if not client.closed:
        pending = client.submit(Command("job-dismiss", {"id": job}))
        yield WaitFor(lambda: pending.done, time.monotonic() + _DISMISS_SECONDS, stops=True)


class TrackerDriver:
    """The driver of a tracker: passes it events, asks its questions, and says when it has news.

    progress: for the bar, None where it is not shown
    """

    def __init__(
        self, client: Client, tracker: CompletionTracker, progress: Progress | None
    ) -> None:
        self.client = client
        self.tracker = tracker
        self._progress = progress
        self._asked: Pending | None = None
        self._pause = MIN_POLL_SECONDS
        self._next = 0.0
        self._is_fresh = False
        self.due = math.inf
        """when a turn is due even without an event, of the clock `time.monotonic()`"""
        self.left = tracker.left
        self.works = None if progress is None else lambda: progress.works(tracker.works)

    def on_event(self, event: Event) -> bool:
        """Use an event; return whether it is about the awaited work."""
        self._is_fresh = True
        if self._progress is not None:
            self._progress.on_event(event, time.monotonic())
        return self.tracker.on_event(event)

    def has_news(self) -> bool:
        """Whether a turn would find something that the last one has not."""
        answered = self._asked is not None and self._asked.done
        return self._is_fresh or answered or self.client.closed

    def turn(self, now: float) -> Completion | None:
        """Use what came, send what is due; return the end when it has come.

        Raises ConnectionLost where the connection has ended and that is not the end waited for.
        """
        self._is_fresh = False
        if self._asked is not None and self._asked.done:
            self._on_reply(self._asked, now)
        completion = self.tracker.completion()
        if completion is None and self.client.closed:
            return self._end_of_stream()
        if completion is None and self._asked is None:
            self._ask(now)
        return completion

    def _end_of_stream(self) -> Completion:
        lost = self.client.lost
        # Neither what we hung up ourselves nor a way that broke says that the VM has ended.
        if self.tracker.stream and isinstance(lost, StreamEnded):
            return Completion()
        why = f": {lost}" if lost is not None else ""
        raise ConnectionLost(_LOST.format(awaited=self.tracker.awaited(), why=why))

    def _ask(self, now: float) -> None:
        """Put the query that is due: the tracker's own, else one for the bar."""
        tracker, name = self.tracker, ""
        arguments: JsonObject = {}
        if tracker.query and (tracker.urgent or now >= self._next):
            name, arguments = tracker.query, tracker.query_arguments
            self._pause = min(2 * self._pause, MAX_POLL_SECONDS)
        elif self._progress is not None and tracker.works:
            name = self._progress.next_query(now) or ""
        if name:
            self._asked = self.client.submit(Command(name, arguments or None))
        self.due = math.inf if self._asked is not None else self._next_time(now)

    def _next_time(self, now: float) -> float:
        times = [self._next] if self.tracker.query else []
        if self._progress is not None and self.tracker.works:
            wait = self._progress.due(now)
            times += [] if wait is None else [now + wait]
        return min(times, default=math.inf)

    def _on_reply(self, asked: Pending, now: float) -> None:
        self._asked = None
        if asked.error is not None:
            return  # the connection was lost, which is not an answer
        self._next = now + self._pause
        value = asked.reply.value if isinstance(asked.reply, Reply) else None
        name = asked.command.name
        if name == self.tracker.query:
            self.tracker.on_reply(value)
        if self._progress is not None:
            self._progress.on_reply(name, value, now)
