"""Putting the questions of a survey: as steps, several at a time, until they are answered or the
time is over.
"""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.client.client import Client, Pending
from qmpsh.client.dialect import Dialect
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import ErrorReply, Reply
from qmpsh.shell.context import Context
from qmpsh.shell.machine import Machine
from qmpsh.shell.overview.survey import Question, Survey
from qmpsh.shell.steps import WaitFor, Wish

MAX_SECONDS = 2.0
"""seconds for all questions together: a VM whose main loop is stuck answers some of them never"""


def server_facts(machine: Machine, dialect: Dialect) -> JsonObject:
    """Return what is known of the program that answers."""
    kind = machine.server or dialect.name
    return {"kind": kind, "version": machine.version, "package": machine.package}


def survey_machine(
    context: Context, client: Client, deadline: float
) -> Generator[Wish, str, Survey | None]:
    """Put the questions of this kind of server; return the survey, whatever was answered of it by
    the deadline. None if not even the commands were listed by then.

    deadline: a time of `time.monotonic()`
    Raises ConnectionLost.
    """
    for wish in context.introspection.load_commands():
        if isinstance(wish, WaitFor):
            yield wish._replace(deadline=deadline, stops=True)
            if not wish.ready():
                return None
    machine = context.machine
    survey = Survey(client.dialect, machine.commands, machine.disabled)
    asked: dict[str, tuple[Pending, Question]] = {}
    try:
        while _fill(asked, survey, client):
            yield WaitFor(lambda: any(p.done for p, _ in asked.values()), deadline, stops=True)
            if not _take(asked, survey):
                break
    finally:
        for pending, _ in asked.values():
            client.forget(pending)
    return survey


def _fill(asked: dict[str, tuple[Pending, Question]], survey: Survey, client: Client) -> bool:
    """Put as many questions as the server takes at a time; return whether any is open."""
    while len(asked) < client.dialect.window and not client.closed:
        question = survey.next_question()
        if question is None:
            break
        asked[question.key] = (client.submit(question.command), question)
    return bool(asked)


def _take(asked: dict[str, tuple[Pending, Question]], survey: Survey) -> bool:
    """Take the replies that have come; return whether there were any. Raises ConnectionLost."""
    done = [(pending, question) for pending, question in asked.values() if pending.done]
    for pending, question in done:
        if pending.error is not None:
            raise pending.error
        del asked[question.key]
        if isinstance(pending.reply, Reply):
            survey.on_value(question, pending.reply.value)
        else:
            said = pending.reply.desc if isinstance(pending.reply, ErrorReply) else ""
            survey.on_refusal(question, said)
    return bool(done)
