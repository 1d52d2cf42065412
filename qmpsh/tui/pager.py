"""Passes text to a program that needs the terminal, such as a pager.

The event loop keeps running meanwhile: the VM is read, events are kept, nothing is drawn.
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
from qmpsh.link.programs import not_started

POLL = 0.05
"""seconds between checks whether the program has ended; asyncio's own way needs a thread"""


def pager_command(environ: Mapping[str, str]) -> list[str]:
    """Return the words of $PAGER, or less. Raises UsageError if it cannot be split."""
    try:
        return shlex.split(environ.get("PAGER", "")) or ["less"]
    except ValueError as error:
        raise UsageError(f"PAGER: {error}") from error


def pager_environ(environ: Mapping[str, str], *, is_table: bool) -> dict[str, str]:
    """Return a pager's environment; for a table, -S makes `less` scroll sideways, not wrap rows.

    -S comes first, since one of the user's options may swallow all that follows it.
    Source: less(1), LESS.
    """
    options = f"-S {environ.get('LESS', '')}".rstrip()
    return {**environ, "LESS": options} if is_table else dict(environ)


async def show_in_pager(text: str, *, is_table: bool = False) -> None:
    """Show a text until the user leaves the pager. Raises UsageError if it cannot start."""
    command = pager_command(os.environ)
    try:
        await hand_over(command, f"{text}\n", is_table=is_table)
    except OSError as error:
        why = not_started(command[0], error)
        raise UsageError(f"{why}; install it, or name another pager in PAGER") from error


async def hand_over(command: list[str] | str, text: str, *, is_table: bool = False) -> int:
    """Give a program the terminal and the text until it ends; return its exit status, as Popen.

    command:  words, or a line for the shell
    text:     the program's standard input
    is_table: the text has rows that a pager must not wrap
    Raises OSError if the program cannot start.
    """
    environ = pager_environ(os.environ, is_table=is_table)
    with tempfile.TemporaryFile() as file:
        # A file, not a pipe: a pager reads no further than the user does, and must not block us.
        file.write(text.encode(errors="replace"))
        file.seek(0)
        async with in_terminal():
            process = subprocess.Popen(
                command, shell=isinstance(command, str), stdin=file, env=environ
            )
            while process.poll() is None:
                await asyncio.sleep(POLL)
    return process.returncode
