"""`.wait` and `.events`: lines that wait for events instead of sending a command."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator

from qmpsh.client.client import Client
from qmpsh.errors import ConnectionLost, ProtocolError, ReplyTimeout, UsageError
from qmpsh.language.syntax import Modifiers, VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.protocol.messages import Event
from qmpsh.shell.context import Context
from qmpsh.shell.events import EventPattern, EventTaker, Kept, verb_job, verb_patterns, verb_wanted
from qmpsh.shell.execute import defaulted
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.verbs.table import client_of, verb
from qmpsh.shell.waiting.jobs import AttachedJobTracker
from qmpsh.shell.waiting.trackers import others
from qmpsh.shell.waiting.wait import (
    TrackerDriver,
    completion_answer,
    drain,
    progress_of,
    query_last_state,
    timeout_error,
    wait_for_completion,
)

_PATTERNS_ONLY = "at the prompt .events takes patterns only; .wait waits for one event"
_ENDS_ONCE = ".wait job=ID takes no --new: a job ends once"
_NO_CONNECTION = ".{verb}: there is no connection"
_LOST = ".{verb}: lost the connection before {what}; {came}{why}"
_WAITED = ".{verb}: waited {given} for {what}; {came}"

LISTENING = Note("listening", bare=True)


@verb(
    "events", "[PATTERN...]", "show only these events; in a script as JSON lines; --count N",
    Takes.EVENTS, modifiers=("count",), reach=Reach.FOLLOWS,
)  # fmt: skip
def events(context: Context, line: VerbLine) -> Steps:
    """Choose the events that the front end shows, the others are kept; else print them."""
    if not context.front_end.shows_events:
        return (yield from _print_events(context, line))
    if "=" in line.rest or line.modifiers != Modifiers():
        raise UsageError(_PATTERNS_ONLY)
    patterns = tuple(line.rest.split() if line.words is None else line.words)
    context.front_end.filter_events(patterns)
    yield Note(f"events shown: {' '.join(patterns) or 'all'}")
    return Outcome()


@verb(
    "wait", "EVENT [KEY=VALUE...]|job=ID",
    "wait for an event; one since the last command counts, not with --new; or for a job's end",
    Takes.EVENT, bare=True, modifiers=("new",), reach=Reach.AWAITS,
)  # fmt: skip
def wait(context: Context, line: VerbLine) -> Steps:
    """`.wait EVENT [key=value...] [--new] [--timeout T]`, `.wait job=ID [--timeout T]`.

    Raises UsageError for what this server never sends, ReplyTimeout, ConnectionLost.
    """
    job = verb_job(line)
    return _wait_for_event(context, line) if job is None else _wait_for_job(context, line, job)


def _wait_for_event(context: Context, line: VerbLine) -> Steps:
    modifiers = defaulted(line.modifiers, context.settings)
    wanted = verb_wanted(line)
    client, log = client_of(context, line), context.keep_events()
    drain(client)
    mark = log.span.mark
    since = None if modifiers.new else log.span.since(exact=bool(wanted.filters))
    with log.expecting(wanted.matches, since) as taker:
        if taker.found is None:
            # What has come already needs no check, and may be the last that this server sent.
            yield from _check(context, wanted)
        deadline = _deadline(modifiers)
        if context.settings.one_shot:
            yield LISTENING
        if since is not None and log.has_lost(wanted.names, since):
            yield Note(f"older {' '.join(wanted.patterns)} events were dropped: too many came")
        yield WaitFor(lambda: taker.found is not None or client.closed, deadline, shares=True)
    if taker.found is None:
        raise _unmet(client, line, wanted, _meanwhile(taker), modifiers.timeout)
    if taker.found.number < mark:
        yield _old(taker.found, log.age(taker.found))
    yield _answer(taker.found.event, line, modifiers)
    return Outcome()


def _old(kept: Kept, age: float) -> Note:
    """Say that an event came before what the user may take for its cause."""
    return Note(
        f"this {kept.event.name} came {age:.1f} s ago, before the last command that could have"
        " caused it"
    )


def _wait_for_job(context: Context, line: VerbLine, job: str) -> Steps:
    """Wait for a job that was started before: by the events kept of it, then by query-jobs."""
    modifiers = defaulted(line.modifiers, context.settings)
    if modifiers.new:
        raise UsageError(_ENDS_ONCE)
    client, log, started = client_of(context, line), context.keep_events(), time.monotonic()
    drain(client)
    tracker = AttachedJobTracker(job)
    kept = [each for each in log.kept() if tracker.on_event(each.event)]
    tracker.attach(asks=not client.closed)
    driver = TrackerDriver(client, tracker, progress_of(context))
    with log.followed(driver.on_event):
        completion = yield from wait_for_completion(driver, _deadline(modifiers))
        if completion is None:
            yield from query_last_state(client, tracker)
            raise timeout_error(f".{line.name}", modifiers.timeout, tracker)
    for each in kept:
        log.remove(each)
    answer = Answer("", reply={"return": {}}, modifiers=modifiers, redirect=line.redirect)
    yield completion_answer(answer, completion, time.monotonic() - started)
    if completion.note:
        yield Note(completion.note)
    return Outcome(1 if completion.failed else 0)


def _print_events(context: Context, line: VerbLine) -> Steps:
    """`.events [PATTERN...] [key=value...] [--count N] [--timeout T]`, not at the prompt.

    Without a count the end of the time and the end of the VM are its ends; with one they come too
    early. Raises UsageError for what this server never sends, ReplyTimeout, ConnectionLost.
    """
    modifiers = defaulted(line.modifiers, context.settings)
    wanted = verb_patterns(line)
    client, log = connected(context, line), context.keep_events()
    yield from _check(context, wanted)
    drain(client)
    deadline = _deadline(modifiers)
    heard: deque[Event] = deque()

    def keep(event: Event) -> bool:
        if wanted.matches(event):
            heard.append(event)
        return False  # what is shown may still be waited for

    yield LISTENING
    shown = 0
    with log.followed(keep):
        while True:
            while heard:
                yield _answer(heard.popleft(), line, modifiers, whole=True)
                shown += 1
                if shown == modifiers.count:
                    return Outcome()
            is_late = deadline is not None and time.monotonic() >= deadline
            if client.closed or is_late:
                break
            yield WaitFor(lambda: bool(heard) or client.closed, deadline, endless=True, shares=True)
    if modifiers.count is not None or isinstance(client.lost, ProtocolError):
        came = f"{shown} of {modifiers.count} came" if modifiers.count else f"{shown} came"
        raise _unmet(client, line, wanted, came, modifiers.timeout)
    return Outcome()


def connected(context: Context, line: VerbLine) -> Client:
    """Return the client. Raises UsageError with --dry-run, ConnectionLost without a connection."""
    client = client_of(context, line)
    if client.closed:
        raise ConnectionLost(_NO_CONNECTION.format(verb=line.name))
    return client


def _check(context: Context, wanted: EventPattern) -> Generator[Wish, str, None]:
    """Raise UsageError where there can be no such event."""
    if wanted.names_something:
        yield from context.introspection.load_schema()
        wanted.check(context.introspection.schema)


def _deadline(modifiers: Modifiers) -> float | None:
    return None if modifiers.timeout is None else time.monotonic() + modifiers.timeout


def _answer(event: Event, line: VerbLine, modifiers: Modifiers, *, whole: bool = False) -> Answer:
    """Return an event's data, or the whole event, as an answer."""
    return Answer(
        "",
        value=event.raw if whole else event.data,
        reply=event.raw,
        modifiers=modifiers,
        redirect=line.redirect,
        one_line=whole,
    )


def _meanwhile(taker: EventTaker) -> str:
    last = f", the last {taker.last.name}" if taker.last is not None else ""
    return f"{others(taker.seen)}{last}"


def _unmet(
    client: Client, line: VerbLine, wanted: EventPattern, came: str, timeout: float | None
) -> ConnectionLost | ReplyTimeout:
    """Return the error for events that did not come."""
    what = wanted.text.strip() or "events"
    if client.closed:
        why = f": {client.lost}" if client.lost is not None else ""
        return ConnectionLost(_LOST.format(verb=line.name, what=what, came=came, why=why))
    given = f"{timeout:g} s" if timeout is not None else "the time"
    return ReplyTimeout(_WAITED.format(verb=line.name, given=given, what=what, came=came))
