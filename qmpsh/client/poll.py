"""Waits for descriptors with poll(2), once or again and again."""

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

_SIGNAL_SECONDS: Final = 1.0
"""seconds until a signal that came at the wrong moment is handled"""
_SIGNAL_MILLIS: Final = int(_SIGNAL_SECONDS * 1000)


class Poller:
    """A wait for the first of several descriptors, mostly the same ones each time."""

    __slots__ = ("_poller", "_watched")

    def __init__(self) -> None:
        self._watched: Mapping[int, int] = {}
        self._poller = select.poll()

    def wait(self, wanted: Mapping[int, int], seconds: float | None) -> dict[int, int]:
        """Return the flags of poll(2) of those that are ready, none when the time ran out.

        wanted: READ, WRITE, both or BROKEN, by descriptor; seconds: None waits for ever

        A signal that comes in the moment before poll(2) does not end it, and Python would handle
        it at the end of the wait: so a long wait is made of shorter ones.
        """
        if wanted != self._watched:
            self._watched = wanted
            self._poller = select.poll()
            for fd, flags in wanted.items():
                self._poller.register(fd, flags)
        left = math.inf if seconds is None else seconds
        while left > _SIGNAL_SECONDS:
            if ready := self._poller.poll(_SIGNAL_MILLIS):
                return dict(ready)
            left -= _SIGNAL_SECONDS
        return dict(self._poller.poll(_millis(left)))


def wait_for(wanted: Mapping[int, int], seconds: float | None) -> set[int]:
    """Wait once, as a `Poller` does; return which are ready."""
    return {*Poller().wait(wanted, seconds)}


def _millis(seconds: float) -> int:
    return math.ceil(max(seconds, 0.0) * 1000)
