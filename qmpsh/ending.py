"""SIGTERM and SIGHUP end the process as an exception does, by way of each `finally`."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from qmpsh.errors import SIGNALLED

ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_by_signals() -> None:
    """From now on; with the exit code that a shell gives one that was ended by the signal."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        # A second one is not to end the ending.
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)
        raise SystemExit(SIGNALLED + number)

    for number in ENDING:
        # Under nohup it stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
