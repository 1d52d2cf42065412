"""Connects sockets and makes streams of them: non-blocking, bidirectional, with a descriptor.

The only module that sees an OSError of a connection; `system.diagnose` says what it means. Also
takes out the telnet options that a monitor with telnet=on sends before its greeting. QEMU waits for
no answer to them, and QMP's data is ASCII, so that nothing is ever escaped.

Source: RFC 854, "TELNET COMMAND STRUCTURE"; wire.md section 12.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from functools import partial

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.client.poll import READ, WRITE, wait_for
from qmpsh.errors import CannotConnect, ConnectionLost, os_reason
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from qmpsh.stream import Stream


_BROKE = "the connection broke: {reason}"
_GONE = "the server is gone: {reason}"
_NOT_PASSED = "the descriptor could not be sent with it: {reason}"
_WAITING = "waiting for {what}"
_NO_HOST_NAME = "cannot resolve {host}: not a valid host name"

NOTICE_SECONDS = 1.0
"""seconds after which it is said what is waited for"""

MAX_PATH_BYTES = 108
"""Bytes of a path that the address of a unix socket has room for. Source: unix(7)."""


class SocketStream:
    """A stream over a connected socket."""

    __slots__ = ("_cut", "_socket")

    awaits = ""
    wants_write = False

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._cut = b""  # what came of a telnet command

    def fileno(self) -> int:
        return self._socket.fileno()

    def recv(self, size: int) -> bytes | None:
        try:
            data = self._socket.recv(size)
            if self._cut or data[:1] == b"\xff":
                return self._without_telnet(data)
            return data  # noqa: TRY300 - the hot path, in the order of what happens
        except BlockingIOError:
            return None
        except ConnectionResetError:
            # QEMU exits with the newline after `quit` unread (wire.md section 8): an end as any.
            return b""
        except OSError as error:
            raise ConnectionLost(_BROKE.format(reason=os_reason(error))) from error

    def send(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise ConnectionLost(_GONE.format(reason=os_reason(error))) from error

    def _without_telnet(self, data: bytes) -> bytes | None:

        rest, self._cut = strip(self._cut + data) if data else (data, b"")
        return rest or (b"" if not data else None)

    def close(self) -> None:
        try:
            self._socket.close()
        except OSError:
            return  # closing frees the descriptor even where it fails


class TcpStream(SocketStream):
    """A stream over a TCP connection, which acknowledges at once what answers a request: an HMP
    monitor echoes byte by byte, and its kernel would hold back each byte for 40 ms.
    """

    __slots__ = ()

    def send(self, data: bytes) -> int:
        taken = super().send(data)
        if hasattr(socket, "TCP_QUICKACK"):
            try:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            except OSError:
                return taken  # it only speeds things up
        return taken


def stream_over(connected: socket.socket) -> SocketStream:
    """Return a stream over the server's own connection; a unix socket takes descriptors."""
    if connected.family == socket.AF_UNIX:
        return UnixStream(connected)
    is_tcp = connected.family in (socket.AF_INET, socket.AF_INET6)
    return TcpStream(connected) if is_tcp else SocketStream(connected)


class UnixStream(SocketStream):
    """A stream over a unix socket with the server itself at its other end, so that descriptors can
    go with the bytes (unix(7), SCM_RIGHTS); a forwarder in between would lose them.
    """

    __slots__ = ()

    def send_with(self, data: bytes, fd: int) -> int:
        """`send`, with a descriptor that goes with the first byte, if any is taken."""
        rights = fd.to_bytes(4, sys.byteorder)
        try:
            return self._socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        except BlockingIOError:
            return 0
        except OSError as error:
            raise ConnectionLost(_NOT_PASSED.format(reason=os_reason(error))) from error


def carries_descriptors(stream: Stream) -> bool:
    """Whether a command may carry one there: it is a unix socket of the server's own."""
    return isinstance(stream, UnixStream)


def open_stream(
    address: Address,
    timeout: float | None,
    notice: Callable[[str], None] | None = None,
    *,
    awaited: bool = False,
) -> Stream:
    """Connect.

    timeout: seconds for the connection itself, None for no limit
    notice: called once with a sentence when it takes its time
    awaited: wait for its socket as well, which needs a timeout
    Raises CannotConnect, of which Busy and ConnectTimeout.
    """
    if awaited and timeout is not None:
        # Imported here: a socket is there as a rule.
        from qmpsh.client.arrival import connect_awaited

        connect = partial(open_stream, address, notice=notice)
        return connect_awaited(address, timeout, notice, NOTICE_SECONDS, connect)
    started = time.monotonic()
    if isinstance(address, UnixAddress):
        return UnixStream(_connect_unix(address, timeout, notice))
    if isinstance(address, TcpAddress):
        return TcpStream(connect_tcp(address, timeout))
    stream = address.open(timeout)
    try:
        _arrive(stream, started, timeout, notice)
    except BaseException:  # an interrupt included: the server would go on holding the place
        stream.close()
        raise
    return stream


