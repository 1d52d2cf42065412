"""What a VM's process prints, as it comes.

The process writes to a file rather than a pipe, so that it can be left running and its output can
still be read.
"""

from __future__ import annotations

import os

from qmpsh.errors import shortened

MOST = 64 * 1024
"""bytes read at a time; if more has come, only the end of it is shown"""

_TAIL = 4096  # bytes at its end in which the last line is looked for

LIMIT = 1024 * 1024
"""bytes in the file; once that many were shown, it is truncated"""


class Log:
    """The output of one process. path: of the file, which is created."""

    def __init__(self, path: str) -> None:
        self.path = path
        # O_APPEND makes the process continue at the start after a truncation.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._place = 0
        self._rest = b""
        self._greeted_at = 0  # bytes that stood there when the session began

    def fileno(self) -> int:
        """Return the file descriptor for the process's standard output and error."""
        return self._fd

    def take(self, *, rest: bool = False) -> str:
        """Return the complete lines since the last call, not yet safe to show; "" for none.

        rest: include an incomplete last line
        """
        lost = os.fstat(self._fd).st_size - self._place - MOST
        if lost > 0:
            self._place, self._rest = self._place + lost, b""
        data = os.pread(self._fd, MOST, self._place)
        self._place += len(data)
        if self._place > LIMIT:
            os.ftruncate(self._fd, 0)
            self._place = self._greeted_at = 0
        lines, end, self._rest = (self._rest + data).rpartition(b"\n")
        if rest or len(self._rest) > MOST:
            lines, end, self._rest = lines + end + self._rest, b"", b""
        text = (lines + end).replace(b"\r\n", b"\n").decode(errors="replace")
        return f"({lost} bytes more are not shown)\n{text}" if lost > 0 else text

    def session_begins(self) -> None:
        """Count what was printed so far as part of the start: it explains no later end."""
        self._greeted_at = os.fstat(self._fd).st_size

    def last_line(self) -> str:
        """Return the last line of the session with something in it, taken before or not; "" for
        none.
        """
        size = os.fstat(self._fd).st_size
        start = max(self._greeted_at, size - _TAIL)
        data = os.pread(self._fd, _TAIL, start).decode(errors="replace")
        lines = (line.strip() for line in reversed(data.splitlines()))
        return shortened(next(filter(None, lines), ""))

    def close(self) -> None:
        """Stop following the file, which is kept."""
        os.close(self._fd)
