"""`.disconnect` and `.reconnect`: leave the monitor to another client, and take it again.

A session does so in its own way, since it also reconnects by itself; without one, in a script, the
shell's client is closed, and another one opened in its place.
"""

from __future__ import annotations

from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.language.syntax import VerbLine
from qmpsh.shell.context import Context
from qmpsh.shell.steps import Note, Outcome, Steps
from qmpsh.shell.verbs.table import verb


@verb("disconnect", "", "disconnect, so that another client can use the monitor")
def disconnect(context: Context, line: VerbLine) -> Steps:
    """Give the connection up."""
    client = _client(context, line)
    if context.connection is not None:
        context.connection.disconnect()
        yield Note(f"disconnected: {context.machine.address} is free; .reconnect takes it again")
    client.close()
    return Outcome()


@verb("reconnect", "", "connect to the monitor again")
def reconnect(context: Context, line: VerbLine) -> Steps:
    """Take the monitor again. Raises UsageError while it is ours."""
    client = _client(context, line)
    if not client.closed:
        raise UsageError(f".reconnect: {context.machine.address} is connected already")
    if context.connection is not None:
        return (yield from context.connection.reconnect())
    renewed = client.reconnect()
    context.machine.on_greeting(renewed.greeting)
    context.use_client(renewed, is_other=True)
    renewed.subscriber = client.subscriber
    return Outcome()


def _client(context: Context, line: VerbLine) -> Client:
    if line.rest.strip():
        raise LineSyntaxError(f".{line.name} takes no arguments", line.source, line.rest_span)
    if context.client is None:
        raise UsageError(f".{line.name}: there is no connection with --dry-run")
    return context.client
