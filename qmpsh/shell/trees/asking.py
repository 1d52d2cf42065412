"""Asking in rounds of questions, as steps, until the time is over: for trees, and for QOM."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Final, TypeVar

from qmpsh.client.client import Client, Pending
from qmpsh.errors import ReplyTimeout
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command, ErrorReply
from qmpsh.shell.context import Context
from qmpsh.shell.steps import WaitFor, Wish
from qmpsh.shell.trees.node import AskedRound

NO_ANSWER = "no answer in time; --timeout TIME waits longer"
LATE = "not all was answered in time; --timeout TIME waits longer"

MAX_SECONDS: Final = 2.0
"""seconds for all questions of a tree, where the line does not say"""


Found = TypeVar("Found")


def ask_rounds(
    context: Context,
    client: Client,
    questions: Generator[Sequence[Command], AskedRound, Found],
    deadline: float,
) -> Generator[Wish, str, tuple[Found, tuple[str, ...]]]:
    """Ask all rounds; return what they found, and remarks on what was not answered.

    deadline: a time of `time.monotonic()`

    Raises ConnectionLost, ReplyTimeout where nothing was answered by then, and what the questions
    raise.
    """
    for wish in context.introspection.load_commands():
        yield wish._replace(deadline=deadline, stops=True) if isinstance(wish, WaitFor) else wish
    has_answer = is_late = False
    try:
        commands = next(questions)
        while True:
            asked = yield from ask_round(context, client, commands, deadline)
            is_late = is_late or asked.is_late
            has_answer = has_answer or any(value is not None for value in asked.values)
            if is_late and not has_answer:
                raise ReplyTimeout(NO_ANSWER)
            commands = questions.send(asked)
    except StopIteration as end:
        found: Found = end.value
        return found, ((LATE,) if is_late else ())


def ask_round(
    context: Context, client: Client, commands: Sequence[Command], deadline: float
) -> Generator[Wish, str, AskedRound]:
    """Ask one round, as many at a time as the server takes, of the commands that it has.

    Raises ConnectionLost.
    """
    known = context.machine.commands
    values: list[Json] = [None] * len(commands)
    errors = [""] * len(commands)
    left = [at for at, command in enumerate(commands) if not known or command.name in known]
    left.reverse()
    asked: dict[int, Pending] = {}
    try:
        while left or asked:
            while left and len(asked) < client.dialect.window:
                at = left.pop()
                asked[at] = client.submit(commands[at])
            yield WaitFor(
                lambda: any(pending.done for pending in asked.values()), deadline, stops=True
            )
            if not any(pending.done for pending in asked.values()) or _is_over(deadline):
                break
            for at in [at for at, pending in asked.items() if pending.done]:
                values[at], errors[at] = _answer(asked.pop(at))
    finally:
        for pending in asked.values():
            client.forget(pending)
    return AskedRound(values, errors, is_late=bool(left or asked))


def _is_over(deadline: float) -> bool:
    return time.monotonic() >= deadline


def _answer(pending: Pending) -> tuple[Json, str]:
    """Return the value of a reply, or None and what the server said. Raises ConnectionLost."""
    if pending.error is not None:
        raise pending.error
    if isinstance(pending.reply, ErrorReply):
        return None, pending.reply.desc or pending.reply.error_class
    return (pending.reply.value if pending.reply is not None else None), ""
