"""The front ends' guard for all that is only advice: reports go to files, notes are shown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from qmpsh.advice import Advice
from qmpsh.secrets.masker import mask_fault


def guard(show: Callable[[str], None], typed: Callable[[], str]) -> Advice:
    """Make the guard.

    show:  shows a note; called between frames, never while one is drawn
    typed: returns the line being typed, whose secrets must not come into a report
    """

    def report(error: Exception, kind: str) -> str:
        # Imported here: few sessions have a fault.
        from qmpsh.shell.crash import report_advice

        mask_fault(error, (typed(),))
        return report_advice(error, kind)

    def show_quietly(text: str) -> None:
        with contextlib.suppress(Exception):  # what shows notes may be what has the fault
            show(text)

    def show_soon(text: str) -> None:
        try:
            asyncio.get_running_loop().call_soon(show_quietly, text)
        except RuntimeError:
            show_quietly(text)

    return Advice(report, show_soon)
