"""What a test's processes do on a signal is the default, whoever started the tests.

A job in the background of a script, nohup and many CI runners have SIGINT, SIGQUIT or SIGHUP
ignored or blocked, and a process that is started inherits that.
"""

from __future__ import annotations

import signal

_INHERITED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP)


def give_children_the_defaults() -> None:
    """From here on, a process that is started meets each signal as one started by hand does.

    This process goes on ignoring what it was to ignore: a handler, unlike SIG_IGN, is not passed
    on through exec.
    """
    for number in _INHERITED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _ignore)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INHERITED)


def _ignore(number: int, frame: object) -> None:
    """Does nothing."""
