"""Edits the line in the user's editor, which gets the terminal meanwhile, as the pager does."""

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
from qmpsh.tui.pager import POLL


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the words of $VISUAL or $EDITOR, or vi. Raises UsageError if they cannot be split."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
        if words:
            return words
    return ["vi"]


async def edit(text: str) -> str:
    """Return the text as edited, without the final newline that editors add.

    Raises UsageError if the editor cannot start or fails; the line then stays as it was.
    """
    command = editor_command(os.environ)
    # A private folder: an editor may replace the file and leave others beside it.
    with tempfile.TemporaryDirectory(prefix="qmpsh-") as folder:
        path = os.path.join(folder, "line.qmp")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n")
        async with in_terminal():
            try:
                process = subprocess.Popen([*command, path])
            except OSError as error:
                why = not_started(command[0], error)
                raise UsageError(f"{why}; install it, or name another in VISUAL") from error
            while process.poll() is None:
                await asyncio.sleep(POLL)
        if process.returncode:
            raise UsageError(f"{command[0]} ended with {process.returncode}: the line is unchanged")
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read().rstrip("\n")
        except OSError as error:
            raise UsageError(f"cannot read the line back: {error.strerror}") from error
