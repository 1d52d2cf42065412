"""`.log`: the log of the wire, switched on and off."""

from __future__ import annotations

import contextlib
import os

from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError
from qmpsh.language.syntax import VerbLine
from qmpsh.paths import state_file
from qmpsh.shell.context import Context
from qmpsh.shell.steps import Note, Outcome, Steps
from qmpsh.shell.verbs.table import client_of, verb
from qmpsh.shell.wirelog import FILE_MODE, WireLog, WireTracer, log_of


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


def _open(context: Context, client: Client) -> WireLog:
    path = state_file("wire.log")
    with contextlib.suppress(OSError):
        os.chmod(path, FILE_MODE)  # ours alone; --logfile keeps its own mode
    opened = WireLog(path, context.machine.address, context.front_end.warn, context.machine.name)
    if isinstance(client.tracer, WireTracer):
        client.tracer.sinks.append(opened)
    else:
        client.tracer = WireTracer(opened)
    return opened
