"""`vsock:CID:PORT`: the sockets between a host and its guests, where guest agents listen.

Source: vsock(7). QEMU itself makes no monitor there (wire.md section 12).
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket

from qmpsh.address import Transport, refusal
from qmpsh.client.transports.connecting import ConnectingSocket
from qmpsh.errors import CannotConnect
from qmpsh.stream import Stream

_FORM = "vsock:CID:PORT is expected, both numbers of 32 bits"
_AWAITS = "an answer from cid {cid} port {port} of vsock"
_SILENT = "is the guest running, and does its agent listen there?"
_NO_SYSTEM = "{address}: this system has no vsock, which only Linux has"
_NO_KERNEL = "{address}: this kernel has no vsock ({reason})"
_LOAD_IT = "modprobe vhost_vsock loads it, and the VM needs -device vhost-vsock-pci,guest-cid=CID"
_CLOSED = "nothing listens on port {port} of cid {cid}"
_OPEN_IT = "in the guest: qemu-ga -m vsock-listen -p {cid}:{port}"
_FAILED = "cannot connect to {address}: {reason}"

_MAX_NUMBER = 0xFFFFFFFF  # of a cid and of a port


class VsockAddress(Transport):
    """A vsock port of a guest. cid: of the guest, 2 for the host."""

    scheme = "vsock"
    form = "vsock:CID:PORT"
    help = "a socket of a guest, such as its guest agent's"

    def __init__(self, cid: int, port: int) -> None:
        self.cid = cid
        self.port = port

    @classmethod
    def parse(cls, text: str) -> VsockAddress:
        found = re.fullmatch(r"vsock:([0-9]{1,10}):([0-9]{1,10})", text)
        if not found or max(int(found[1]), int(found[2])) > _MAX_NUMBER:
            raise refusal(text, _FORM)
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"vsock:{self.cid}:{self.port}"

    def begin(self) -> Stream:
        if not hasattr(socket, "AF_VSOCK"):
            raise CannotConnect(_NO_SYSTEM.format(address=self))
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
        return _VsockConnecting(self, connection)


class _VsockConnecting(ConnectingSocket):
    """A vsock connection that is not yet established."""

    def __init__(self, address: VsockAddress, connection: socket.socket) -> None:
        super().__init__(
            connection,
            _AWAITS.format(cid=address.cid, port=address.port),
            _SILENT,
        )
        self._address = address

    def _refusal(self, error: OSError) -> CannotConnect:
        return vsock_refusal(self._address, error)


def vsock_refusal(address: VsockAddress, error: OSError) -> CannotConnect:
    """Return the error for a connection over vsock that failed."""
    cid, port = address.cid, address.port
    if error.errno in (errno.EAFNOSUPPORT, errno.ENODEV):
        return CannotConnect(
            _NO_KERNEL.format(address=address, reason=error.strerror),
            _LOAD_IT,
        )
    if error.errno in (errno.ECONNRESET, errno.ECONNREFUSED):
        return CannotConnect(
            _CLOSED.format(port=port, cid=cid),
            _OPEN_IT.format(cid=cid, port=port),
        )
    return CannotConnect(_FAILED.format(address=address, reason=error.strerror))
