"""Files of this host that are passed to the VM as open descriptors: `--fd` and `.add-fd`.

They are opened at the last moment, so that nothing that comes before the sending (a question, a
wrong line) leaves one open; from then on the client owns and closes them. Source: wire.md
section 11.
"""

from __future__ import annotations

import errno
import os
import stat

from qmpsh.errors import UsageError
from qmpsh.light_typing import NamedTuple
from qmpsh.regular import expanded

# Reading alone is what is left where writing is refused so. A program that runs is ETXTBSY.
_READ_ONLY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY})
_ACCESS = {":ro": os.O_RDONLY, ":rw": os.O_RDWR}


class OpenedFile(NamedTuple):
    """An open file. remark: what the user should know of how it was opened, or ""."""

    fd: int
    remark: str = ""


def open_file(text: str) -> OpenedFile:
    """Open what `--fd` names.

    text: `PATH`, `PATH:ro` or `PATH:rw`. Without a word for it the file is opened for reading and
          writing, as a disk wants it, and where it may not be written, for reading, which is said
    Raises UsageError for a file that cannot be opened, or that no VM can have a use for.
    """
    flags = _ACCESS.get(text[-3:])
    path = text if flags is None else text[:-3]
    try:
        return OpenedFile(_open(path, os.O_RDWR if flags is None else flags))
    except OSError as error:
        if flags is not None or error.errno not in _READ_ONLY:
            raise UsageError(_refusal(path, error)) from error
    try:
        fd = _open(path, os.O_RDONLY)
    except OSError as error:
        raise UsageError(_refusal(path, error)) from error
    return OpenedFile(fd, f"{path} may not be written: the VM can only read it")


def _open(path: str, flags: int) -> int:
    """Open a file without waiting for anything, such as the other end of a pipe. Raises OSError."""
    fd = os.open(expanded(path), flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    os.set_blocking(fd, True)
    return fd


def _refusal(path: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"no such file: {path}"
    if error.errno == errno.EISDIR:
        return f"{path} is a directory; name a file in it"
    if error.errno == errno.ENXIO:
        return f"{path} is a socket, or a device that is not there; name a file"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to open {path}; run qmpsh as its owner, or add :ro to only read it"
    if error.errno == errno.EROFS:
        return f"{path} lies on a read-only file system; add :ro to only read it"
    return f"cannot open {path}: {error.strerror}"
