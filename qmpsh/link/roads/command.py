"""`exec:COMMAND`: the standard input and output of a shell command are the stream."""

from __future__ import annotations

import socket
from typing import NamedTuple

from qmpsh.errors import CannotConnect, ConnectionLost
from qmpsh.link.address import refusal
from qmpsh.link.journey import Journey
from qmpsh.link.programs import NOT_FOUND, not_started
from qmpsh.link.roads.child import Child
from qmpsh.link.transport import SocketStream, Stream

SHELL = "/bin/sh"


def parse(text: str) -> ExecAddress:
    """The address. Raises AddressError."""
    command = text.removeprefix("exec:")
    if not command.strip():
        raise refusal(text, "it has no command")
    return ExecAddress(command)


class ExecAddress(NamedTuple):
    """command: for the shell."""

    command: str

    def __str__(self) -> str:
        """A form that parses back."""
        return f"exec:{self.command}"

    def open(self, timeout: float | None) -> Stream:
        # It is there at once: nothing to wait for.
        return self.begin()

    def begin(self) -> Stream:
        mine, other = socket.socketpair()
        try:
            child = Child(
                (SHELL, "-c", self.command),
                (other.fileno(), other.fileno()),
                alone=True,
            )
        except OSError as error:
            mine.close()
            raise CannotConnect(not_started(SHELL, error)) from error
        finally:
            other.close()
        return _Carried(self, mine, child)


class _Carried(Journey):
    """There at once, and with a program at the other end."""

    def __init__(self, address: ExecAddress, connected: socket.socket, child: Child) -> None:
        super().__init__()
        self._address = address
        self._child = child
        self._stream = SocketStream(connected)

    def _ending(self, error: ConnectionLost | None) -> CannotConnect:
        verdict = self._child.verdict()
        todo = "run the command alone to see what it prints"
        if verdict.startswith(f"exit {NOT_FOUND}"):
            todo = "install the program that was not found, or give its whole path"
        what = f"{self._address} ended before it sent a QMP greeting, {verdict}"
        return CannotConnect(what, todo)

    def _drop(self) -> None:
        self._child.end()
