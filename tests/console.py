"""qmpsh as a process on a terminal of its own: keys in, what is drawn out, what it takes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator

from tests.qemu import ROOT
from tests.waiting import PATIENCE

ROWS, COLUMNS = 40, 120
"""seconds; only a hanging test waits so long"""

_ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "TERM": "xterm-256color",
    # This terminal does not answer where its cursor is.
    "PROMPT_TOOLKIT_NO_CPR": "1",
}
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
_KEPT = 1 << 18  # bytes drawn that are still looked at: a flood draws a lot


class Console:
    """process: of qmpsh; fd: our end of its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self.process = process
        self._fd = fd
        self._drawn = b""

    def fileno(self) -> int:
        """Our end of its terminal."""
        return self._fd

    def keys(self, text: str) -> None:
        """Press keys, as the bytes that a terminal sends; what was drawn before is forgotten."""
        self._drawn = b""
        os.write(self._fd, text.encode())

    def sees(self, text: str) -> float:
        """Wait until a text has been drawn since the last key; the seconds that took."""
        start = time.monotonic()
        wanted = text.encode()
        while wanted not in self._drawn and wanted not in _ESCAPES.sub(b"", self._drawn):
            left = start + PATIENCE - time.monotonic()
            assert left > 0, f"never: {text}; instead:\n{self.drawn()[-2000:]}"
            self.read(left)
        return time.monotonic() - start

    def read(self, seconds: float) -> None:
        """Take in what is drawn now; wait for it at most so long."""
        if select.select([self._fd], [], [], seconds)[0]:
            self._drawn = (self._drawn + os.read(self._fd, 1 << 16))[-_KEPT:]

    def drawn(self) -> str:
        """What was drawn since the last key, without its escape sequences."""
        return _ESCAPES.sub(b"", self._drawn).decode(errors="replace")

    def memory(self, field: str = "VmRSS") -> float:
        """MB. field: of /proc/PID/status, VmRSS (now) or VmHWM (at most so far)."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            (found,) = (line for line in file if line.startswith(f"{field}:"))
        return float(found.split()[1]) / 1000


@contextlib.contextmanager
def console(
    *argv: str,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
    shows: str = "(QEMU)",
) -> Iterator[Console]:
    """qmpsh with these arguments, once it shows its prompt or another text; ended afterwards.

    started: called with the process before that
    """
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory(prefix="qmpsh-") as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", *argv],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **_ENVIRONMENT, "HOME": home},
            start_new_session=True,
        )
        os.close(theirs)
        started(process)
        try:
            shown = Console(process, ours)
            shown.sees(shows)
            yield shown
        finally:
            process.kill()
            process.wait()
            os.close(ours)
