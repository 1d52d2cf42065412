"""Text to a program that wants the terminal, with the screen handed over and taken back.

The event loop goes on meanwhile: the VM is read, events are kept, nothing is drawn.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping

from prompt_toolkit.application import in_terminal

from qmpsh.errors import UsageError

POLL = 0.05
"""seconds between two looks whether the program has ended: asyncio's own way takes a thread"""


def pager_command(environ: Mapping[str, str]) -> list[str]:
    """The words of $PAGER, or less. Raises UsageError when it is no shell word list."""
    try:
        return shlex.split(environ.get("PAGER", "")) or ["less"]
    except ValueError as error:
        raise UsageError(f"PAGER: {error}") from error


async def show_in_pager(text: str) -> None:
    """Show a text until the user leaves the pager. Raises UsageError when it cannot start."""
    await hand_over(pager_command(os.environ), f"{text}\n")


async def hand_over(command: list[str] | str, text: str) -> int:
    """Give a program the terminal and the text until it ends; its exit status, as Popen's.

    command: words, or a line for the shell. Raises UsageError when it cannot start.
    """
    with tempfile.TemporaryFile() as file:
        # A file and not a pipe: a pager reads as far as the user does, and must not hold us up.
        file.write(text.encode(errors="replace"))
        file.seek(0)
        async with in_terminal():
            try:
                process = subprocess.Popen(command, shell=isinstance(command, str), stdin=file)
            except OSError as error:
                raise UsageError(f"cannot start {command[0]}: {error.strerror}") from error
            while process.poll() is None:
                await asyncio.sleep(POLL)
    return process.returncode
