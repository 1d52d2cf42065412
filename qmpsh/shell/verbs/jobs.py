"""`.jobs`: the jobs of the VM and its migration."""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import partial

from qmpsh.client.client import Client, Pending
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import Modifiers, VerbLine, prints_reply
from qmpsh.language.verbs import Reach
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.context import Context
from qmpsh.shell.execute import defaulted
from qmpsh.shell.progress import Progress
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import refuse_arguments, verb
from qmpsh.shell.work import JobEntry

NO_JOBS = "no jobs, and no migration under way"
NOTHING = "-"
"""in a table, what a migration has for an id, and a job of unknown length for its progress"""


@verb(
    "jobs", "", "jobs and migration: a list with keys to handle them; in a script a table",
    bare=True, reach=Reach.READS,
)  # fmt: skip
def show_jobs(context: Context, line: VerbLine) -> Steps:
    """Open the list of jobs; or, where there is none or the line has a format, print a table.

    Raises LineSyntaxError, UsageError, ConnectionLost, ReplyTimeout, CommandFailed.
    """
    refuse_arguments(line)
    client = connected(context, line)
    is_plain = line.modifiers == Modifiers() and line.redirect is None
    if is_plain and context.front_end.open_jobs():
        return Outcome()
    modifiers = defaulted(line.modifiers, context.settings)
    started = time.monotonic()
    entries = yield from _ask(client, modifiers.timeout)
    formats = modifiers.formats
    if not entries and not prints_reply(formats):
        yield Note(NO_JOBS)
        return Outcome()
    is_json = prints_reply(formats)
    value: Json = [_json_row(entry) if is_json else _table_row(entry) for entry in entries]
    yield Answer(
        "",
        value=value,
        seconds=time.monotonic() - started,
        modifiers=modifiers._replace(formats=formats if is_json else formats | {"table"}),
        redirect=line.redirect,
    )
    return Outcome()


def _ask(client: Client, seconds: float | None) -> Generator[Wish, str, list[JobEntry]]:
    """Ask for the jobs, and for the migration where the server knows one."""
    deadline = None if seconds is None else time.monotonic() + seconds
    progress = Progress()
    progress.watch()
    for name in ("query-jobs", "query-migrate"):
        pending = client.submit(Command(name))
        yield WaitFor(partial(_is_done, pending), deadline, stops=True, for_reply=True)
        if not pending.done:
            raise client.overdue(pending, seconds or 0.0)
        if name == "query-jobs" or pending.error is not None:
            pending.result()
        # A storage daemon knows no migration.
        value = pending.reply.value if isinstance(pending.reply, Reply) else None
        progress.on_reply(name, value, time.monotonic())
    return progress.entries()


def _is_done(pending: Pending) -> bool:
    return pending.done


def _json_row(entry: JobEntry) -> JsonObject:
    """Return a job with raw numbers; docs/shell.md names the keys."""
    return {
        "id": None if entry.is_migration else entry.name,
        "type": entry.type,
        "status": entry.status,
        "done": entry.done,
        "total": entry.total,
        "error": entry.result if entry.failed else None,
    }


def _table_row(entry: JobEntry) -> JsonObject:
    fraction = entry.work.fraction
    row: JsonObject = {
        "id": NOTHING if entry.is_migration else entry.name,
        "type": entry.type,
        "status": entry.status,
        "progress": NOTHING if fraction is None else f"{int(fraction * 100)} %",
    }
    return {**row, "error": entry.result} if entry.failed else row
