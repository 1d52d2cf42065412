"""The end of a process, as a descriptor where the system has such a thing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

LOOK_SECONDS: Final = 0.05
"""between two looks at whether a process has ended, where no descriptor reports it"""


@contextlib.contextmanager
def end_of(pid: int) -> Iterator[int | None]:
    """Return a descriptor that becomes readable when the process ends; None if there is no such
    thing.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old kernel
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
