"""Where a line's answers go when it ends in `| command`, `> file` or `>> file`."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from qmpsh.errors import QmpshError, UsageError
from qmpsh.lang.syntax import Redirect
from qmpsh.link.programs import shell_refusal
from qmpsh.textsecrets import mask_text

_TERMINAL_PROGRAMS = frozenset(
    {
        *("less", "more", "most", "moar", "moor", "lv", "bat", "batcat", "delta"),
        *("vi", "vim", "nvim", "view", "nano", "emacs", "micro", "hx", "kak"),
        *("fzf", "sk", "peco", "jless", "jnv", "fx", "vd", "visidata"),
    }
)
"""Programs that a person looks at: pagers, editors, pickers."""


def wants_terminal(redirect: Redirect, environ: Mapping[str, str]) -> bool:
    """Whether the last program of a pipe is one to look at, so that the screen is handed over."""
    if redirect.mark != "|":
        return False
    words = _last_stage(redirect.target)
    pager = environ.get("PAGER", "").split()
    programs = _TERMINAL_PROGRAMS.union(os.path.basename(word) for word in pager[:1])
    return bool(words) and os.path.basename(words[0]) in programs


def _last_stage(command: str) -> list[str]:
    """The words of the last command of a pipeline, variables set before it left out."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            words = [] if set(word) <= set("|&;()") else [*words, word]
    except ValueError:  # a quote is open: the shell will say so
        return []
    while words and "=" in words[0]:
        del words[0]
    return words


def begin_file(redirect: Redirect | None) -> None:
    """Make the file of `>` or `>>`, empty for `>`, before the line is sent, as sh does it: a line
    whose answer has nowhere to go stays unsent, and no old answer is taken for this one's.

    redirect: of any line; nothing to do for a pipe, or for none
    Raises UsageError when the file cannot be written.
    """
    if redirect is None or redirect.mark == "|":
        return
    path = os.path.expanduser(redirect.target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        # A fifo is opened once, when there is something for its reader: closing it ends that.
        if not _is_fifo(path):
            os.close(os.open(path, flags | (os.O_TRUNC if redirect.mark == ">" else 0), 0o666))
    except OSError as error:
        raise UsageError(f"cannot write {redirect.target}: {error.strerror}") from error


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def open_target(redirect: Redirect) -> Iterator[BinaryIO]:
    """The file that `begin_file` has made, to write behind what is in it.

    Raises QmpshError when it cannot be written any more: the line was sent.
    """
    try:
        with open(os.path.expanduser(redirect.target), "ab") as file:
            yield file
    except OSError as error:
        raise QmpshError(f"cannot write {mask_text(redirect.target)}: {error.strerror}") from error


def write_file(redirect: Redirect, data: bytes) -> None:
    """Append the bytes to the file that was begun. Raises QmpshError when it cannot be written."""
    with open_target(redirect) as file:
        file.write(data)


def pipe_status(status: int, redirect: Redirect) -> str:
    """What to say of a pipe's exit status; "" for success."""
    if status == 0:
        return ""
    target, words = mask_text(redirect.target), _last_stage(redirect.target)
    why = shell_refusal(words[0], status) if words else ""
    if why:
        return f"| {target}: {mask_text(why)}; install it, or pipe into another program"
    how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
    return f"| {target} {how}"
