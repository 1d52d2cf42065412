"""The entry point: loads the program so that Ctrl-C ends it quietly from the first moment on.

Everything else is imported by `main`: an interrupt during an import would end in a traceback and
an arbitrary exit code.
"""

from __future__ import annotations

import gc
import os
import sys

# The built-in half of `signal`; the other half makes enums of it, which takes a millisecond.
from _signal import (  # type: ignore[import-not-found]  # has no types of its own
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

_GC_THRESHOLD = 100_000
"""Objects between two collections: a start makes fewer, and Python's 700 cost it a twelfth."""

INTERRUPTED = 130  # as in `errors`, which is still to be loaded


def main() -> int:
    """Run with the words of sys.argv; the exit code, one of `usage.EXIT_CODES`."""
    gc.set_threshold(_GC_THRESHOLD)
    is_heard = getsignal(SIGINT) is default_int_handler  # else our parent ignores it
    if is_heard:
        signal(SIGINT, _leave)
    from qmpsh.cli import main  # here: loading it is what may be interrupted

    try:
        if is_heard:
            signal(SIGINT, default_int_handler)
        return main.main()
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.freeze()  # or the interpreter would collect everything twice more before it ends


def _leave(number: int, frame: object) -> None:
    """End at once: nothing has been written or sent yet, and imports must not be left half-way."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
