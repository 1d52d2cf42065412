"""Keeps Python's garbage collector from delaying the keys."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

FULL_EVERY = 1000
"""collections of the middle generation between two full ones; Python's default is 10"""


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Make full collections rare inside this context.

    A full collection visits all imported objects and every kept event. It takes a tenth of a
    second, and happens once a second under a flood of events. What we drop is freed by reference
    counting; the cycles that a frame creates die young, and the young generations collect them.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(before[0], before[1], FULL_EVERY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
