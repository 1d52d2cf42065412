"""Where a line's answers go when it ends in `| command`, `> file` or `>> file`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from qmpsh.errors import UsageError
from qmpsh.lang.syntax import Redirect


@contextlib.contextmanager
def open_target(redirect: Redirect) -> Iterator[BinaryIO]:
    """The file, to write or to append to. Raises UsageError when it cannot be written."""
    try:
        with open(redirect.target, "ab" if redirect.mark == ">>" else "wb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"cannot write {redirect.target}: {error.strerror}") from error


def write_file(redirect: Redirect, data: bytes) -> None:
    """Write or append the bytes. Raises UsageError when the file cannot be written."""
    with open_target(redirect) as file:
        file.write(data)


def pipe_status(status: int, redirect: Redirect) -> str:
    """What to say of a pipe's exit status; "" for success."""
    if status == 0:
        return ""
    how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
    return f"| {redirect.target} {how}"
