"""Turns SIGTERM and SIGHUP into an exception, so that every `finally` runs."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from qmpsh.errors import SIGNALLED

ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_by_signals() -> None:
    """Install the handlers. The exit code is 128 plus the signal's number, as in a shell."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        # A second signal must not interrupt the cleanup.
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)
        raise SystemExit(SIGNALLED + number)

    for number in ENDING:
        # Under nohup it stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
