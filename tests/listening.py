"""A process that says when it listens: what it is to see may happen from then on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from tests.qemu import ROOT
from tests.waiting import PATIENCE


@contextlib.contextmanager
def listening(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Any command, once it says on stderr that it listens; ended afterwards."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "listening\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def qmpsh_listening(*argv: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """The same for qmpsh with these words."""
    return listening(sys.executable, "-m", "qmpsh", *argv)
