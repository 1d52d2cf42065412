"""The line in the user's editor, with the screen handed over and taken back, as with the pager."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping

from prompt_toolkit.application import in_terminal

from qmpsh.errors import UsageError
from qmpsh.tui.pager import POLL


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """The words of $VISUAL or $EDITOR, or vi. Raises UsageError when they are no shell words."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
        if words:
            return words
    return ["vi"]


async def edit(text: str) -> str:
    """The text as the user left it, without the newline that editors put at the end.

    Raises UsageError when the editor cannot start or says that it failed: the line stays as it was.
    """
    command = editor_command(os.environ)
    # A folder of our own: an editor may replace the file, and leave others beside it.
    with tempfile.TemporaryDirectory(prefix="qmpsh-") as folder:
        path = os.path.join(folder, "line.qmp")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n")
        async with in_terminal():
            try:
                process = subprocess.Popen([*command, path])
            except OSError as error:
                raise UsageError(f"cannot start {command[0]}: {error.strerror}") from error
            while process.poll() is None:
                await asyncio.sleep(POLL)
        if process.returncode:
            raise UsageError(f"{command[0]} ended with {process.returncode}: the line is unchanged")
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read().rstrip("\n")
        except OSError as error:
            raise UsageError(f"cannot read the line back: {error.strerror}") from error
