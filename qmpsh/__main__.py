"""The entry: loads the program, and lets Ctrl-C end it quietly from the first moment on.

Everything else is loaded by `main`: an interrupt in the midst of an import would be a traceback,
and a way out that nobody chose.
"""

from __future__ import annotations

import os
import sys

# The built-in half of `signal`; the other half makes enums of it, which takes a millisecond.
from _signal import (  # type: ignore[import-not-found]  # has no types of its own
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

INTERRUPTED = 130  # as in `errors`, which is still to be loaded


def main() -> int:
    """Run with the words of sys.argv; the exit code, one of `usage.EXIT_CODES`."""
    is_heard = getsignal(SIGINT) is default_int_handler  # else whoever started us ignores it
    if is_heard:
        signal(SIGINT, _leave)
    from qmpsh import program  # here: loading it is what may be interrupted

    try:
        if is_heard:
            signal(SIGINT, default_int_handler)
        return program.main()
    except KeyboardInterrupt:
        return INTERRUPTED


def _leave(number: int, frame: object) -> None:
    """End at once: nothing has been written or sent yet, and imports must not be left half-way."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
