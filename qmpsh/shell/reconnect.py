"""When to try again: the plan of a connection that was lost, or given up for a while.

Pure: time is an argument, seconds of any one clock. What is done at these times, and with which
sockets, is the affair of `lifeline`.
"""

from __future__ import annotations

import math
from enum import Enum

FIRST = 0.25
"""seconds until the first try; doubled with each that fails"""
MOST = 5.0
"""seconds between two tries at most"""
STEADY = 10.0
"""seconds between two losses after which the first is forgotten"""
PATIENCE = 1.0
"""seconds without a greeting after which it is said that somebody holds the monitor"""


class Phase(Enum):
    """Where a connection stands."""

    CONNECTED = "commands can be sent"
    WAITING = "the next try is due at some time"
    GREETING = "a try is under way: the server has not said who it is"
    APART = "nothing is tried until somebody wants it"


class Reconnect:
    """Begins connected. Every call is legal in every phase; what makes no sense changes nothing."""

    def __init__(self) -> None:
        self.phase = Phase.CONNECTED
        self._delay = FIRST
        self._due = math.inf
        self._has_said = False
        self._lost_at = -math.inf
        self._pause = FIRST

    def lost(self, now: float) -> None:
        """The connection ended by itself: try in a moment, in a longer one each time it ends soon
        after.
        """
        steady = now - self._lost_at > STEADY
        self._lost_at = now
        self._pause = FIRST if steady else min(2 * self._pause, MOST)
        self._begin(now + self._pause)

    def want(self, now: float) -> None:
        """Try at once."""
        self._begin(now)

    def part(self) -> None:
        """Nothing is to be tried."""
        self.phase, self._due = Phase.APART, math.inf

    def is_due(self, now: float) -> bool:
        """Whether to try now."""
        return self.phase is Phase.WAITING and now >= self._due

    def dialled(self, now: float) -> None:
        """A try is under way."""
        if self.phase is Phase.WAITING:
            self.phase, self._due = Phase.GREETING, now + PATIENCE

    def failed(self, now: float) -> None:
        """The try has failed: wait, twice as long as before."""
        if self.phase in (Phase.WAITING, Phase.GREETING):
            self.phase, self._due = Phase.WAITING, now + self._delay
            self._delay = min(2 * self._delay, MOST)

    def appeared(self, now: float) -> None:
        """Something new stands where the server was: try at once."""
        if self.phase is Phase.WAITING:
            self._delay, self._due = FIRST, now

    def met(self) -> None:
        """The server is there."""
        self.phase, self._due = Phase.CONNECTED, math.inf

    def is_silent(self, now: float) -> bool:
        """Whether the silence of a try is to be told now: once in each outage."""
        if self.phase is Phase.GREETING and now >= self._due:
            return self.say_once()
        return False

    def say_once(self) -> bool:
        """Whether it was not told yet that somebody holds the monitor; from now on it was."""
        said, self._has_said = self._has_said, True
        self._due = math.inf if self.phase is Phase.GREETING else self._due
        return not said

    def wait(self, now: float) -> float | None:
        """Seconds until something is due; None for never."""
        return None if self._due == math.inf else max(0.0, self._due - now)

    def _begin(self, due: float) -> None:
        self.phase = Phase.WAITING
        self._delay = min(2 * FIRST, MOST)
        self._due = due
        self._has_said = False
