"""`fd:N`: a connected socket that the program was started with."""

from __future__ import annotations

import os
import socket
import stat

from qmpsh.address import Transport, refusal
from qmpsh.client.connect import stream_over
from qmpsh.errors import CannotConnect
from qmpsh.stream import Stream

_MAX_DESCRIPTORS = 1 << 20  # more than any system lets a process have


class FdAddress(Transport):
    """A connected descriptor of this process, by its number; it becomes the stream's."""

    scheme = "fd"
    form = "fd:N"
    help = "an inherited, connected socket, by its descriptor"

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    def parse(cls, text: str) -> FdAddress:
        digits = text.removeprefix("fd:")
        if not (digits.isascii() and digits.isdigit() and int(digits[:9]) < _MAX_DESCRIPTORS):
            raise refusal(text, "fd:N names a descriptor by its number")
        return cls(int(digits[:9]))

    def __str__(self) -> str:
        return f"fd:{self.number}"

    def open(self, timeout: float | None) -> Stream:
        # It was connected before this program started: nothing to wait for.
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
    return "a terminal or another device" if stat.S_ISCHR(mode) else "not a socket"
