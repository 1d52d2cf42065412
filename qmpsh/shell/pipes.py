"""Bytes through a shell command, while the server is still listened to.

A client that does not read makes the VM's process grow (WIRE.md section 4), and a person may take
their time in front of a pager.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from qmpsh.link.client import Client

_ENDING = (signal.SIGTERM, signal.SIGHUP)
"""the signals that end us without a word; SIGINT is an exception"""
_LOOK = 0.05
"""seconds between two looks whether the command has ended, where no descriptor tells"""


def run_pipe(command: str, data: bytes, client: Client | None) -> int:
    """Give the bytes to a shell command and wait for its end; its exit status, as Popen's.

    Whatever ends the wait ends the command, too.
    """
    with tempfile.TemporaryFile() as file:
        # A file and not a pipe: a command reads as it likes, and must not hold us up.
        file.write(data)
        file.seek(0)
        # All that it starts is one group, to be ended together. Not where a person sits: only the
        # group in front of a terminal may read it, and gets its Ctrl-C without our doing.
        group = None if _is_in_front() else 0
        process = subprocess.Popen(command, shell=True, stdin=file, process_group=group)
    with _ended_with_us(process, os.kill if group is None else os.killpg):
        with _end_of(process.pid) as ended:
            while process.poll() is None:
                _wait(ended, client)
        return process.wait()


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
def _ended_with_us(
    process: subprocess.Popen[bytes], kill: Callable[[int, int], None]
) -> Iterator[None]:
    """Meanwhile, what ends us ends the process first. kill: it alone, or its group."""

    def end() -> None:
        if process.returncode is None:  # else its number may be somebody else's by now
            with contextlib.suppress(ProcessLookupError):
                kill(process.pid, signal.SIGTERM)

    def end_and_go(number: int, frame: object) -> None:
        end()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    # Who started us may have a signal ignored, as nohup does: that stays.
    heard = [number for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL]
    try:
        for number in heard:
            signal.signal(number, end_and_go)
        yield
    except BaseException:
        end()
        raise
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


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
    poller = select.poll()
    if ended is not None:
        poller.register(ended, select.POLLIN)
    listening = client if client is not None and not client.closed else None
    if listening is not None:
        poller.register(listening.fileno(), select.POLLIN)
    ready = {fd for fd, _ in poller.poll(None if ended is not None else _LOOK * 1000)}
    if listening is not None and listening.fileno() in ready:
        listening.poll(0)
