"""What to say of a program that cannot be started: a pager, an editor, QEMU, the end of a pipe.

Imported only where one could not be started, or where programs are started anyway.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Final

from qmpsh.errors import shortened

NOT_FOUND: Final = 127
"""exit status of a shell whose command was not found, see sh(1)"""
NOT_RUN: Final = 126
"""its exit status for a file that it may not run"""


def not_started(program: str, error: OSError) -> str:
    """Return why starting a program failed, in a sentence without a way out."""
    name = shortened(program)
    if isinstance(error, FileNotFoundError) and not os.path.exists(program):
        return f"{name} was not found"
    if isinstance(error, FileNotFoundError):
        return f"{name} cannot be started: the interpreter that its first line names was not found"
    return f"{name} cannot be started: {error.strerror}"


def shell_refusal(program: str, status: int) -> str:
    """Return why a shell did not run a program; "" if that is not what the status means.

    The program itself may end with such a status, as ssh does for a command that is not there.
    """
    if not re.fullmatch(r"[\w./+-]+", program):
        return ""
    if status == NOT_FOUND and not _known_to_shell(program):
        return f"{shortened(program)} was not found"
    if status == NOT_RUN and os.path.exists(program) and not os.access(program, os.X_OK):
        return f"{shortened(program)} cannot be started: it is not executable"
    return ""


def _known_to_shell(program: str) -> bool:
    """Whether it is a program or one of the shell's own commands."""
    asked = subprocess.run(
        ["/bin/sh", "-c", 'command -v -- "$1"', "sh", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return asked.returncode == 0
