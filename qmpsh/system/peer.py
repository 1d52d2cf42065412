"""Who is at the other end of a local socket, and which binary that is.

On Linux SO_PEERCRED gives the peer's process and user, and /proc its executable; elsewhere, and for
what another user's process hides, nothing is known and nothing is said.
"""

from __future__ import annotations

import os
import socket
from array import array

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.light_typing import NamedTuple

_CLOCK_SKEW_SECONDS = 2.0  # seconds that the clocks of files and of processes may be apart
_UCRED_BYTES = 12  # pid, uid, gid, of four bytes each; Source: unix(7), SO_PEERCRED


class Peer(NamedTuple):
    """The process at the other end of a local socket.

    pid: of the process that listens, None where it is not known; uid: its user when it began to
    listen, whatever program it has become since, None with the pid.
    """

    pid: int | None = None
    uid: int | None = None


_UNKNOWN = Peer()


def server_peer(address: Address, fd: int) -> Peer:
    """Return the process of the server."""
    return _UNKNOWN if address.is_local_relay else _peer(fd)


def peer_pid(fd: int) -> int | None:
    """Return the process that listens at the other end of a unix socket, None if unknown."""
    return _peer(fd).pid


def _peer(fd: int) -> Peer:
    """Return the peer; unknown if it is our own process, which is a bridge to the server."""
    try:
        with socket.socket(fileno=os.dup(fd)) as copy:
            peer = socket_peer(copy)
    except OSError:
        return _UNKNOWN
    return peer if peer.pid not in (0, os.getpid()) else _UNKNOWN


def socket_peer(connected: socket.socket) -> Peer:
    """Return the process at the other end of a unix socket; unknown for any other socket.

    Raises OSError.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or connected.family != socket.AF_UNIX:
        return _UNKNOWN
    pid, uid, _ = array("i", connected.getsockopt(socket.SOL_SOCKET, option, _UCRED_BYTES))
    return Peer(pid, uid)


def server_identity(address: Address, fd: int) -> list[str]:
    """What identifies a server among those of which something is remembered: its user and binary,
    and where either is not known its place.

    The user belongs to it: a process may say anything, and then become the very binary of another
    else's server.
    """
    peer = server_peer(address, fd)
    binary = executable_identity(peer.pid)
    user = "unknown" if peer.uid is None else str(peer.uid)
    return [f"user{user}", *(binary or place_identity(address, fd))]


def socket_file(address: Address) -> tuple[int, ...]:
    """Return what identifies the file of a socket among later ones; () if there is none."""
    if not isinstance(address, UnixAddress) or address.abstract:
        return ()
    try:
        status = os.stat(address.path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_ctime_ns


def executable_identity(pid: int | None) -> list[str]:
    """Return what identifies an executable: device, inode, size and time of change.

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


def replaced_program(address: Address, fd: int) -> str:
    """What has become of the file that a server's program was started from, as a part of a
    sentence; "" where it is as it was, or hidden.
    """
    # Imported here: only the completion of drivers asks.
    from qmpsh.system.proc import PROC, maybe_link, maybe_start

    pid = server_peer(address, fd).pid
    if pid is None:
        return ""
    if maybe_link(pid, "exe").endswith(" (deleted)"):
        return "its program was deleted or replaced since it started"
    try:
        # By its last change: a package's files have the time of their making.
        changed = os.stat(f"{PROC}/{pid}/exe").st_ctime
    except OSError:
        return ""
    started = maybe_start(pid)
    is_newer = started is not None and changed > started + _CLOCK_SKEW_SECONDS
    return "its program is newer than the process" if is_newer else ""


def place_identity(address: Address, fd: int) -> list[str]:
    """Return what identifies the place where a stream leads, as far as that is known."""
    # Imported here: few servers hide which binary they are.
    from hashlib import sha256

    place = str(address)
    if isinstance(address, UnixAddress) and not address.abstract:
        place = os.path.abspath(address.path)
    return [sha256(f"{place} {tcp_peer(fd)}".encode(errors="surrogateescape")).hexdigest()]


def tcp_peer(fd: int) -> TcpAddress | None:
    """Return the numeric address of a TCP peer; None for other sockets."""
    try:
        with socket.socket(fileno=os.dup(fd)) as copy:
            if copy.family not in (socket.AF_INET, socket.AF_INET6):
                return None
            host, port = copy.getpeername()[:2]
    except OSError:
        return None
    return TcpAddress(host, port)
