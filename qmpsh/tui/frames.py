"""When to draw: a key at once, what comes by itself at most thirty times a second.

Under a flood of events the screen changes all the time; a key must not wait for the next frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FRAME = 1 / 30
"""seconds between two frames that nobody asked for by a key, at least"""


class Frames:
    """draw: asks the application for a frame, which it draws soon."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._drawn = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def drawn(self) -> None:
        """A frame was drawn, whoever asked for it: it shows all there is."""
        self._drawn = asyncio.get_running_loop().time()
        self.stop()

    def changed(self) -> None:
        """There is something new to show; in the running loop."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        delay = self._drawn + FRAME - loop.time()
        if delay <= 0:
            self._draw()
        else:
            self._timer = loop.call_later(delay, self._due)

    def stop(self) -> None:
        """Draw no more by itself; more than once does no harm."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._draw()
