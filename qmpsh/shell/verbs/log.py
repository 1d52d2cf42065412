"""`.log` and `.record`: the log of the wire and the recording of a session, on and off."""

from __future__ import annotations

import contextlib
import os

from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import Takes
from qmpsh.paths import state_file
from qmpsh.secrets.rules import mask_json
from qmpsh.shell.context import Context
from qmpsh.shell.introspection import schema_path
from qmpsh.shell.record import HOLDS, RecordLog, end_recordings, record_schema, recordings_of
from qmpsh.shell.steps import Note, Outcome, Steps
from qmpsh.shell.verbs.table import client_of, verb
from qmpsh.shell.verbs.words import words_of
from qmpsh.shell.wirelog import FILE_MODE, WireLog, WireTracer, log_of

_OFF = "off"
_ONE_FILE = "expected one file, as in .record bug.jsonl, or off"
_RECORDS = "recording to {path}; .record off ends it"
_RECORDS_NOTHING = (
    "nothing is recorded; .record FILE begins, and qmpsh --record FILE from the start"
)


@verb("log", "[on|off]", "write every message to a file as JSON lines, masked")
def log(context: Context, line: VerbLine) -> Steps:
    """Switch the log on or off, or say which it is. Without --logfile it is in the state folder.

    Raises LineSyntaxError, UsageError where there is no connection, or no file to be written.
    """
    word = line.rest.strip()
    if word not in ("", "on", "off"):
        raise LineSyntaxError("expected on or off", line.source, line.rest_span)
    client = client_of(context, line)
    found = log_of(client)
    if word == "on" and found is None:
        found = _open(context, client)
    if found is not None and word:
        found.on = word == "on"
    state = f"on: {found.path}" if found is not None and found.on else "off"
    yield Note(f"the log is {state}")
    return Outcome()


@verb("record", "[FILE|off]", "record the session from here on, for qmpsh replay", Takes.FILE,
      bare=True)  # fmt: skip
def record(context: Context, line: VerbLine) -> Steps:
    """Begin a recording or end it, or say which there is.

    Raises LineSyntaxError, UsageError where there is no connection, or no file to be written.
    """
    words = words_of(line)
    if len(words) > 1:
        raise LineSyntaxError(_ONE_FILE, line.source, line.rest_span)
    client = client_of(context, line)
    begun = None
    if words and words[0] != _OFF:
        begun = RecordLog(words[0], context.machine.address, context.front_end.warn)
    if words:
        end_recordings(client)
    if begun is not None:
        greeting = client.connection.greeting
        if greeting is not None:
            begun("<-", mask_json(greeting.raw))
        _add(client, begun)
        if context.introspection.schema is None:
            yield from context.introspection.load_schema()
        else:
            record_schema(client, schema_path(client))
        yield Note(HOLDS.format(path=begun.path))
        return Outcome()
    now = [log.path for log in recordings_of(client) if log.on]
    yield Note(_RECORDS.format(path=now[0]) if now else _RECORDS_NOTHING)
    return Outcome()


def _open(context: Context, client: Client) -> WireLog:
    path = state_file("wire.log")
    with contextlib.suppress(OSError):
        os.chmod(path, FILE_MODE)  # ours alone; --logfile keeps its own mode
    opened = WireLog(path, context.machine.address, context.front_end.warn, context.machine.name)
    _add(client, opened)
    return opened


def _add(client: Client, log: WireLog) -> None:
    if isinstance(client.tracer, WireTracer):
        client.tracer.sinks.append(log)
    else:
        client.tracer = WireTracer(log)
