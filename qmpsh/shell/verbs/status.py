"""`.status`: the machine at a glance."""

from __future__ import annotations

import time

from qmpsh.errors import ReplyTimeout
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import Reach
from qmpsh.shell.context import Context
from qmpsh.shell.execute import defaulted
from qmpsh.shell.overview.asking import MAX_SECONDS, server_facts, survey_machine
from qmpsh.shell.overview.facts import facts_of
from qmpsh.shell.overview.rows import plain_text, rows_of
from qmpsh.shell.steps import Answer, Outcome, Steps
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import refuse_arguments, verb

_NO_ANSWER = ".status: no answer within {:g} s; --timeout TIME waits longer"


@verb(
    "status",
    "",
    "show the machine at a glance; --json: as one object",
    bare=True,
    reach=Reach.READS,
)
def show_status(context: Context, line: VerbLine) -> Steps:
    """Ask for the facts and show them; what is not answered in time is named.

    Raises LineSyntaxError, UsageError, ConnectionLost, ReplyTimeout where nothing was answered.
    """
    refuse_arguments(line)
    client = connected(context, line)
    modifiers = defaulted(line.modifiers, context.settings)
    seconds = MAX_SECONDS if modifiers.timeout is None else modifiers.timeout
    started = time.monotonic()
    survey = yield from survey_machine(context, client, started + seconds)
    if survey is None or (survey.unanswered and not survey.replies):
        raise ReplyTimeout(_NO_ANSWER.format(seconds))
    facts = facts_of(
        server_facts(context.machine, client.dialect), survey.replies, survey.unanswered
    )
    rows = tuple(rows_of(facts))
    yield Answer(
        "",
        value=facts,
        text=plain_text(rows),
        reply=facts,
        seconds=time.monotonic() - started,
        modifiers=modifiers,
        redirect=line.redirect,
        rows=rows,
    )
    return Outcome()
