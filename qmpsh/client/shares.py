"""Where the share of a monitor is found: a socket in a private folder, named after the monitor.

A shell that holds a monitor serves it there to other qmpsh of the same user. Looking for it comes
before the monitor itself is touched, and costs a stat and a look into each folder. A folder counts
only if it is the user's own and no other user may write there; both it and the peer are checked
after they were opened, so that no link and no other user's socket is followed.
"""

from __future__ import annotations

import os
import socket

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qmpsh.address import Address
    from qmpsh.system.peer import Peer

FOLDER = "qmpsh"
_DIRECTORY = getattr(os, "O_PATH", 0) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_WRITE = 0o022
_FIRST_SEARCH_SECONDS = 0.2
_SEARCH_SECONDS = 1.0
SILENT_SECONDS = 1.0
"""without a greeting of a share, after which its monitor is tried"""
_OVERFLOW_UID = 65534  # Source: the kernel's default of /proc/sys/kernel/overflowuid


def share_name(address: Address) -> str:
    """Return the name of the socket of a monitor's share; "" if it is never shared.

    Two spellings of a path, links and bind mounts have one name: that of the socket's file. What
    has no file is named within its network namespace.
    """
    if isinstance(address, UnixAddress) and not address.abstract:
        try:
            status = os.stat(address.path)
        except OSError:
            return ""
        return f"{status.st_dev:x}-{status.st_ino:x}.sock"
    if not isinstance(address, (UnixAddress, TcpAddress)):
        return ""
    # Imported here: most monitors have a path.
    from hashlib import sha256

    try:
        namespace = os.stat("/proc/self/ns/net").st_ino
    except OSError:
        return ""
    text = f"{address}@{namespace}".encode(errors="surrogateescape")
    return f"k-{sha256(text).hexdigest()[:16]}.sock"


def is_known_user(uid: int | None) -> bool:
    """Whether a user is that one: all whom a container does not know look like one there.

    Source: user_namespaces(7), "Unmapped user and group IDs".
    """
    return uid is not None and uid != _OVERFLOW_UID


def share_folders(uid: int) -> Iterator[str]:
    """Yield where the folder with a user's shares may be, the best first."""
    if not is_known_user(uid):
        return
    own = os.environ.get("XDG_RUNTIME_DIR", "") if uid == os.geteuid() else ""
    for base in (own, f"/run/user/{uid}"):
        if os.path.isabs(base):
            yield f"{base}/{FOLDER}"
    yield f"/tmp/{FOLDER}-{uid}"


def trusted_users(address: Address) -> Iterator[int]:
    """Yield whose share of a monitor is as good as the monitor itself.

    That is the user's own; for root, who may ask any monitor, also that of the owner of the
    socket's file, who could put anything else there.
    """
    uid = os.geteuid()
    yield uid
    if uid == 0 and isinstance(address, UnixAddress) and not address.abstract:
        try:
            owner = os.stat(address.path).st_uid
        except OSError:
            return
        if owner:
            yield owner


def open_folder(path: str, uid: int) -> int:
    """Open a folder of a user's that no other user may write to; return its descriptor.

    Raises OSError, of which PermissionError for any other folder.
    """
    fd = os.open(path, _DIRECTORY)
    status = os.fstat(fd)
    if status.st_uid != uid or status.st_mode & _OTHERS_WRITE:
        os.close(fd)
        raise PermissionError(path)
    return fd


class FoundShare(NamedTuple):
    """A connection to a share. peer: the process that serves it"""

    socket: socket.socket
    peer: Peer


class ShareAppeared(Exception):
    """A share has come up while its monitor was silent. share: the connection to it"""

    def __init__(self, share: FoundShare) -> None:
        super().__init__(share.peer)
        self.share = share


class ShareSearch:
    """The search for a share while its monitor is silent, as where two shells start at once.

    due: when to look next, of the clock `time.monotonic()`
    """

    __slots__ = ("_address", "due")

    def __init__(self, address: Address, now: float) -> None:
        self._address = address
        self.due = now + _FIRST_SEARCH_SECONDS

    def find(self, now: float) -> FoundShare | None:
        """Look, if that is due."""
        if now < self.due:
            return None
        self.due = now + _SEARCH_SECONDS
        return connect_share(self._address)


def connect_share(address: Address) -> FoundShare | None:
    """Return a connection to the share of a monitor; None if no other qmpsh serves it."""
    name = share_name(address)
    for uid in trusted_users(address) if name else ():
        for path in share_folders(uid):
            if os.access(f"{path}/{name}", os.F_OK, effective_ids=True):
                try:
                    return _connect_in(path, name, uid)
                except OSError:
                    continue
    return None


def _connect_in(path: str, name: str, uid: int) -> FoundShare:
    """Connect to a socket in a folder, both of a user. Raises OSError."""
    folder = open_folder(path, uid)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.connect(f"/proc/self/fd/{folder}/{name}")
        # Imported here: a share is rare.
        from qmpsh.system.peer import socket_peer

        peer = socket_peer(connection)
        if peer.uid == uid:
            return FoundShare(connection, peer)
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    connection.close()
    raise PermissionError(name)
