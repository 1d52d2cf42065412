"""`fd:N`: a connected socket that the program was started with."""

from __future__ import annotations

import os
import socket
import stat

from qmpsh.address import Transport, refusal
from qmpsh.client.connect import stream_over
from qmpsh.errors import CannotConnect
from qmpsh.stream import Stream

_FORM = "fd:N names a descriptor by its number"
_NOT_OPEN = "descriptor {number} is not open"
_OPEN_IT = "start qmpsh with the connected socket as {number}"
_NO_SOCKET = "descriptor {number} is {kind}"
_GIVE_SOCKET = "it has to be a connected socket, which carries both directions"
_NOT_CONNECTED = "the socket of descriptor {number} is not connected ({reason})"
_CONNECT_IT = "connect it to the monitor before qmpsh starts"
_NO_STREAM = "descriptor {number} is a socket, but not a stream socket"
_INHERITED = "{address} was inherited, and cannot be connected again"
_START_AGAIN = "start qmpsh again"

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
            raise refusal(text, _FORM)
        return cls(int(digits[:9]))

    def __str__(self) -> str:
        return f"fd:{self.number}"

    def open(self, timeout: float | None) -> Stream:
        # It was connected before this program started: nothing to wait for.
        try:
            mode = os.fstat(self.number).st_mode
        except OSError as error:
            raise CannotConnect(
                _NOT_OPEN.format(number=self.number),
                _OPEN_IT.format(number=self.number),
            ) from error
        if not stat.S_ISSOCK(mode):
            raise CannotConnect(
                _NO_SOCKET.format(number=self.number, kind=_kind(mode)),
                _GIVE_SOCKET,
            )
        connected = socket.socket(fileno=self.number)
        try:
            connected.getpeername()
            os.set_inheritable(self.number, False)
        except OSError as error:
            connected.detach()
            raise CannotConnect(
                _NOT_CONNECTED.format(number=self.number, reason=error.strerror),
                _CONNECT_IT,
            ) from error
        if connected.type != socket.SOCK_STREAM:
            connected.detach()
            raise CannotConnect(_NO_STREAM.format(number=self.number))
        return stream_over(connected)

    def begin(self) -> Stream:
        raise CannotConnect(_INHERITED.format(address=self), _START_AGAIN)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISREG(mode):
        return "a file"
    return "a terminal or another device" if stat.S_ISCHR(mode) else "not a socket"
