"""The listening sockets of a share: the one that other qmpsh find, and those of `--listen`.

The first lies in the user's private folder and lets only that user and root in, as the kernel names
them. One of `--listen` lies where the user says, with the mode and the group that decide who may
connect. Each is bound under a mask that admits no other user before its mode is set.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator

from qmpsh.address import Address
from qmpsh.client.shares import is_known_user, open_folder, share_folders, share_name
from qmpsh.errors import UsageError, os_reason
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

INHERITED: Final = "fd:"
"""what a path begins with that stands for a socket passed by another program"""

_FIRST_FD: Final = 3  # of those that systemd passes
_BACKLOG: Final = 64
_LOCK: Final = "lock"
_NEW: Final = "new"
"""name of a socket of the folder that does not listen yet; only who holds the lock has one"""
_LOCK_TRIES: Final = 20
_LOCK_SECONDS: Final = 0.005  # between two of them; the lock is held for less
_NOT_OURS: Final = "cannot listen on {}: {}"
_NO_SOCKET: Final = "cannot listen on {}: a file that is not a socket is there"
_IN_USE: Final = "cannot listen on {}: another program listens there"
_NO_FD: Final = (
    "cannot listen on {}: there is no listening unix socket of that number, nor of that name in"
    " LISTEN_FDNAMES"
)
_OPEN_TO_ALL: Final = (
    "{} has mode {:04o}, which would let every user of this machine command the VM; set SocketMode,"
    " or use --read-only-listen"
)
_WRITABLE: Final = (
    "--mode {:04o} would let every user of this machine command the VM; leave the last digit 0 and"
    " give a --group, or use --read-only-listen"
)


class Door:
    """A listening socket.

    path:      where it is; `fd:N` for one that another program has bound
    read_only: whether its clients may change nothing
    own_only:  whether only the user and root may come in
    """

    __slots__ = ("_file", "own_only", "path", "read_only", "socket")

    def __init__(
        self, listening: socket.socket, path: str, *, read_only: bool, own_only: bool
    ) -> None:
        listening.setblocking(False)
        self.socket = listening
        self.path = path
        self.read_only = read_only
        self.own_only = own_only
        self._file = None if path.startswith(INHERITED) else _identity(path)

    def admits(self, uid: int | None) -> bool:
        """Whether a user may come in, None for one that the kernel does not name."""
        return not self.own_only or uid == 0 or (uid == os.geteuid() and is_known_user(uid))

    def close(self) -> None:
        """Stop listening, and remove the socket if it is still this one."""
        self.socket.close()
        with contextlib.suppress(OSError):
            if self._file is not None and _identity(self.path) == self._file:
                os.unlink(self.path)


def own_door(address: Address, *, read_only: bool) -> Door | None:
    """Open the door that other qmpsh of this user find; None where there can be none.

    That is where the address has no name, no folder is private, or another process is at it.
    """
    name = share_name(address)
    path = _own_folder() if name else ""
    if not path:
        return None
    with contextlib.suppress(OSError):
        folder = open_folder(path, os.geteuid())
        try:
            with _locked(folder):
                return _bind_in(folder, path, name, read_only=read_only)
        finally:
            os.close(folder)
    return None


def _own_folder() -> str:
    """Return the folder of the user's shares, made if it is missing; "" if there can be none."""
    for path in share_folders(os.geteuid()):
        with contextlib.suppress(OSError):
            base = os.path.dirname(path)
            if base == "/tmp" or _is_private(base):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(path, 0o700)
                os.close(open_folder(path, os.geteuid()))
                return path
    return ""


def _is_private(path: str) -> bool:
    """Whether a folder is the user's own, and no other user may write there. Raises OSError."""
    os.close(open_folder(path, os.geteuid()))
    return True


