"""Opens files that must be regular, no FIFO and none without end; replaces and unpacks them.

A stranger who can write to a folder of ours, or a mistyped name, must not make us wait or fill
the memory.
"""

from __future__ import annotations

import errno
import io
import os
import stat

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

PART: Final = ".part"
"""end of the name of a file that is being written, and takes another's place once it is whole"""

MAX_CONFIG_BYTES: Final = 1 << 20
"""most bytes of what a person writes: a configuration, a certificate"""
MAX_SCHEMA_BYTES: Final = 64 << 20
"""most bytes of a schema, as of one message of a server's"""
MAX_SCRIPT_BYTES: Final = 64 << 20
"""most bytes of a file of lines that is read whole"""
MAX_HISTORY_BYTES: Final = 4 << 20
"""bytes at the end of a history that are read"""

_DAMAGED: Final = "it is packed with gzip, and damaged or cut off"
_NUL: Final = "no file has a NUL character in its name"
_NOT_ENCODED: Final = "its name has a character that this locale cannot write"

_GZIP: Final = b"\x1f\x8b"
"""how a file begins that gzip has packed"""
_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
}


def expanded(path: str) -> str:
    """Return a path that a user has written, its `~` replaced.

    Raises OSError for a name that no file can have, of which Python would make a ValueError.
    """
    _refuse_name(path)
    return os.path.expanduser(path)


def _refuse_name(path: str) -> None:
    if "\0" in path:
        raise OSError(errno.EILSEQ, _NUL, path)
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, _NOT_ENCODED, path) from error


def open_regular(path: str, flags: int, mode: int = 0o600) -> int:
    """Return the descriptor of a regular file. flags, mode: as of os.open.

    Raises OSError, whose strerror says what it is instead.
    """
    _refuse_name(path)
    # Not blocking: a FIFO would be waited for. Not the terminal: it would become ours.
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, mode)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    raise _not_a_file(path, mode)


def read_regular(path: str, most: int) -> bytes:
    """Return all bytes of a regular file. Raises OSError, also for more than `most` bytes."""
    with open(open_regular(path, os.O_RDONLY), "rb") as file:
        is_large = os.fstat(file.fileno()).st_size > most
        # Files of /proc have no size, and may have no end.
        data = b"" if is_large else file.read(most + 1)
    if is_large or len(data) > most:
        raise _too_large(most)
    return data


def unpacked(data: bytes, most: int) -> bytes:
    """Return what gzip has packed in bytes; bytes that it has not packed as they are.

    Raises OSError for what is damaged or cut off, and for more than `most` bytes.
    """
    if not data.startswith(_GZIP):
        return data
    # Imported here: few files are packed.
    import gzip
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(most + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(errno.EINVAL, _DAMAGED) from error
    if len(plain) > most:
        raise _too_large(most)
    return plain


def _too_large(most: int) -> OSError:
    return OSError(errno.EFBIG, f"it has more than {most >> 20} MiB")


def _not_a_file(path: str, mode: int) -> OSError:
    kind = _KINDS.get(stat.S_IFMT(mode), "a special file")
    return OSError(errno.EINVAL, f"it is {kind}, not a file", path)


def replace_file(path: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step: a reader sees the old one or the new one. mode: as of os.open

    Raises OSError, and then leaves nothing.
    """
    partial = f"{path}.{os.urandom(4).hex()}{PART}"
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as file:
            file.write(data)
        os.replace(partial, path)
    except BaseException:  # an interrupt included, and a full disk
        os.unlink(partial)
        raise


def replace_named_file(path: str, data: bytes, mode: int) -> None:
    """Replace a file that a user has named, `~` allowed, where a link leads. mode: of a new one

    Raises OSError, for /dev/null too: root would replace it, and everything would write to a file.
    """
    path = os.path.realpath(expanded(path))
    try:
        present = os.stat(path).st_mode
    except FileNotFoundError:
        present = stat.S_IFREG | mode
    if not stat.S_ISREG(present):
        raise _not_a_file(path, present)
    replace_file(path, data, stat.S_IMODE(present))
