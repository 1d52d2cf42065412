"""The full screen in a process of its own, on a terminal of its own: keys in, what is drawn out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.prompt import ESCAPES, SECONDS, exec_on_terminal

KIB = 1024


class Terminal:
    """pid: of the process; fd: our end of its terminal."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self.fd = fd
        self._drawn = b""

    def keys(self, text: str) -> None:
        """Press keys, as the bytes that a terminal sends; what was drawn before is forgotten."""
        self._drawn = b""
        os.write(self.fd, text.encode())

    def wait_for(self, text: str, seconds: float = SECONDS) -> float:
        """Seconds until a text has been drawn since the last key.

        Only new: what stands there already is not drawn again. Raises RuntimeError when it is not.
        """
        start = time.perf_counter()
        wanted = text.encode()
        while wanted not in self._drawn and wanted not in ESCAPES.sub(b"", self._drawn):
            left = start + seconds - time.perf_counter()
            if left <= 0:
                drawn = self._drawn.decode(errors="replace")[-300:]
                raise RuntimeError(f"{text!r} was not drawn but {drawn!r}")
            self.read(left)
        return time.perf_counter() - start

    def read(self, seconds: float) -> None:
        """Take in what is drawn now; wait for it at most so long."""
        if select.select([self.fd], [], [], max(0.0, seconds))[0]:
            # The end is enough to look for a text in, and a flood draws a lot.
            self._drawn = (self._drawn + os.read(self.fd, 65536))[-262144:]

    def quiet(self, seconds: float) -> None:
        """Read until nothing was drawn for so long."""
        while select.select([self.fd], [], [], seconds)[0]:
            self.read(0)

    def redrawn(self, rows: int, columns: int) -> str:
        """The text that is drawn when the terminal gets another size: all there is."""
        self._drawn = b""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.quiet(0.5)
        return ESCAPES.sub(b"", self._drawn).decode(errors="replace")

    def cpu_seconds(self) -> float:
        """CPU time of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field: str) -> float:
        """Bytes. field: of /proc/PID/status, VmRSS (now) or VmHWM (at most so far)."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        found = next(line for line in lines if line.startswith(f"{field}:"))
        return float(found.split()[1]) * KIB


@contextlib.contextmanager
def screen(bench: Bench, path: str) -> Iterator[Terminal]:
    """The full screen on the monitor at this path, once it knows the VM; ended afterwards."""
    with on_terminal(bench, [path], "(QEMU)") as terminal:
        terminal.quiet(0.5)
        yield terminal


@contextlib.contextmanager
def on_terminal(bench: Bench, words: Sequence[str], sign: str) -> Iterator[Terminal]:
    """qmpsh with these words on a terminal, once a sign has been drawn; ended afterwards."""
    argv = [bench.script("qmpsh"), *words]
    pid, fd = pty.fork()
    if pid == 0:
        exec_on_terminal(argv, bench.env)
    try:
        terminal = Terminal(pid, fd)
        terminal.wait_for(sign)
        yield terminal
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)
