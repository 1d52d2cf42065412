"""`.disconnect` and `.reconnect`: leave the monitor to another client, and take it again.

A session does so in its own way, since it also reconnects by itself; without one, in a script, the
shell's client is closed, and another one opened in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.language.syntax import VerbLine
from qmpsh.shell.steps import Note, Outcome, Steps

if TYPE_CHECKING:
    from qmpsh.shell.interpreter import Shell


class ConnectionControl(Protocol):
    """The session's way to give its connection up and to take it again."""

    def disconnect(self) -> None:
        """Close the connection, and try no other."""

    def reconnect(self) -> Steps:
        """Connect, now. Raises CannotConnect."""


def disconnect(shell: Shell, line: VerbLine) -> Steps:
    """Give the connection up."""
    client = _client(shell, line)
    if shell.link is not None:
        shell.link.disconnect()
        yield Note(f"disconnected: {shell.machine.address} is free; .reconnect takes it again")
    client.close()
    return Outcome()


def reconnect(shell: Shell, line: VerbLine) -> Steps:
    """Take the monitor again. Raises UsageError while it is ours."""
    client = _client(shell, line)
    if not client.closed:
        raise UsageError(f".reconnect: {shell.machine.address} is connected already")
    if shell.link is not None:
        return (yield from shell.link.reconnect())
    renewed = client.renewed()
    shell.machine.meet(renewed.greeting)
    shell.move(renewed, anew=True)
    renewed.subscriber = client.subscriber
    return Outcome()


def _client(shell: Shell, line: VerbLine) -> Client:
    if line.rest.strip():
        raise LineSyntaxError(f".{line.name} takes no arguments", line.source, line.rest_span)
    if shell.client is None:
        raise UsageError(f".{line.name}: there is no connection with --dry-run")
    return shell.client
