"""`fd:N`: a connected socket that whoever started the program left open for it."""

from __future__ import annotations

import os
import socket
import stat
from typing import NamedTuple

from qmpsh.errors import CannotConnect
from qmpsh.link.address import refusal
from qmpsh.link.transport import Stream, stream_over

_MOST = 1 << 20  # more than any system lets a process have


def parse(text: str) -> FdAddress:
    """The address. Raises AddressError."""
    digits = text.removeprefix("fd:")
    if not (digits.isascii() and digits.isdigit() and int(digits[:9]) < _MOST):
        raise refusal(text, "fd:N names a descriptor by its number")
    return FdAddress(int(digits[:9]))


class FdAddress(NamedTuple):
    """number: of the descriptor, which becomes the stream's."""

    number: int

    def __str__(self) -> str:
        """A form that parses back."""
        return f"fd:{self.number}"

    def open(self, timeout: float | None) -> Stream:
        # Whoever left it has connected it: nothing to wait for.
        try:
            mode = os.fstat(self.number).st_mode
        except OSError as error:
            raise CannotConnect(
                f"descriptor {self.number} is not open",
                f"start qmpsh with the connected socket as {self.number}",
            ) from error
        if not stat.S_ISSOCK(mode):
            raise CannotConnect(
                f"descriptor {self.number} is {_kind(mode)}",
                "it has to be a connected socket, which carries both directions",
            )
        connected = socket.socket(fileno=self.number)
        try:
            connected.getpeername()
            os.set_inheritable(self.number, False)
        except OSError as error:
            connected.detach()
            raise CannotConnect(
                f"the socket of descriptor {self.number} is not connected ({error.strerror})",
                "it has to be, to the monitor",
            ) from error
        if connected.type != socket.SOCK_STREAM:
            connected.detach()
            raise CannotConnect(f"descriptor {self.number} is a socket of another type than stream")
        return stream_over(connected)

    def begin(self) -> Stream:
        raise CannotConnect(
            f"{self} was inherited, and cannot be connected again", "start qmpsh again"
        )


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISREG(mode):
        return "a file"
    return "a terminal or another device" if stat.S_ISCHR(mode) else "no socket"