@contextlib.contextmanager
def _locked(folder: int) -> Iterator[None]:
    """Hold the lock of the folder. Raises OSError if another process keeps it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(f"/proc/self/fd/{folder}/{_LOCK}", flags, 0o600)
    try:
        _lock(lock)
        yield
    finally:
        os.close(lock)


def _lock(lock: int) -> None:
    """Lock a file within the time of a frame or two, as many may start at once. Raises OSError."""
    for _ in range(_LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_SECONDS)
    raise BlockingIOError


def _bind_in(folder: int, path: str, name: str, *, read_only: bool) -> Door | None:
    """Listen on a name in an open folder; None if another process does. Raises OSError."""
    there, new = (f"/proc/self/fd/{folder}/{one}" for one in (name, _NEW))
    if _is_served(there):
        return None
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    listening = _listen(new, 0o600)
    try:
        # Once it can be found it listens, and what was left there is gone in the same moment.
        os.rename(new, there)
    except OSError:
        listening.close()
        raise
    return Door(listening, f"{path}/{name}", read_only=read_only, own_only=True)


def _is_served(path: str) -> bool:
    """Whether a process listens there; a socket that is left from a process that died is not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.setblocking(False)
        try:
            trial.connect(path)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def _listen(path: str, mode: int, group: int = -1) -> socket.socket:
    """Listen on a path, with this mode and group from the first moment on. Raises OSError."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(path)
        if group >= 0:
            os.chown(path, -1, group)
        os.chmod(path, mode)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def listen_door(path: str, *, read_only: bool, mode: int, group: int = -1) -> Door:
    """Open a door on a path of the user's choice.

    path:  of a socket to be made; `fd:N` for one that is listening already, as systemd passes it
    group: its numeric id, -1 for the user's own
    Raises UsageError.
    """
    if path.startswith(INHERITED):
        listening = _inherited(path, read_only=read_only)
        return Door(listening, path, read_only=read_only, own_only=False)
    if mode & 0o002 and not read_only:
        raise UsageError(_WRITABLE.format(mode))
    try:
        _make_way(path)
        listening = _listen(path, mode, group)
    except OSError as error:
        raise UsageError(_NOT_OURS.format(path, os_reason(error))) from error
    return Door(listening, path, read_only=read_only, own_only=False)


def _inherited(text: str, *, read_only: bool) -> socket.socket:
    """Return a copy of a listening socket that this process was started with. Raises UsageError."""
    try:
        listening = socket.socket(fileno=os.dup(_inherited_fd(text.removeprefix(INHERITED))))
    except (OSError, ValueError) as error:
        raise UsageError(_NO_FD.format(text)) from error
    is_ready = listening.family == socket.AF_UNIX and listening.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    )
    if not is_ready:
        listening.close()
        raise UsageError(_NO_FD.format(text))
    mode = _mode_of(str(listening.getsockname()))
    if mode & 0o002 and not read_only:
        listening.close()
        raise UsageError(_OPEN_TO_ALL.format(text, mode))
    return listening


def _inherited_fd(text: str) -> int:
    """Return a descriptor by its number, or by the name that systemd gave it.

    Raises ValueError. Source: sd_listen_fds(3).
    """
    if text.isdecimal():
        return int(text[:9])
    is_ours = os.environ.get("LISTEN_PID", "") == str(os.getpid())
    names = os.environ.get("LISTEN_FDNAMES", "").split(":") if is_ours else []
    return _FIRST_FD + names.index(text)


def _mode_of(path: str) -> int:
    """Return the permissions of a socket's file, 0 if it cannot be looked at."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode) if path.startswith("/") else 0
    except OSError:
        return 0


def _make_way(path: str) -> None:
    """Remove a socket on which no program listens any more. Raises UsageError, OSError."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise UsageError(_NO_SOCKET.format(path))
    if _is_served(path):
        raise UsageError(_IN_USE.format(path))
    os.unlink(path)


def _identity(path: str) -> tuple[int, int, int]:
    """Return what distinguishes a socket's file from a later one, which may get the same inode."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino, status.st_ctime_ns
