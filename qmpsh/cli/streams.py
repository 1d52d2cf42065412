"""The standard streams of the process: closed ones are opened again, and errors say which stream
they are about.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer as Buffer

_AS_JSON = "qmpsh.json"
"""How characters that stdout's encoding lacks are written."""


def repair_streams() -> None:
    """Replace stdout and stderr with streams that can show whatever a VM sends.

    A standard stream that was closed beforehand (`<&-`, `>&-`) is opened again: the next file
    descriptor would take its number, and the socket would be read as a script.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        reader, writer = os.pipe()
        os.close(reader)  # so that writing fails as it does when a reader went away
        os.dup2(writer, 1)
    codecs.register_error(_AS_JSON, _json_escapes)
    sys.stdout = _text_stream(_Stdout, 1, sys.stdout, _AS_JSON, by_line=os.isatty(1))
    sys.stderr = _text_stream(_Stderr, 2, sys.stderr, "backslashreplace", by_line=True)


def _text_stream(
    kind: type[io.BufferedWriter], fd: int, old: TextIO | None, errors: str, *, by_line: bool
) -> TextIO:
    """Return a stream on a file descriptor, with the encoding of the old one."""
    buffer = kind(io.FileIO(fd, "w", closefd=False))
    encoding = None if old is None else old.encoding
    return io.TextIOWrapper(buffer, encoding, errors, line_buffering=by_line)


class StdoutFailed(OSError):
    """stdout did not accept what was written: its reader has gone, or its disk is full."""


class _Stdout(io.BufferedWriter):
    """stdout, with an error of its own, so that it is not mistaken for that of any other file."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise StdoutFailed(error.errno, error.strerror) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise StdoutFailed(error.errno, error.strerror) from error


class _Stderr(io.BufferedWriter):
    """stderr, which never fails: if it cannot be written, the work continues and the exit code says
    how it went.
    """

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            return


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks so that JSON stays valid JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
