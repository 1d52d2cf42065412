"""The front ends before a server: what each says, and with which exit code it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from tests.qemu import ROOT
from tests.waiting import PATIENCE

LONGEST = PATIENCE
"""seconds; far above every timeout that a test gives"""


class Said(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


class Process:
    """qmpsh as a process that was started and not yet waited for."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", *argv],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, stdin: str = "") -> Said:
        """Give it the rest of its input and wait for its end. Raises TimeoutExpired."""
        try:
            out, err = self.process.communicate(stdin, timeout=LONGEST)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            error.add_note("until then: {!r}, {!r}".format(*self.process.communicate()))
            raise
        finally:
            self.process.kill()
            self.process.wait()
        return Said(self.process.returncode, out, err)


def one_shot(path: str, options: Sequence[str], lines: Sequence[str]) -> Process:
    """The first of the lines."""
    return Process([*options, path, lines[0]])


def from_file(path: str, options: Sequence[str], lines: Sequence[str]) -> Process:
    """The lines from a file."""
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False) as script:
        script.writelines(f"{line}\n" for line in lines)
    return Process([*options, "-f", script.name, path])


def from_stdin(path: str, options: Sequence[str], lines: Sequence[str]) -> Process:
    """The lines will come on stdin."""
    return Process([*options, path])
