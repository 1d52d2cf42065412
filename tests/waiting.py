"""Waiting for something to become true, always with a deadline. Knows nothing of QEMU or pytest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.01  # seconds between two looks
PATIENCE = 60.0
"""Seconds that a test waits for what must come. Only one that fails waits so long: a machine with
other things to do takes ten times what an idle one takes."""


def wait_until(predicate: Callable[[], T], seconds: float = PATIENCE, what: str = "") -> T:
    """Return the first true value of `predicate()`.

    what: names the thing that is waited for, for the message.
    Raises AssertionError after `seconds`; a predicate that raises ends the wait at once.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or predicate}")
        time.sleep(INTERVAL)
