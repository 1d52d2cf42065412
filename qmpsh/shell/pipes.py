"""The redirects of a line, `| command`, `> file` and `>> file`: where its answers go.

While a command reads them, the server is still listened to: a client that does not read makes the
VM's process grow (wire.md section 4), and a person may take their time in front of a pager.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Self

from qmpsh.client.client import Client
from qmpsh.client.poll import READ, wait_for
from qmpsh.errors import QmpshError, UsageError
from qmpsh.language.syntax import Redirect
from qmpsh.regular import expanded
from qmpsh.secrets.text import mask_text
from qmpsh.system.ending import LOOK_SECONDS, end_of
from qmpsh.system.programs import shell_refusal

_NUL = "no program can be started by a line with a NUL character in it"

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_USUAL = (signal.SIG_DFL, signal.default_int_handler)


def run_pipe(command: str, data: bytes, client: Client | None) -> int:
    """Give the bytes to a shell command and wait for its end; its exit status, as Popen's.

    Whatever ends the wait ends the command, too.
    """
    with tempfile.TemporaryFile() as file, _Command() as running:
        # A file and not a pipe: a command reads as it likes, and must not hold us up.
        file.write(data)
        file.seek(0)
        process = running.start(command, file)
        with end_of(process.pid) as ended:
            while process.poll() is None:
                _wait(ended, client)
        return process.wait()


class _Ended(BaseException):
    """A signal that ends this program."""


class _Command:
    """A shell command, which is ended first if a signal ends this program.

    The signal then does to us what it always does. Those that came while the command was being
    started count as soon as it is there to be ended.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._kill: Callable[[int, int], None] = os.killpg
        self._number = 0
        # Who started us may have a signal ignored, as nohup does: that stays.
        self._handlers = {
            number: handler for number in _ENDING if (handler := signal.getsignal(number)) in _USUAL
        }

    def __enter__(self) -> Self:
        for number in self._handlers:
            signal.signal(number, self._hear)
        return self

    def start(self, command: str, file: BinaryIO) -> subprocess.Popen[bytes]:
        """Start it. file: what it reads"""
        # All that it starts is one group, to be ended together. Not where a person sits: only the
        # group in front of a terminal may read it, and gets its Ctrl-C without our doing.
        group: int | None = 0
        if _is_in_front():
            group, self._kill = None, os.kill
        process = subprocess.Popen(command, shell=True, stdin=file, process_group=group)
        self._process = process
        if self._number:
            raise _Ended
        return process

    def _hear(self, number: int, frame: object) -> None:
        self._number = number
        if self._process is not None:
            raise _Ended

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        process, self._process = self._process, None  # from here on a signal is only remembered
        if kind is not None and process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._kill(process.pid, signal.SIGTERM)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._number:
            signal.raise_signal(self._number)


def _is_in_front() -> bool:
    """Whether this process is in the foreground of a terminal."""
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:  # there is none
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _wait(ended: int | None, client: Client | None) -> None:
    """Serve the client until something happens."""
    wanted = {} if ended is None else {ended: READ}
    listening = client if client is not None and not client.closed else None
    if listening is not None:
        wanted[listening.fileno()] = READ
    ready = wait_for(wanted, LOOK_SECONDS if ended is None else None)
    if listening is not None and listening.fileno() in ready:
        listening.poll(0)


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
    """Return the words of the last command of a pipeline, without variables set before it."""
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
    Raises UsageError when the file cannot be written, or there can be no such program.
    """
    if redirect is None:
        return
    if redirect.mark == "|":
        if "\0" in redirect.target:
            raise UsageError(_NUL)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        path = expanded(redirect.target)
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
    """Open the file that `begin_file` has created, to append to it.

    Raises QmpshError when it cannot be written any more: the line was sent.
    """
    try:
        with open(expanded(redirect.target), "ab") as file:
            yield file
    except OSError as error:
        raise QmpshError(f"cannot write {mask_text(redirect.target)}: {error.strerror}") from error


def write_file(redirect: Redirect, data: bytes) -> None:
    """Append the bytes to a redirect's file. Raises QmpshError if it cannot be written."""
    with open_target(redirect) as file:
        file.write(data)


def pipe_status(status: int, redirect: Redirect) -> str:
    """Return the message for a pipe's exit status; "" for success."""
    if status == 0:
        return ""
    target, words = mask_text(redirect.target), _last_stage(redirect.target)
    why = shell_refusal(words[0], status) if words else ""
    if why:
        return f"| {target}: {mask_text(why)}; install it, or pipe into another program"
    how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
    return f"| {target} {how}"
