"""`.wait` and `.events`: lines that wait for events instead of sending a command."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING

from qmpsh.errors import ConnectionLost, ProtocolError, ReplyTimeout, UsageError
from qmpsh.lang.syntax import Modifiers, VerbLine
from qmpsh.link.client import Client
from qmpsh.shell.courses import others
from qmpsh.shell.eventlog import Taker
from qmpsh.shell.matching import Wanted, verb_patterns, verb_wanted
from qmpsh.shell.outcome import Answer, Note, Outcome, Steps, Until, Wish
from qmpsh.shell.waiting import drain
from qmpsh.wire.messages import Event

if TYPE_CHECKING:
    from qmpsh.shell.shell import Shell

LISTENING = Note("listening", bare=True)


def wait(shell: Shell, line: VerbLine) -> Steps:
    """`.wait EVENT [key=value...] [--new] [--timeout T]`.

    Raises UsageError for what this server never sends, ReplyTimeout, ConnectionLost.
    """
    modifiers = _modifiers(shell, line)
    wanted = verb_wanted(line)
    client, log = _server(shell, line), shell.hear_events()
    drain(client)
    with log.expecting(wanted.matches, new=modifiers.new) as taker:
        if taker.event is None:
            # What has come already needs no check, and may be the last that this server sent.
            yield from _check(shell, wanted)
        deadline = _deadline(modifiers)
        if shell.settings.one_shot:
            yield LISTENING
        if log.dropped and not modifiers.new:
            yield Note(f"{log.dropped} events since the last line were dropped: they were too many")
        yield Until(lambda: taker.event is not None or client.closed, deadline)
    if taker.event is None:
        raise _unmet(client, line, wanted, _meanwhile(taker), modifiers.timeout)
    yield _answer(taker.event, line, modifiers)
    return Outcome()


def events(shell: Shell, line: VerbLine) -> Steps:
    """`.events [PATTERN...] [key=value...] [--count N] [--timeout T]`, not at the prompt.

    Without a count the end of the time and the end of the VM are its ends; with one they come too
    early. Raises UsageError for what this server never sends, ReplyTimeout, ConnectionLost.
    """
    modifiers = _modifiers(shell, line)
    wanted = verb_patterns(line)
    client, log = connected(shell, line), shell.hear_events()
    yield from _check(shell, wanted)
    drain(client)
    deadline = _deadline(modifiers)
    heard: deque[Event] = deque()

    def keep(event: Event) -> None:
        if wanted.matches(event):
            heard.append(event)

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
            yield Until(lambda: bool(heard) or client.closed, deadline, endless=True)
    if modifiers.count is not None or isinstance(client.lost, ProtocolError):
        came = f"{shown} of {modifiers.count} came" if modifiers.count else f"{shown} came"
        raise _unmet(client, line, wanted, came, modifiers.timeout)
    return Outcome()


def connected(shell: Shell, line: VerbLine) -> Client:
    """The client. Raises UsageError with --dry-run, ConnectionLost without a connection."""
    client = _server(shell, line)
    if client.closed:
        raise ConnectionLost(f".{line.name}: there is no connection")
    return client


def _server(shell: Shell, line: VerbLine) -> Client:
    """The client, whose connection may have ended. Raises UsageError with --dry-run."""
    if shell.client is None:
        raise UsageError(f".{line.name}: there is no connection with --dry-run")
    return shell.client


def _check(shell: Shell, wanted: Wanted) -> Generator[Wish, str, None]:
    """Raise UsageError where there can be no such event."""
    if wanted.names_something:
        yield from shell.introspection.load_schema()
        wanted.check(shell.introspection.schema)


def _modifiers(shell: Shell, line: VerbLine) -> Modifiers:
    """The line's modifiers, the program's options taken into account."""
    given, settings = line.modifiers, shell.settings
    timeout = settings.timeout if given.timeout is None else given.timeout
    return given._replace(json=given.json or settings.json, timeout=timeout)


def _deadline(modifiers: Modifiers) -> float | None:
    return None if modifiers.timeout is None else time.monotonic() + modifiers.timeout


def _answer(event: Event, line: VerbLine, modifiers: Modifiers, *, whole: bool = False) -> Answer:
    """An event's data, or all of it."""
    return Answer(
        "",
        value=event.raw if whole else event.data,
        reply=event.raw,
        modifiers=modifiers,
        redirect=line.redirect,
        one_line=whole,
    )


def _meanwhile(taker: Taker) -> str:
    last = f", the last {taker.last.name}" if taker.last is not None else ""
    return f"{others(taker.seen)}{last}"


def _unmet(
    client: Client, line: VerbLine, wanted: Wanted, came: str, timeout: float | None
) -> ConnectionLost | ReplyTimeout:
    """What to say where the events did not come."""
    what = wanted.text.strip() or "events"
    if client.closed:
        why = f": {client.lost}" if client.lost is not None else ""
        return ConnectionLost(f".{line.name}: lost the connection before {what}; {came}{why}")
    given = f"{timeout:g} s" if timeout is not None else "the time"
    return ReplyTimeout(f".{line.name}: waited {given} for {what}; {came}")
