"""`listen:unix:PATH`, `listen:HOST:PORT`: QEMU dials us, as one started with `reconnect` does.

Takes one caller, and listens no more. Source: wire.md section 12.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from typing import Final

from qmpsh.address import TcpAddress, Transport, UnixAddress, parse_address, refusal
from qmpsh.client.connect import stream_over
from qmpsh.errors import AddressError, CannotConnect, os_reason
from qmpsh.stream import ConnectingStream, Stream
from qmpsh.system.peer import socket_file

_EXPECTED: Final = "listen:unix:PATH or listen:HOST:PORT is expected"
_AWAITS: Final = "QEMU to dial {where}"
_DIALS: Final = "it does when started with {options}"
_NO_CALLER: Final = "cannot accept a connection: {reason}"
_PORT_IN_USE: Final = "{where} is already in use"
_SOCKET_IN_USE: Final = "cannot listen on {where}: another process does already"
_NO_SOCKET: Final = "cannot listen on {where}: it exists and is not a socket"
_FAILED: Final = "cannot listen on {where}: {reason}"
_CONNECT: Final = "to connect to it yourself, the address is {place}"
"""What is said of it, and what to do next."""


class ListenAddress(Transport):
    """An address where we listen and the server connects to us. place: where to listen."""

    scheme = "listen"
    form = "listen:unix:PATH, listen:HOST:PORT"
    help = "waits for QEMU to connect, which it does with reconnect=1"
    needs_cleanup = True

    def __init__(self, place: UnixAddress | TcpAddress) -> None:
        self.place = place

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        rest = text.removeprefix("listen:")
        try:
            place = parse_address(f"tcp:{rest}" if rest.startswith(":") else rest)
        except AddressError as error:
            raise refusal(text, _EXPECTED) from error
        if not isinstance(place, UnixAddress | TcpAddress):
            raise refusal(text, _EXPECTED)
        return cls(place)

    def __str__(self) -> str:
        return f"listen:{self.place}"

    def begin(self) -> Stream:
        if isinstance(self.place, TcpAddress):
            return _Listening(self.place, _listen_tcp(self.place))
        return _Listening(self.place, _listen_unix(self.place))


class _Listening(ConnectingStream):
    """A stream that waits for the caller."""

    def __init__(self, place: UnixAddress | TcpAddress, listener: socket.socket) -> None:
        where = place.path if isinstance(place, UnixAddress) else f"{place.host} port {place.port}"
        super().__init__(_AWAITS.format(where=where), _DIALS.format(options=_dialling(place)))
        listener.setblocking(False)
        self._place = place
        self._listener = listener
        self._file = socket_file(place)

    def _descriptor(self) -> int:
        return self._listener.fileno()

    def _step(self) -> Stream | None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:
            raise CannotConnect(_NO_CALLER.format(reason=error.strerror)) from error
        if isinstance(self._place, TcpAddress):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._release()
        return stream_over(connection)

    def _release(self) -> None:
        """Stop listening, and remove what stood for it, unless another one's is there by now."""
        self._listener.close()
        if isinstance(self._place, UnixAddress) and self._file:
            if socket_file(self._place) == self._file:
                with contextlib.suppress(OSError):
                    os.unlink(self._place.path)
            self._file = ()


def _listen_tcp(place: TcpAddress) -> socket.socket:
    where = f"{place.host} port {place.port}"
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        return socket.create_server(place, family=family, backlog=1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotConnect(
                _PORT_IN_USE.format(where=where), _CONNECT.format(place=place)
            ) from error
        reason = os_reason(error).partition(" (while")[0]  # that much is Python's
        raise CannotConnect(_FAILED.format(where=where, reason=reason)) from error


def _listen_unix(place: UnixAddress) -> socket.socket:
    if not place.abstract:
        _make_way(place)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(f"\0{place.path}" if place.abstract else place.path)
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise CannotConnect(_FAILED.format(where=place.path, reason=os_reason(error))) from error
    return listener


def _make_way(place: UnixAddress) -> None:
    """Remove the socket of a process that is gone. Raises CannotConnect for anything else there."""
    path = place.path
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # nothing in the way, or binding will say what is
    if not stat.S_ISSOCK(mode):
        raise CannotConnect(_NO_SOCKET.format(where=path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        number = caller.connect_ex(path)
    if number != errno.ECONNREFUSED:
        raise CannotConnect(_SOCKET_IN_USE.format(where=path), _CONNECT.format(place=place))
    with contextlib.suppress(OSError):
        os.unlink(path)


def _dialling(place: UnixAddress | TcpAddress) -> str:
    """What makes QEMU dial."""
    if isinstance(place, TcpAddress):
        return f"-qmp {place},reconnect=1"
    options = ",abstract=on" if place.abstract else ""
    return f"-qmp unix:{place.path.replace(',', ',,')}{options},reconnect=1"
