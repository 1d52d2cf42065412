"""Opens files that must be regular: a FIFO, a device or an endless file is refused at once.

A stranger who can write to a folder of ours, or a mistyped name, must not make us wait or fill
the memory.
"""

from __future__ import annotations

import errno
import os
import stat

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

MAX_CONFIG_BYTES: Final = 1 << 20
"""most bytes of what a person writes: a configuration, a certificate"""
MAX_SCHEMA_BYTES: Final = 64 << 20
"""most bytes of a schema, as of one message of a server's"""
MAX_SCRIPT_BYTES: Final = 64 << 20
"""most bytes of a file of lines that is read whole"""
MAX_HISTORY_BYTES: Final = 4 << 20
"""bytes at the end of a history that are read"""

_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: str, flags: int, mode: int = 0o600) -> int:
    """Return the descriptor of a regular file. flags, mode: as of os.open.

    Raises OSError, whose strerror says what it is instead.
    """
    # Not blocking: a FIFO would be waited for. Not the terminal: it would become ours.
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, mode)
    kind = stat.S_IFMT(os.fstat(fd).st_mode)
    if kind == stat.S_IFREG:
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'a special file')}, not a file", path)


def read_regular(path: str, most: int) -> bytes:
    """Return all bytes of a regular file. Raises OSError, also for more than `most` bytes."""
    with open(open_regular(path, os.O_RDONLY), "rb") as file:
        is_large = os.fstat(file.fileno()).st_size > most
        # Files of /proc have no size, and may have no end.
        data = b"" if is_large else file.read(most + 1)
    if is_large or len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 20} MiB", path)
    return data
