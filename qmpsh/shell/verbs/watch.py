"""`.watch [TIME] LINE`: a query again and again, and what changed between two of its replies.

For a person the first reply is whole and the others are the places that differ; a program gets one
line for each reply that differs from the last.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator
from itertools import count

from qmpsh.errors import LineSyntaxError, ReplyTimeout, UsageError
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Modifiers, VerbLine, parse_duration, prints_reply
from qmpsh.language.verbs import Reach, Takes
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, execute
from qmpsh.shell.interpreter import requests_of
from qmpsh.shell.policy import reads_only
from qmpsh.shell.steps import Answer, Outcome, Steps, WaitFor, Wish, adapted
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import verb

_WAITED = ".watch: waited {timeout:g} s for {repeats} replies; {turn} came"
_WANTS_QUERY = "expected one query, as in .watch 2s query-status"
_MAY_CHANGE = (
    ".watch repeats only what changes nothing, and {name} may change something; it takes"
    " query-NAME, qom-get and HMP info"
)

INTERVAL_SECONDS = 1.0
"""seconds between two replies, where the line does not say"""


@verb(
    "watch", "[TIME] LINE", "repeat a query and show what changed; --count N", Takes.TIMED_LINE,
    bare=True, modifiers=("count",), reach=Reach.REPEATS,
)  # fmt: skip
def watch(context: Context, line: VerbLine) -> Steps:
    """Ask, show, wait, until it was asked often enough, the time is over or the user ends it.

    Without a count the end of the time is its end; with one it comes too early. Each reply has the
    same time. Raises UsageError for a line that may change something, ReplyTimeout, ConnectionLost.
    """
    interval = parse_duration(line.head) if line.head else INTERVAL_SECONDS
    request = yield from _watched(context, line)
    client = connected(context, line)
    repeats, timeout = request.modifiers.count, request.modifiers.timeout
    timeout = context.settings.timeout if timeout is None else timeout
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    last: Answer | None = None
    for turn in count(1):
        started = time.monotonic()
        answer, outcome = yield from _ask(context, request)
        if answer is not None and (shown := _shown(context, last, answer)) is not None:
            yield shown
        if answer is None or outcome.exit_code or turn == repeats:
            return outcome
        last = answer
        yield WaitFor(
            lambda: client.closed, min(started + interval, deadline), endless=True, shares=True
        )
        if time.monotonic() >= deadline:
            if repeats is None:
                return Outcome()
            raise ReplyTimeout(_WAITED.format(timeout=timeout, repeats=repeats, turn=turn))
    raise AssertionError  # count() has no end


def changes(old: Json, new: Json, place: str = "") -> Iterator[str]:
    """Yield the places where two values differ, a line each: `status: "paused" -> "running"`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _change(key in old, key in new, old.get(key), new.get(key), _at(place, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            was, is_ = index < len(old), index < len(new)
            before, after = old[index] if was else None, new[index] if is_ else None
            yield from _change(was, is_, before, after, f"{place}[{index}]")
    elif old != new or type(old) is not type(new):
        yield f"{place or 'it'}: {_short(old)} -> {_short(new)}"


def _change(was: bool, is_: bool, old: Json, new: Json, place: str) -> Iterator[str]:
    if was and is_:
        yield from changes(old, new, place)
    else:
        yield f"{place}: {_short(old)} is gone" if was else f"{place}: {_short(new)} is new"


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _short(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text_changes(old: str, new: str) -> list[str]:
    """Return the lines in which two texts differ."""
    # Imported here: only the human monitor answers in lines, and this is slow to load.
    from difflib import ndiff

    return [line for line in ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]


def _watched(context: Context, line: VerbLine) -> Generator[Wish, str, Request]:
    """Return the query to repeat, with the modifiers of the line, wherever in it they are."""
    requests = (yield from requests_of(context, line, counted=True)) if line.rest else []
    if len(requests) != 1:
        raise LineSyntaxError(_WANTS_QUERY, line.source, line.rest_span)
    request = requests[0]
    if not reads_only(request.command):
        raise UsageError(_MAY_CHANGE.format(name=request.command.name))
    modifiers = _together(line, request.modifiers)
    command = request.command._replace(oob=request.command.oob or modifiers.oob)
    return request._replace(command=command, modifiers=modifiers)


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


def _shown(context: Context, last: Answer | None, answer: Answer) -> Answer | None:
    """Return what to show of a reply, None if it is the same as the last."""
    is_read = context.settings.interactive or context.settings.reader
    if last is None:
        return answer._replace(one_line=not is_read)
    if (last.value, last.text) == (answer.value, answer.text):
        return None
    if answer.failed or prints_reply(answer.modifiers.formats) or not is_read:
        return answer._replace(one_line=not is_read)
    if answer.text is not None:
        lines = _text_changes(last.text or "", answer.text)
    else:
        lines = list(changes(last.value, answer.value))
    head = time.strftime("changed at %H:%M:%S")
    return answer._replace(text="\n".join([head, *(f"  {line}" for line in lines)]), value=None)
