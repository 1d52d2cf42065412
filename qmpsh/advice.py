"""The guard of what only advises: completion, hint, colours, menu, tables, status, events.

A fault of ours in such a thing must not cost the user the session, let alone the VM that lives for
it: it is written to the log, reported once, and there is no advice. The masking of secrets is not
guarded here, since it must never be left out: where it fails, it masks everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ReportFault = Callable[[Exception, str], str]
"""Writes a fault down, given what is left out for it; returns what to say of it, in a sentence."""


class Advice:
    """The guard that every call to advising code goes through.

    report: see ReportFault; None to guard nothing, so that a fault is seen where it happens
    note:   shows a note
    """

    def __init__(self, report: ReportFault | None, note: Callable[[str], None]) -> None:
        self._report = report
        self._show = note
        self._reported: set[str] = set()

    def get(self, kind: str, make: Callable[[], T], without: Callable[[], T]) -> T:
        """Return what `make` gives, or what `without` gives if that fails.

        kind: what is asked for, in a word or two; only the first fault of each is reported
        """
        try:
            return make()
        except Exception as error:  # whatever it is, it is ours, and only advice
            self._report_once(kind, error)
            return without()

    def _report_once(self, kind: str, error: Exception) -> None:
        if self._report is None:
            raise error
        if kind in self._reported:
            return
        self._reported.add(kind)
        try:
            self._show(self._report(error, kind))
        except Exception:  # the code that reports faults may have one too
            return


UNGUARDED = Advice(None, lambda text: None)
"""The guard of nothing, for tests and single parts."""


def nothing() -> None:
    """Give no advice."""
