"""Bytes through a shell command, while the server is still listened to.

A client that does not read makes the VM's process grow (WIRE.md section 4), and a person may take
their time in front of a pager.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator

from qmpsh.link.client import Client

_LOOK = 0.05
"""seconds between two looks whether the command has ended, where no descriptor tells"""


def run_pipe(command: str, data: bytes, client: Client | None) -> int:
    """Give the bytes to a shell command and wait for its end; its exit status, as Popen's."""
    with tempfile.TemporaryFile() as file:
        # A file and not a pipe: a command reads as it likes, and must not hold us up.
        file.write(data)
        file.seek(0)
        process = subprocess.Popen(command, shell=True, stdin=file)
    with _end_of(process.pid) as ended:
        while process.poll() is None:
            _wait(ended, client)
    return process.wait()


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
