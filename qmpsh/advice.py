"""One guard for all that only advises: completion, hint, colours, menu, tables, status, events.

A fault of ours in such a thing must cost nobody the session, let alone the VM that lives for it: it
is written down, told once, and there is no advice. What masks secrets is not guarded here, since it
must never be left out: it masks all where it fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

Report = Callable[[Exception, str], str]
"""Writes a fault down, given what is left out for it; returns what to say of it, in a sentence."""


class Advice:
    """Calls what advises.

    report: see Report; None to guard nothing, so that a fault is seen where it happens
    tell:   shows a note
    """

    def __init__(self, report: Report | None, tell: Callable[[str], None]) -> None:
        self._report = report
        self._tell = tell
        self._told: set[str] = set()

    def get(self, kind: str, make: Callable[[], T], without: Callable[[], T]) -> T:
        """Return what `make` gives, or what `without` gives where that has a fault.

        kind: what is asked for, in a word or two; of each only the first fault is told
        """
        try:
            return make()
        except Exception as error:  # whatever it is, it is ours, and only advice
            self._note(kind, error)
            return without()

    def _note(self, kind: str, error: Exception) -> None:
        if self._report is None:
            raise error
        if kind in self._told:
            return
        self._told.add(kind)
        try:
            self._tell(self._report(error, kind))
        except Exception:  # what tells of faults may have one too
            return


UNGUARDED = Advice(None, lambda text: None)
"""For what stands alone, as in a test."""


def nothing() -> None:
    """Give no advice."""
