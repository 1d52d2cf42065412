"""Who is at the other end of a local socket, and which binary that is.

Linux tells the peer's process through SO_PEERCRED and its executable through /proc; elsewhere, and
for somebody else's process, nothing is known and nothing is said.
"""

from __future__ import annotations

import os
import socket
import struct

from qmpsh.link.address import RELAYED, Address, TcpAddress, UnixAddress

_UCRED = struct.Struct("3i")  # pid, uid, gid; Source: unix(7), SO_PEERCRED


def server_pid(address: Address, fd: int) -> int | None:
    """The process of the server at the other end, None where it is not known."""
    return None if str(address).startswith(RELAYED) else peer_pid(fd)


def peer_pid(fd: int) -> int | None:
    """The process that listens at the other end of a unix socket, None where it is not known, and
    where it is our own: the server is behind a bridge then.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    try:
        with socket.socket(fileno=os.dup(fd)) as copy:
            if copy.family != socket.AF_UNIX:
                return None
            pid = _UCRED.unpack(copy.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))[0]
    except OSError:
        return None
    return pid if pid not in (0, os.getpid()) else None


def socket_file(address: Address) -> tuple[int, ...]:
    """What tells the file of a socket from another in its place; () where there is none."""
    if not isinstance(address, UnixAddress) or address.abstract:
        return ()
    try:
        status = os.stat(address.path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_ctime_ns


def executable_identity(pid: int | None) -> list[str]:
    """What tells an executable from every other: device, inode, size and time of change.

    [] where it cannot be looked at.
    """
    if pid is None:
        return []
    try:
        status = os.stat(f"/proc/{pid}/exe")
    except OSError:
        return []
    return [
        f"{value:x}" for value in (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    ]


def place_identity(address: Address, fd: int) -> list[str]:
    """What tells where a stream leads to from every other place, as far as that is known."""
    # Imported here: few servers hide which binary they are.
    from hashlib import sha256

    place = str(address)
    if isinstance(address, UnixAddress) and not address.abstract:
        place = os.path.abspath(address.path)
    return [sha256(f"{place} {tcp_peer(fd)}".encode(errors="surrogateescape")).hexdigest()]


def tcp_peer(fd: int) -> TcpAddress | None:
    """Where a TCP connection leads to, in numbers, which need no looking up; None for others."""
    try:
        with socket.socket(fileno=os.dup(fd)) as copy:
            if copy.family not in (socket.AF_INET, socket.AF_INET6):
                return None
            host, port = copy.getpeername()[:2]
    except OSError:
        return None
    return TcpAddress(host, port)
