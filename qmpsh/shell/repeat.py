"""The mechanism of the verbs that ask a query again and again: `.watch` and `.plot`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from itertools import count

from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError, ReplyTimeout, UsageError
from qmpsh.language.syntax import Modifiers, VerbLine, parse_duration
from qmpsh.light_typing import NamedTuple
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, execute
from qmpsh.shell.interpreter import requests_of
from qmpsh.shell.policy import reads_only
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish, adapted

_WAITED = ".{verb}: waited {timeout:g} s for {repeats} replies; {turn} came"
_WANTS_QUERY = "expected one query, as in {example}"
_MAY_CHANGE = (
    ".{verb} repeats only what changes nothing, and {name} may change something; it takes"
    " query-NAME, qom-get and HMP info"
)

INTERVAL_SECONDS = 1.0
"""seconds between two replies, where the line does not say"""


class Repetition(NamedTuple):
    """A query that is asked again and again. verb: for messages; interval: in seconds"""

    verb: str
    request: Request
    interval: float


def read_repetition(
    context: Context, line: VerbLine, example: str
) -> Generator[Wish, str, Repetition]:
    """Return what a verb's line repeats, with the modifiers of the line, wherever in it they are.

    example: of a right line, for messages
    Raises LineSyntaxError, UsageError for a line that may change something.
    """
    interval = parse_duration(line.head) if line.head else INTERVAL_SECONDS
    requests = (yield from requests_of(context, line, counted=True)) if line.rest else []
    if len(requests) != 1:
        raise LineSyntaxError(_WANTS_QUERY.format(example=example), line.source, line.rest_span)
    request = requests[0]
    if not reads_only(request.command):
        raise UsageError(_MAY_CHANGE.format(verb=line.name, name=request.command.name))
    modifiers = _together(line, request.modifiers)
    command = request.command._replace(oob=request.command.oob or modifiers.oob)
    request = request._replace(command=command, modifiers=modifiers)
    return Repetition(line.name, request, interval)


def repeat(
    context: Context,
    client: Client,
    repetition: Repetition,
    repeats: int | None,
    show: Callable[[Answer], Iterator[Answer | Note]],
) -> Steps:
    """Ask, show, wait, until it was asked often enough, the time is over or the user ends it.

    repeats: how often, None without end; show: yields what is shown of a reply
    Without a count the end of the time is its end; with one it comes too early. Each reply has the
    same time. Raises ReplyTimeout, ConnectionLost.
    """
    request = repetition.request
    timeout = request.modifiers.timeout
    timeout = context.settings.timeout if timeout is None else timeout
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    for turn in count(1):
        started = time.monotonic()
        answer, outcome = yield from _ask(context, request)
        if answer is not None:
            yield from show(answer)
        if answer is None or outcome.exit_code or turn == repeats:
            return outcome
        due = min(started + repetition.interval, deadline)
        yield WaitFor(lambda: client.closed, due, endless=True, shares=True)
        if time.monotonic() >= deadline:
            if repeats is None:
                return Outcome()
            message = _WAITED.format(
                verb=repetition.verb, timeout=timeout, repeats=repeats, turn=turn
            )
            raise ReplyTimeout(message)
    raise AssertionError  # count() has no end


def _together(line: VerbLine, after: Modifiers) -> Modifiers:
    """Join the modifiers before and after the query. Raises LineSyntaxError for one twice."""
    unset = Modifiers()._asdict()
    before = {
        name: value for name, value in line.modifiers._asdict().items() if value != unset[name]
    }
    formats = before.pop("formats", unset["formats"])
    twice = [*sorted(formats & after.formats)]
    twice += [name for name in before if getattr(after, name) != unset[name]]
    for name in twice:
        message = f"--{name} is given twice"
        raise LineSyntaxError(message, line.source, (0, len(line.source)))
    return after._replace(**before, formats=after.formats | formats)


def _ask(context: Context, request: Request) -> Generator[Wish, str, tuple[Answer | None, Outcome]]:
    """Get one reply. Ctrl-C ends the line here too."""
    answers: list[Answer] = []

    def heard(wish: Wish) -> Generator[Wish, str, str | None]:
        if isinstance(wish, Answer):
            answers.append(wish)
            return None
        return (
            yield wish._replace(endless=True, shares=True) if isinstance(wish, WaitFor) else wish
        )

    outcome = yield from adapted(execute(context.client, request, context.settings), heard)
    return (answers[-1] if answers else None), outcome
