"""`vsock:CID:PORT`: the sockets between a host and its guests, where guest agents listen.

Source: vsock(7). QEMU itself makes no monitor there (WIRE.md section 12).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from typing import NamedTuple

from qmpsh.address import refusal
from qmpsh.client.connect import SocketStream
from qmpsh.errors import CannotConnect, ConnectionLost
from qmpsh.stream import ConnectingStream, Stream

_MOST = 0xFFFFFFFF


def parse(text: str) -> VsockAddress:
    """The address. Raises AddressError."""
    found = re.fullmatch(r"vsock:([0-9]{1,10}):([0-9]{1,10})", text)
    if not found or max(int(found[1]), int(found[2])) > _MOST:
        raise refusal(text, "vsock:CID:PORT is expected, both numbers of 32 bits")
    return VsockAddress(int(found[1]), int(found[2]))


class VsockAddress(NamedTuple):
    """A vsock port of a guest. cid: of the guest, 2 for the host."""

    cid: int
    port: int

    def __str__(self) -> str:
        """A form that parses back."""
        return f"vsock:{self.cid}:{self.port}"

    def open(self, timeout: float | None) -> Stream:
        # Bounded by the code that waits for the stream to be there.
        return self.begin()

    def begin(self) -> Stream:
        if not hasattr(socket, "AF_VSOCK"):
            raise CannotConnect(f"{self}: this system has no vsock; Linux has")
        try:
            connection = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        except OSError as error:
            raise vsock_refusal(self, error) from error
        connection.setblocking(False)
        try:
            with contextlib.suppress(BlockingIOError):
                connection.connect((self.cid, self.port))
        except OSError as error:
            connection.close()
            raise vsock_refusal(self, error) from error
        return _Connecting(self, connection)


class _Connecting(ConnectingStream):
    """A stream that waits for the other end."""

    def __init__(self, address: VsockAddress, connection: socket.socket) -> None:
        super().__init__(
            f"an answer from cid {address.cid} port {address.port} of vsock",
            "is the guest running, and does its agent listen there?",
            wants_write=True,
        )
        self._address = address
        self._connection = connection

    def _descriptor(self) -> int:
        return self._connection.fileno()

    def _step(self) -> Stream | None:
        number = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise vsock_refusal(self._address, OSError(number, os.strerror(number)))
        try:
            self._connection.getpeername()
        except OSError:
            return None
        return SocketStream(self._connection)

    def _ending(self, error: ConnectionLost | None) -> None:
        return None

    def _drop(self) -> None:
        self._connection.close()


def vsock_refusal(address: VsockAddress, error: OSError) -> CannotConnect:
    """What to say when connecting over vsock failed."""
    cid, port = address
    if error.errno in (errno.EAFNOSUPPORT, errno.ENODEV):
        return CannotConnect(
            f"{address}: this kernel has no vsock ({error.strerror})",
            "modprobe vhost_vsock loads it, and the VM needs -device vhost-vsock-pci,guest-cid=CID",
        )
    if error.errno in (errno.ECONNRESET, errno.ECONNREFUSED):
        return CannotConnect(
            f"nobody listens on port {port} of cid {cid}",
            f"in the guest: qemu-ga -m vsock-listen -p {cid}:{port}",
        )
    return CannotConnect(f"cannot connect to {address}: {error.strerror}")
