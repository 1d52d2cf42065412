"""Drives a session from the event loop that also reads the keyboard: no thread, no lock.

The file descriptor is always watched for reading, and for writing while there is something to
write. A timer serves deadlines and the clock of a running command.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from qmpsh.tui.seam import Session

TICK = 0.25
"""seconds between updates of the clock while a line runs"""


class Driver:
    """Drives one session. after: called at the end of each turn, when it may have changed."""

    def __init__(self, session: Session, after: Callable[[], None]) -> None:
        self._session = session
        self._after = after
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd = -1
        self._serial = 0
        self._writing = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start in the running loop."""
        self._loop = asyncio.get_running_loop()
        self.turn()

    def turn(self) -> None:
        """Do one turn: poll the session, call `after`, and set up what to wait for next."""
        self._session.poll()
        self._after()
        self.arm()

    def arm(self) -> None:
        """Set up what to wait for; needed after each call that may have sent something."""
        if self._loop is None:
            return
        self._watch(self._loop, self._session.fileno(), self._session.serial)
        self._watch_writing(self._loop, wanted=self._session.wants_write)
        self._set_timer(self._loop)

    def stop(self) -> None:
        """Stop watching; harmless if repeated."""
        if self._loop is None:
            return
        self._watch(self._loop, -1, self._serial)
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None

    def _watch(self, loop: asyncio.AbstractEventLoop, fd: int, serial: int) -> None:
        """Watch this file descriptor instead of the last one, which may be closed by now."""
        if (fd, serial) == (self._fd, self._serial):
            return
        if self._fd >= 0:
            # The selector raises OSError for a closed file descriptor.
            with contextlib.suppress(OSError):
                self._watch_writing(loop, wanted=False)
            loop.remove_reader(self._fd)
        self._fd, self._serial = fd, serial
        if fd >= 0:
            loop.add_reader(fd, self.turn)

    def _watch_writing(self, loop: asyncio.AbstractEventLoop, *, wanted: bool) -> None:
        if wanted == self._writing or self._fd < 0:
            return
        self._writing = wanted
        if wanted:
            loop.add_writer(self._fd, self.turn)
        else:
            loop.remove_writer(self._fd)

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        delay = self._session.wait()
        if self._session.running is not None:
            delay = TICK if delay is None else min(delay, TICK)
        if delay is not None:
            self._timer = loop.call_later(delay, self.turn)
