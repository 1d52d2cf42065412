"""Keeps Python's garbage collector from halting the keys."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

FULL_EVERY = 1000
"""collections of the middle generation between two full ones; Python's own is 10"""


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Collect rarely through everything there is, while this lasts.

    A full collection walks through what was imported and through each event that is kept: a tenth
    of a second, and under a flood of events one a second. What is dropped here is dropped by its
    reference count; the cycles of a frame die young, and the young generations find them.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(before[0], before[1], FULL_EVERY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
