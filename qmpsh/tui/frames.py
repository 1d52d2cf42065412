"""When to draw: at once after a key, otherwise at most thirty times a second.

Under a flood of events the screen changes all the time, and a key must not wait for the next frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FRAME = 1 / 30
"""least seconds between two frames not caused by a key"""


class Frames:
    """Limits the frame rate. draw: asks the application for a frame, which it draws soon."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._drawn = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def drawn(self) -> None:
        """Note that a frame was drawn, for whatever reason; it shows everything so far."""
        self._drawn = asyncio.get_running_loop().time()
        self.stop()

    def changed(self) -> None:
        """Note that there is something new to show. Call it in the running loop."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        delay = self._drawn + FRAME - loop.time()
        if delay <= 0:
            self._draw()
        else:
            self._timer = loop.call_later(delay, self._due)

    def stop(self) -> None:
        """Cancel a pending frame; harmless if repeated."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._draw()
