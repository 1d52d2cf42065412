"""Data of this host that goes into a guest: a file, or what comes from stdin.

It is read in pieces and not kept; no wait exceeds the time limit of the line.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import time
from collections.abc import Iterator
from typing import Final

from qmpsh.errors import LineFailed, ReplyTimeout, UsageError
from qmpsh.light_typing import NamedTuple
from qmpsh.regular import expanded

_STDIN_TAKEN: Final = "{what}: stdin is the terminal or the script here; use a one-shot, or -f FILE"
_NOT_REGULAR: Final = "{path} is {kind}, not a regular file; {hint}"
_SHORTER: Final = "{name} became shorter while it was read"
_ENDLESS: Final = "{name} is longer than {limit} MiB; it may have no end"
_STDIN_TOO_LONG: Final = (
    "stdin holds more than {limit} MiB, too much for a command's input; .put - FILE writes it"
    " into a file of the guest"
)
_UNREADABLE: Final = "cannot read {name}: {reason}"
_UNENDED: Final = "{name} did not end in time"

STDIN: Final = "-"
PIECE_BYTES: Final = 256 * 1024
"""bytes that are read and sent at a time"""
MAX_INPUT_BYTES: Final = 16 << 20
"""bytes of stdin for a command: they go in one message, of which qemu-ga takes 64 MiB"""
MAX_UNSIZED_BYTES: Final = 64 << 20
"""bytes of a file that does not say how large it is, as those of /proc: it may have no end"""

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class LocalData(NamedTuple):
    """An open source of data. size: its bytes when it was opened, None for a stream"""

    name: str
    fd: int
    size: int | None


def usable_stdin(stdin: int | None, what: str) -> int:
    """Return the descriptor of stdin. Raises UsageError if it is not for data."""
    if stdin is None:
        raise UsageError(_STDIN_TAKEN.format(what=what))
    return stdin


@contextlib.contextmanager
def open_local(path: str, stdin: int | None) -> Iterator[LocalData]:
    """Open what `.put` sends. path: `-` for stdin

    Raises UsageError for what cannot be read, and for what is not a regular file: a pipe or a
    device may have no end, and a FIFO no writer.
    """
    if path == STDIN:
        yield LocalData("stdin", usable_stdin(stdin, "-"), None)
        return
    fd = _open(path)
    try:
        status = os.fstat(fd)
        kind = next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), "")
        if kind:
            hint = "name a file in it" if kind == "a directory" else f"{STDIN} sends stdin instead"
            raise UsageError(_NOT_REGULAR.format(path=path, kind=kind, hint=hint))
        yield LocalData(path, fd, status.st_size)
    finally:
        os.close(fd)


def pieces_of(source: LocalData, deadline: float | None) -> Iterator[bytes]:
    """Yield the bytes in order: of a file as many as it had when it was opened, so that a growing
    one has an end.

    deadline: of `time.monotonic()`, None for no limit
    Raises LineFailed where the file ends early or has no end, ReplyTimeout.
    """
    most = source.size or (MAX_UNSIZED_BYTES if source.size is not None else None)
    done = 0
    while most is None or done < most:
        piece = _read(
            source, PIECE_BYTES if most is None else min(PIECE_BYTES, most - done), deadline
        )
        if not piece:
            if source.size and done < source.size:
                raise LineFailed(_SHORTER.format(name=source.name))
            return
        done += len(piece)
        yield piece
    if source.size == 0 and _read(source, 1, deadline):
        raise LineFailed(_ENDLESS.format(name=source.name, limit=MAX_UNSIZED_BYTES >> 20))


def read_input(stdin: int, deadline: float | None) -> bytes:
    """Read all of stdin, for one message. Raises UsageError if it is too much, ReplyTimeout."""
    source = LocalData("stdin", stdin, None)
    whole = bytearray()
    for piece in pieces_of(source, deadline):
        whole += piece
        if len(whole) > MAX_INPUT_BYTES:
            raise UsageError(_STDIN_TOO_LONG.format(limit=MAX_INPUT_BYTES >> 20))
    return bytes(whole)


def _open(path: str) -> int:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        return os.open(expanded(path), flags)
    except OSError as error:
        raise UsageError(_UNREADABLE.format(name=path, reason=error.strerror)) from error


def _read(source: LocalData, most: int, deadline: float | None) -> bytes:
    """Return some bytes, none at the end."""
    try:
        if deadline is not None and source.size is None:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([source.fd], [], [], left)[0]:
                raise ReplyTimeout(_UNENDED.format(name=source.name))
        return os.read(source.fd, most)
    except OSError as error:
        raise LineFailed(_UNREADABLE.format(name=source.name, reason=error.strerror)) from error
