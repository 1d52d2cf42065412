"""Bytes through a shell command, while the server is still listened to.

A client that does not read makes the VM's process grow (WIRE.md section 4), and a person may take
their time in front of a pager.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, Self

from qmpsh.link.client import Client
from qmpsh.link.watch import READ, wait_for

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_USUAL = (signal.SIG_DFL, signal.default_int_handler)
_LOOK = 0.05
"""seconds between two looks whether the command has ended, where no descriptor tells"""


def run_pipe(command: str, data: bytes, client: Client | None) -> int:
    """Give the bytes to a shell command and wait for its end; its exit status, as Popen's.

    Whatever ends the wait ends the command, too.
    """
    with tempfile.TemporaryFile() as file, _Command() as running:
        # A file and not a pipe: a command reads as it likes, and must not hold us up.
        file.write(data)
        file.seek(0)
        process = running.start(command, file)
        with _end_of(process.pid) as ended:
            while process.poll() is None:
                _wait(ended, client)
        return process.wait()


class _Ended(BaseException):
    """A signal came that is to end us."""


class _Command:
    """A shell command that a signal to us ends before it does to us what it always does.

    Signals that came while it was being started count as soon as it is there to be ended.
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


@contextlib.contextmanager
def _end_of(pid: int) -> Iterator[int | None]:
    """A descriptor that can be read once the process has ended; None where there is no such."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old kernel
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _wait(ended: int | None, client: Client | None) -> None:
    """Serve the client until something happens."""
    wanted = {} if ended is None else {ended: READ}
    listening = client if client is not None and not client.closed else None
    if listening is not None:
        wanted[listening.fileno()] = READ
    ready = wait_for(wanted, _LOOK if ended is None else None)
    if listening is not None and listening.fileno() in ready:
        listening.poll(0)
