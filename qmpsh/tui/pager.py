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


def pager_environ(environ: Mapping[str, str], *, is_table: bool) -> dict[str, str]:
    """A pager's environment: `less` cuts the rows of a table, and moves sideways, as with -S.

    It stands first: an option of the user's may take all that follows it. Source: less(1), LESS.
    """
    options = f"-S {environ.get('LESS', '')}".rstrip()
    return {**environ, "LESS": options} if is_table else dict(environ)


async def show_in_pager(text: str, *, is_table: bool = False) -> None:
    """Show a text until the user leaves the pager. Raises UsageError when it cannot start."""
    await hand_over(pager_command(os.environ), f"{text}\n", is_table=is_table)


async def hand_over(command: list[str] | str, text: str, *, is_table: bool = False) -> int:
    """Give a program the terminal and the text until it ends; its exit status, as Popen's.

    command: words, or a line for the shell; is_table: the text has rows that no pager must wrap
    Raises UsageError when it cannot start.
    """
    environ = pager_environ(os.environ, is_table=is_table)
    with tempfile.TemporaryFile() as file:
        # A file and not a pipe: a pager reads as far as the user does, and must not hold us up.
        file.write(text.encode(errors="replace"))
        file.seek(0)
        async with in_terminal():
            try:
                process = subprocess.Popen(
                    command, shell=isinstance(command, str), stdin=file, env=environ
                )
            except OSError as error:
                raise UsageError(f"cannot start {command[0]}: {error.strerror}") from error
            while process.poll() is None:
                await asyncio.sleep(POLL)
    return process.returncode
