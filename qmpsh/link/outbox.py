"""The order in which requests are written: one at a time, out of band first, a window in band."""

from __future__ import annotations

from collections import deque


class Outbox:
    """Requests as bytes. `rest` is what is still to be written of the one that was begun.

    window: in-band requests on the wire at most
    """

    __slots__ = ("_in_band", "_on_wire", "_out_of_band", "rest", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.rest = b""
        self._in_band: deque[bytes] = deque()
        self._out_of_band: deque[bytes] = deque()
        self._on_wire = 0  # in-band requests begun and not answered

    def put(self, data: bytes, *, oob: bool) -> None:
        """Queue a request; one out of band overtakes all that are not begun."""
        (self._out_of_band if oob else self._in_band).append(data)

    def begin_next(self) -> bool:
        """Make the next request the `rest`; False when none may go now.

        Only when the one before is written: nothing may come between its bytes.
        """
        if self._out_of_band:
            self.rest = self._out_of_band.popleft()
        elif self._in_band and self._on_wire < self.window:
            self.rest = self._in_band.popleft()
            self._on_wire += 1
        else:
            return False
        return True

    def make_room(self) -> None:
        """An in-band request was answered."""
        self._on_wire -= 1

    def clear(self) -> None:
        """Forget what was not written; nothing is ever sent twice, nor after a loss."""
        self.rest = b""
        self._in_band.clear()
        self._out_of_band.clear()
