"""Waiting for something to become true, always with a deadline. Knows nothing of QEMU or pytest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.01  # seconds between two looks


def wait_until(predicate: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
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
