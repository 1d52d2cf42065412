"""SIGTERM and SIGHUP as an exception, so that every `finally` runs."""

from __future__ import annotations

import signal

from qmpsh.errors import SIGNALLED
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

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
