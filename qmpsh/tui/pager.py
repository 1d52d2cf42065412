"""Text to the user's pager, with the screen handed over and taken back.

The event loop goes on meanwhile: the VM is read, events are kept, nothing is drawn.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping

from prompt_toolkit.application import in_terminal

from qmpsh.errors import UsageError

POLL = 0.05
"""seconds between two looks whether the pager has ended: asyncio's own way takes a thread"""


def pager_command(environ: Mapping[str, str]) -> list[str]:
    """The words of $PAGER, or less. Raises UsageError when it is no shell word list."""
    try:
        return shlex.split(environ.get("PAGER", "")) or ["less"]
    except ValueError as error:
        raise UsageError(f"PAGER: {error}") from error


async def show_in_pager(text: str) -> None:
    """Show a text until the user leaves the pager. Raises UsageError when it cannot start."""
    command = pager_command(os.environ)
    with tempfile.TemporaryFile() as file:
        # A file and not a pipe: a pager reads as far as the user does, and must not hold us up.
        file.write(f"{text}\n".encode(errors="replace"))
        file.seek(0)
        async with in_terminal():
            try:
                process = subprocess.Popen(command, stdin=file, preexec_fn=_default_signals)
            except OSError as error:
                raise UsageError(f"cannot start {command[0]}: {error.strerror}") from error
            while process.poll() is None:
                await asyncio.sleep(POLL)


def _default_signals() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
