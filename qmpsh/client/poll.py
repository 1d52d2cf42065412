"""Waits for descriptors with poll(2): for one again and again, or once for several."""

from __future__ import annotations

import math
import select

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

READ: Final = select.POLLIN
WRITE: Final = select.POLLOUT
BROKEN: Final = 0
"""What a descriptor is waited for; that it is broken is reported in any case."""

_MAX_WAIT_SECONDS: Final = 86400.0  # seconds; poll(2) takes its milliseconds as an int


class Poller:
    """A wait for a descriptor to be ready, which may be another one each time."""

    __slots__ = ("_poller", "_watched")

    def __init__(self, fd: int) -> None:
        self._watched = fd, READ
        self._poller = select.poll()
        self._poller.register(*self._watched)

    def wait(self, fd: int, seconds: float | None, writing: bool) -> int:
        """The flags of poll(2), 0 when the time ran out; None waits for ever."""
        watched = fd, READ | WRITE if writing else READ
        if watched != self._watched:
            self._poller.unregister(self._watched[0])
            self._watched = watched
            self._poller.register(*watched)
        found = self._poller.poll(_millis(seconds))
        return found[0][1] if found else 0


def wait_for(wanted: Mapping[int, int], seconds: float | None) -> set[int]:
    """Wait for the first of several descriptors; those that are ready, none when the time ran out.

    wanted: READ, WRITE, both or BROKEN, by descriptor; seconds: None waits for ever
    """
    poller = select.poll()
    for fd, flags in wanted.items():
        poller.register(fd, flags)
    return {fd for fd, _ in poller.poll(_millis(seconds))}


def _millis(seconds: float | None) -> int | None:
    return None if seconds is None else math.ceil(min(max(seconds, 0.0), _MAX_WAIT_SECONDS) * 1000)
