"""What of a run coverage measures: the code that a test means to run. Knows nothing of pytest.

Under measurement every line of Python takes twice or three times as long, those of other packages
too, which count for nothing.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator


def stop_measuring() -> None:
    """Measure nothing more in this thread, nor in those that it starts."""
    if _is_coverage(threading.gettrace()):
        threading.settrace(None)
    if _is_coverage(sys.gettrace()):
        sys.settrace(None)


def save_measured() -> None:
    """Write down what was measured in this process so far, which is else done when it exits."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage is not None else None
    if current is not None:
        current.save()


@contextlib.contextmanager
def unmeasured() -> Iterator[None]:
    """Measure nothing meanwhile in this thread. A debugger stays."""
    tracer = sys.gettrace()
    if not _is_coverage(tracer):
        yield
        return
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


class Measuring:
    """Turns the measurement of a run off for all but the moments that are meant."""

    def __init__(self) -> None:
        self._here = sys.gettrace()
        self._in_threads = threading.gettrace()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Measure nothing meanwhile, nor in the threads that are started, but what is `on`."""
        stop_measuring()
        try:
            yield
        finally:
            self._resume()

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Measure meanwhile, in a pause."""
        self._resume()
        try:
            yield
        finally:
            stop_measuring()

    def _resume(self) -> None:
        """Measure as when this was made; a debugger that has come since stays."""
        if _is_coverage(self._in_threads) and threading.gettrace() is None:
            threading.settrace(self._in_threads)
        if _is_coverage(self._here) and sys.gettrace() is None:
            sys.settrace(self._here)


def _is_coverage(tracer: object) -> bool:
    # Coverage's own in C has no module but that of its type, a method has that of its function.
    module = getattr(tracer, "__module__", None) or type(tracer).__module__
    return str(module).partition(".")[0] == "coverage"