def _arrive(
    stream: Stream, started: float, timeout: float | None, notice: Callable[[str], None] | None
) -> None:
    """Wait until a stream is connected. Raises CannotConnect, of which ConnectTimeout."""
    if not stream.awaits:
        return
    # Imported here: a socket is there at once.
    from qmpsh.stream import ConnectingStream

    deadline = math.inf if timeout is None else started + timeout
    patience = math.inf if notice is None else started + NOTICE_SECONDS
    while isinstance(stream, ConnectingStream) and stream.awaits:
        now = time.monotonic()
        if now >= deadline:
            raise stream.overdue(timeout or 0.0)
        if notice is not None and now >= patience:
            if not stream.may_ask:
                notice(_WAITING.format(what=stream.awaits))
            patience = math.inf
        awaited = READ | WRITE if stream.wants_write else READ
        if wait_for({stream.fileno(): awaited}, min(deadline, patience) - now):
            stream.advance()


def begin_stream(address: Address) -> Stream:
    """Begin to connect, and do not wait for it: until it is there, the stream takes and gives
    nothing; its first recv says that it failed. Its descriptor may become another one on the
    way.

    A TCP address is numeric here, where looking up a name could take its time.
    Raises CannotConnect, of which Busy, for what fails at once.
    """
    if isinstance(address, UnixAddress):
        return UnixStream(_connect_unix(address, 0.0))
    if isinstance(address, TcpAddress):
        return TcpStream(begin_tcp(address))
    return address.begin()


# ---------------------------------------------------------------------------- unix sockets


def _connect_unix(
    address: UnixAddress, timeout: float | None, notice: Callable[[str], None] | None = None
) -> socket.socket:
    """Connects or fails at once, except where a place in the server's queue is to be waited for.

    timeout: seconds for that, 0 for a socket that is only tried; notice: called once meanwhile
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connect = partial(_connect_to, connection, address)
    try:
        connection.setblocking(False)
        try:
            connect()
        except BlockingIOError:
            if timeout == 0:
                raise
            # Imported here, as below: most connections have a place at once.
            from qmpsh.client.backlog import BacklogWait

            BacklogWait(address, connection, connect).wait(timeout, notice, NOTICE_SECONDS)
    except OSError as error:
        connection.close()
        from qmpsh.system.diagnose import unix_refusal

        raise unix_refusal(address, error) from error
    except BaseException:  # an interrupt included, in the midst of the queue
        connection.close()
        raise
    return connection


def _connect_to(connection: socket.socket, address: UnixAddress) -> None:
    if address.abstract:
        connection.connect("\0" + address.path)
    elif len(os.fsencode(address.path)) < MAX_PATH_BYTES or not hasattr(os, "O_PATH"):
        connection.connect(address.path)
    else:
        _connect_long_path(connection, address.path)


def _connect_long_path(connection: socket.socket, path: str) -> None:
    """Connect by the short name below /proc of a descriptor of the socket's file."""
    descriptor = os.open(path, os.O_PATH)
    try:
        connection.connect(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------------------- TCP


def connect_tcp(address: TcpAddress, timeout: float | None, *, tls: bool = False) -> socket.socket:
    """Connect, waiting for it. tls: it is to carry TLS. Raises CannotConnect, of which
    ConnectTimeout.
    """
    try:
        connection = socket.create_connection(address, timeout)
        # A request is one small segment that waits for its reply: nothing to be gathered.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        from qmpsh.system.diagnose import tcp_refusal

        raise tcp_refusal(address, timeout, error, tls=tls) from error
    except UnicodeError as error:  # of the codec for names in other scripts
        raise CannotConnect(_NO_HOST_NAME.format(host=address.host)) from error
    return connection


def begin_tcp(address: TcpAddress, *, tls: bool = False) -> socket.socket:
    """Begin to connect to a numeric address. tls: as above. Raises CannotConnect for what fails at
    once.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        connection = socket.socket(family, kind, protocol)
    except OSError as error:
        from qmpsh.system.diagnose import tcp_refusal

        raise tcp_refusal(address, None, error, tls=tls) from error
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_SYNCNT"):
            # Where no answer comes at all the kernel would try for two minutes: let it be seven s.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 2)
        connection.connect(place)
    except BlockingIOError:
        return connection  # on its way
    except OSError as error:
        connection.close()
        from qmpsh.system.diagnose import tcp_refusal

        raise tcp_refusal(address, None, error, tls=tls) from error
    return connection


# ---------------------------------------------------------------------------- telnet

_WILL, _DONT = 0xFB, 0xFE  # with what is between: the commands that name an option
_COMMAND_BYTES = 3


def strip(data: bytes) -> tuple[bytes, bytes]:
    """Return what follows the negotiation at the start, and its unfinished part.

    A 0xff that begins no negotiation, as a guest agent sends it, stays.
    """
    at = 0
    while data[at : at + 1] == b"\xff" and _WILL <= (data[at + 1 : at + 2] or b"\xfb")[0] <= _DONT:
        if len(data) - at < _COMMAND_BYTES:
            return b"", data[at:]
        at += _COMMAND_BYTES
    return data[at:], b""
