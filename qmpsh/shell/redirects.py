"""Where a line's answers go when it ends in `| command`, `> file` or `>> file`."""

from __future__ import annotations

from qmpsh.errors import UsageError
from qmpsh.lang.syntax import Redirect


def write_file(redirect: Redirect, text: str) -> None:
    """Write or append the text. Raises UsageError when the file cannot be written."""
    mode = "a" if redirect.mark == ">>" else "w"
    try:
        with open(redirect.target, mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {redirect.target}: {error.strerror}") from error


def pipe_status(status: int, redirect: Redirect) -> str:
    """What to say of a pipe's exit status; "" for success."""
    if status == 0:
        return ""
    how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
    return f"| {redirect.target} {how}"
