"""What a batch does while a line waits for its end: a bar on stderr, an eye on stdout.

The bar is one line of a terminal, written over and erased again, so that nothing of it stays. Who
reads stdout may go away while nothing comes that could be written there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qmpsh.link.client import Client
from qmpsh.link.watch import BROKEN, READ, WRITE, wait_for
from qmpsh.shell.outcome import Until
from qmpsh.view.glyphs import glyphs_for
from qmpsh.view.progress import progress_line
from qmpsh.view.theme import plain

if TYPE_CHECKING:
    from qmpsh.shell.progress import Work

Advised = Callable[[str, Callable[[], str], Callable[[], str]], str]
"""Gives a text that only advises, or what stands in for it: see `advice.Advice.get`."""

_ERASE = "\r\x1b[K"


class Pastime:
    """Draws on stderr, looks at stdout. advised: guards the bar."""

    def __init__(self, advised: Advised) -> None:
        self._advised = advised
        self._drawn = ""
        self._glyphs = glyphs_for(sys.stderr.encoding)

    def wait(self, client: Client, until: Until) -> None:
        """One turn of the client, at most until the deadline.

        Raises BrokenPipeError when nobody reads stdout any more.
        """
        sys.stdout.flush()
        if until.works is not None:
            works = until.works
            self._draw(self._advised("progress", lambda: self._bar(works()), str))
        left = _left(until.deadline)
        if not until.endless or client.closed:
            client.poll(left)
            return
        left = min((wait for wait in (left, _left(client.due)) if wait is not None), default=None)
        awaited = READ | WRITE if client.wants_write else READ
        stdout = sys.stdout.fileno()
        if stdout in wait_for({client.fileno(): awaited, stdout: BROKEN}, left):
            raise BrokenPipeError
        client.poll(0)

    def _bar(self, works: Sequence[Work]) -> str:
        return plain(progress_line(works, _columns() - 1, self._glyphs))

    def clear(self) -> None:
        """Take the bar off the terminal."""
        if self._drawn:
            self._draw("")

    def _draw(self, text: str) -> None:
        if text != self._drawn:
            self._drawn = text
            sys.stderr.write(f"{_ERASE}{text}")
            sys.stderr.flush()


def _left(due: float | None) -> float | None:
    """Seconds until then; None for never."""
    return None if due is None else max(0.0, due - time.monotonic())


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
