"""What a VM's process prints, as it comes.

The process writes to a file, not to a pipe: so it can be left running, and somebody can read then
what it has to say.
"""

from __future__ import annotations

import os

MOST = 64 * 1024
"""bytes taken at a time; of a flood only its end is shown"""

LIMIT = 1024 * 1024
"""bytes of the file; once so many were shown, it begins anew"""


class Log:
    """path: of the file, which is made."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Both append, so that the writer goes on at the start of a file that was cut.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._place = 0
        self._rest = b""

    def fileno(self) -> int:
        """What the process is to have as its standard output and error."""
        return self._fd

    def take(self, *, rest: bool = False) -> str:
        """The whole lines that came since the last call, not yet safe to show; "" for none.

        rest: with what stands behind them, a line that is still without its end
        """
        lost = os.fstat(self._fd).st_size - self._place - MOST
        if lost > 0:
            self._place, self._rest = self._place + lost, b""
        data = os.pread(self._fd, MOST, self._place)
        self._place += len(data)
        if self._place > LIMIT:
            os.ftruncate(self._fd, 0)
            self._place = 0
        lines, end, self._rest = (self._rest + data).rpartition(b"\n")
        if rest or len(self._rest) > MOST:
            lines, end, self._rest = lines + end + self._rest, b"", b""
        text = (lines + end).replace(b"\r\n", b"\n").decode(errors="replace")
        return f"({lost} bytes more are not shown)\n{text}" if lost > 0 else text

    def close(self) -> None:
        """Follow it no longer; the file stays."""
        os.close(self._fd)
