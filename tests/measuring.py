"""What of a run coverage measures: the code that a test means to run. Knows nothing of pytest.

Under measurement every line of Python takes twice or three times as long, those of other packages
too, which count for nothing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


def stop_measuring() -> None:
    """Measure nothing more in this thread."""
    if _is_measured():
        sys.settrace(None)


@contextlib.contextmanager
def unmeasured() -> Iterator[None]:
    """Measure nothing meanwhile. A debugger stays."""
    if not _is_measured():
        yield
        return
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def _is_measured() -> bool:
    return type(sys.gettrace()).__module__.partition(".")[0] == "coverage"
