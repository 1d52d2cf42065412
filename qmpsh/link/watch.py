"""Waiting for one descriptor, by poll(2)."""

from __future__ import annotations

import math
import select
from typing import Final

_LONGEST: Final = 86400.0  # seconds; poll(2) takes its milliseconds as an int


class Watch:
    """Waits for a descriptor to be ready; it may be another one from wait to wait."""

    __slots__ = ("_poller", "_watched")

    def __init__(self, fd: int) -> None:
        self._watched = fd, select.POLLIN
        self._poller = select.poll()
        self._poller.register(*self._watched)

    def wait(self, fd: int, seconds: float | None, writing: bool) -> int:
        """The flags of poll(2), 0 when the time ran out; None waits for ever."""
        watched = fd, select.POLLIN | select.POLLOUT if writing else select.POLLIN
        if watched != self._watched:
            self._poller.unregister(self._watched[0])
            self._watched = watched
            self._poller.register(*watched)
        limit = None
        if seconds is not None:
            limit = math.ceil(min(max(seconds, 0.0), _LONGEST) * 1000)
        found = self._poller.poll(limit)
        return found[0][1] if found else 0
