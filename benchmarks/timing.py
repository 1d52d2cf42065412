"""Measuring: whole processes by the clock on the wall, and several things in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Measure = Callable[[], float]
"""Does the thing once; returns what it took, in seconds."""


def process_seconds(argv: list[str], env: Mapping[str, str], stdin: str = os.devnull) -> float:
    """The life of one process, from its start until it has been waited for.

    stdin: a file. Output goes nowhere, to a device that costs the same for all.
    Raises RuntimeError when it fails: the time of a failure says nothing.
    """
    redirect = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=redirect)
    _, status, _ = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        code = os.waitstatus_to_exitcode(status)
        raise RuntimeError(f"exit code {code} from {' '.join(argv)}")
    return seconds


def medians(measures: Sequence[Measure], rounds: int) -> list[float]:
    """The median of each measure, taken A B C, A B C, ... after one round that does not count.

    In turn, so that whatever else the machine does falls on all of them alike.
    """
    taken: list[list[float]] = [[] for _ in measures]
    for measure in measures:
        measure()
    for _ in range(rounds):
        for times, measure in zip(taken, measures, strict=True):
            times.append(measure())
    return [median(times) for times in taken]
