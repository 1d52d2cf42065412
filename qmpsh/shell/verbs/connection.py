"""`.disconnect` and `.reconnect`: leave the monitor to another client, and connect again.

A session does so in its own way, since it also reconnects by itself; without one, in a script, the
shell's client is closed, and another one opened in its place.
"""

from __future__ import annotations

from qmpsh.errors import UsageError
from qmpsh.language.syntax import VerbLine
from qmpsh.shell.context import Context
from qmpsh.shell.steps import Note, Outcome, Steps
from qmpsh.shell.verbs.table import client_of, refuse_arguments, verb


@verb("disconnect", "", "disconnect, so that another client can use the monitor")
def disconnect(context: Context, line: VerbLine) -> Steps:
    """Disconnect until the user connects again."""
    refuse_arguments(line)
    client = client_of(context, line)
    if context.connection is not None:
        context.connection.disconnect()
        yield Note(f"disconnected: {context.machine.address} is free; .reconnect takes it again")
    client.close()
    return Outcome()


@verb("reconnect", "", "connect to the monitor again")
def reconnect(context: Context, line: VerbLine) -> Steps:
    """Connect again. Raises UsageError while there is a connection."""
    refuse_arguments(line)
    client = client_of(context, line)
    if not client.closed:
        raise UsageError(f".reconnect: {context.machine.address} is connected already")
    if context.connection is not None:
        return (yield from context.connection.reconnect())
    context.connect_again(client)
    return Outcome()
