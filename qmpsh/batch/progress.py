"""The progress bar of a batch, and its prompt for a secret.

The bar is one line on stderr, overwritten and erased again, so that none of it stays. Meanwhile
stdout is watched too, since its reader may go away while there is nothing to write. A secret is
asked for on the controlling terminal, whatever stdin and stdout are.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from qmpsh.client.client import Client, poll_beside
from qmpsh.client.poll import BROKEN, READ
from qmpsh.errors import UsageError
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.environment import Environment
from qmpsh.render.theme import plain
from qmpsh.render.units import progress_line
from qmpsh.shell.steps import WaitFor

if TYPE_CHECKING:
    from qmpsh.shell.session.share import MonitorShare
    from qmpsh.shell.work import Work

_NO_TERMINAL = "no terminal to ask on: {question}"
_NO_SECRET = "end of input where a secret was asked for"
_NOT_UTF8 = "the input is not valid UTF-8"

Advised = Callable[[str, Callable[[], str], Callable[[], str]], str]
"""Returns a text that only advises, or its replacement: see `advice.Advice.get`."""

_ERASE = "\r\x1b[K"


class OverwrittenLine:
    """A line on stderr that is drawn over itself, and of which nothing stays."""

    def __init__(self) -> None:
        self._drawn = ""

    def draw(self, text: str) -> None:
        """Show a text in the place of the last one; "" erases it."""
        if text != self._drawn:
            self._drawn = text
            sys.stderr.write(f"{_ERASE}{text}")
            sys.stderr.flush()


SHARE_SECONDS = 0.2
"""seconds of waiting after which other qmpsh may use the monitor meanwhile"""


class WaitProgress:
    """The progress bar of a wait, on stderr, while stdout is watched and the monitor is shared.

    advised:   guards the bar
    make_share: returns what serves the monitor to others, once a wait turns out to be a long one
    """

    def __init__(
        self, environment: Environment, advised: Advised, make_share: Callable[[], MonitorShare]
    ) -> None:
        self._environment = environment
        self._advised = advised
        self._make_share = make_share
        self._share: MonitorShare | None = None
        self._started = time.monotonic()
        self._line = OverwrittenLine()
        self._glyphs = environment.bar_glyphs

    def wait(self, client: Client, until: WaitFor) -> None:
        """Poll the client once, at most until the deadline.

        Raises BrokenPipeError when stdout has lost its reader.
        """
        sys.stdout.flush()
        if until.works is not None:
            works = until.works
            self._line.draw(self._advised("progress", lambda: self._bar(works()), str))
        left = _left(until.deadline)
        if client.closed:
            client.poll(left)
            return
        share = self._sharing(client)
        if share is None:
            left = SHARE_SECONDS if left is None else min(left, SHARE_SECONDS)
        others = {sys.stdout.fileno(): BROKEN} if until.endless else {}
        if share is not None and share.is_open:
            others[share.fileno()] = READ
        ready = poll_beside(client, others, left)
        if until.endless and sys.stdout.fileno() in ready:
            raise BrokenPipeError
        if share is not None:
            share.poll(client)

    def _sharing(self, client: Client) -> MonitorShare | None:
        """Return what serves the monitor to others; None until the wait is a long one."""
        if self._share is None and time.monotonic() - self._started >= SHARE_SECONDS:
            self._share = self._make_share()
            self._share.follow(client)
            self._share.poll(client)
        return self._share

    def end(self) -> None:
        """Erase the bar, and share the monitor no more."""
        self.clear()
        self._started = time.monotonic()
        if self._share is not None:
            self._share.end()
            self._share = None

    def hand_over(self, client: Client) -> bool:
        """Leave those who share the monitor to a process of their own: see MonitorShare."""
        self.clear()
        sys.stdout.flush()
        return self._share is not None and self._share.hand_over(client)

    def _bar(self, works: Sequence[Work]) -> str:
        return plain(progress_line(works, self._environment.bar_columns - 1, self._glyphs))

    def clear(self) -> None:
        """Erase the bar."""
        self._line.draw("")


def _left(due: float | None) -> float | None:
    """Return the seconds until then; None for never."""
    return None if due is None else max(0.0, due - time.monotonic())


def read_secret(question: str) -> str:
    """Read a secret up to Enter, without echo. Raises UsageError without a terminal."""
    # Imported here: only a line with `password=?` asks.
    import termios

    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(_NO_TERMINAL.format(question=question.rstrip(":"))) from error
    try:
        old = termios.tcgetattr(fd)
        silent = [*old[:3], old[3] & ~termios.ECHO, *old[4:]]
        termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
        try:
            os.write(fd, f"{question} ".encode())
            typed = _read_line(fd)
        finally:
            termios.tcsetattr(fd, termios.TCSAFLUSH, old)
            os.write(fd, b"\n")
    finally:
        os.close(fd)
    return typed


def _read_line(fd: int) -> str:
    data = b""
    while not data.endswith(b"\n"):
        more = os.read(fd, 4096)
        if not more:
            raise UsageError(_NO_SECRET)
        data += more
    try:
        return data.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise UsageError(_NOT_UTF8) from error
