"""Asks the terminal something and waits for its answers, where no front end reads its keys.

For a line that shows a picture, and no other: it takes a moment, and what is typed in it is lost.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
import tty
from collections.abc import Iterator, Mapping

from qmpsh.render.terminal_answers import TerminalAnswers, TerminalQuestion

ASK_SECONDS = 0.1
"""seconds for all answers"""

_READ_BYTES = 1024


def ask_terminal(questions: tuple[TerminalQuestion, ...]) -> Mapping[str, str]:
    """Return what the terminal of this process answers; nothing where it cannot be asked."""
    try:
        terminal = os.open(os.ctermid(), os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:  # there is none
        return {}
    try:
        # In the background a question would stop us.
        return _ask(terminal, questions) if os.tcgetpgrp(terminal) == os.getpgrp() else {}
    except (OSError, termios.error):
        return {}
    finally:
        os.close(terminal)


def _ask(terminal: int, questions: tuple[TerminalQuestion, ...]) -> Mapping[str, str]:
    answers = TerminalAnswers(questions)
    with _unechoed(terminal):
        os.write(terminal, answers.request.encode())
        deadline = time.monotonic() + ASK_SECONDS
        while answers.is_open and (left := deadline - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                answers.keys_of(os.read(terminal, _READ_BYTES).decode("ascii", "replace"))
    return answers.found


@contextlib.contextmanager
def _unechoed(terminal: int) -> Iterator[None]:
    """Read what comes at once and unechoed; Ctrl-C still interrupts."""
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
