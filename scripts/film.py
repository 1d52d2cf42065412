"""Films a program in a terminal of its own: keys go in, and each picture of its screen is a frame.

A frame is taken once the screen shows what the key does. How long it is seen is the film's matter,
except while something goes on by itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pyte
from pyte.screens import Char

from scripts.svg import Frame
from tests.waiting import PATIENCE

KEY_SECONDS = 0.055
"""how long what a key does is seen"""

QUIET_SECONDS = 0.025
"""how long nothing may be written until all of what is being drawn has come"""

LEAST_SECONDS = 0.1
"""how long a frame is seen at least of what goes on by itself"""


class _Screen(pyte.Screen):
    """A screen that answers what a program asks its terminal."""

    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], object]) -> None:
        super().__init__(columns, rows)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        """Send an answer."""
        self._answer(data.encode())


class Terminal:
    """A program's terminal, as it is now."""

    def __init__(self, master: int, columns: int, rows: int) -> None:
        self._master = master
        self._screen = _Screen(columns, rows, lambda data: os.write(master, data))
        self._stream = pyte.ByteStream(self._screen)

    def keys(self, text: str) -> None:
        """Press keys, as the bytes that a terminal sends."""
        os.write(self._master, text.encode())

    def text(self) -> str:
        """The screen's rows."""
        return "\n".join(self._screen.display)

    def before_cursor(self) -> str:
        """The cursor's row, as far as the cursor."""
        cursor = self._screen.cursor
        return str(self._screen.display[cursor.y])[: cursor.x]

    def frame(self, seconds: float) -> Frame:
        """The screen as a frame of so many seconds."""
        screen = self._screen
        rows = [self._row(y) for y in range(screen.lines)]
        cursor = None if screen.cursor.hidden else (screen.cursor.x, screen.cursor.y)
        return Frame(rows, cursor, seconds)

    def _row(self, y: int) -> list[Char]:
        return [self._screen.buffer[y][x] for x in range(self._screen.columns)]

    def until(self, predicate: Callable[[], object], what: str) -> None:
        """Wait until something holds, and all of it is drawn. Raises AssertionError."""
        deadline = time.monotonic() + PATIENCE
        while not predicate():
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {what}\n{self.text()}")
            self.read(LEAST_SECONDS)
        while self.read(QUIET_SECONDS):
            pass

    def sees(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self.until(lambda: text in self.text(), f"{text!r} on the screen")

    def read(self, seconds: float) -> bool:
        """Take what the program has written, after so many seconds at most; False for nothing."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            self._stream.feed(os.read(self._master, 65536))
        except OSError:  # it has ended
            return False
        return True


class Home(NamedTuple):
    """Where a program runs. environment: all the variables that it finds"""

    folder: str
    environment: Mapping[str, str]


@contextlib.contextmanager
def terminal(argv: Sequence[str], size: tuple[int, int], home: Home) -> Iterator[Terminal]:
    """Run a program in a terminal, and end it afterwards. size: columns and rows"""
    columns, rows = size
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        argv,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=home.folder,
        env=home.environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master, columns, rows)
    finally:
        process.kill()
        process.wait()
        os.close(master)


class Film:
    """The frames so far of what a terminal shows."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.frames: list[Frame] = []

    def shoot(self, seconds: float) -> None:
        """Take a frame; one that shows nothing new lets the last be seen longer."""
        frame = self.terminal.frame(seconds)
        last = self.frames[-1] if self.frames else None
        if last is not None and (last.rows, last.cursor) == (frame.rows, frame.cursor):
            self.frames[-1] = last._replace(seconds=last.seconds + seconds)
        else:
            self.frames.append(frame)

    def type(self, text: str) -> None:
        """Type a text, with a frame for each character."""
        for character in text:
            shown = self.terminal.before_cursor() + character
            self.terminal.keys(character)
            self.terminal.until(lambda: self.terminal.before_cursor() == shown, shown)  # noqa: B023
            self.shoot(KEY_SECONDS)

    def press(self, key: str, sees: str, seconds: float) -> None:
        """Press a key, and show for so many seconds what it does. sees: what it ends with"""
        self.terminal.keys(key)
        self.see(sees, seconds)

    def see(self, text: str, seconds: float) -> None:
        """Wait for a text, and show for so many seconds what is there then."""
        self.terminal.sees(text)
        self.shoot(seconds)

    def watch(self, key: str, sees: str, seconds: float) -> None:
        """Press a key, and show all that comes in its own time. seconds: for what it ends with"""
        self.terminal.keys(key)
        shown = since = time.monotonic()
        deadline = shown + PATIENCE
        while sees not in self.terminal.text():
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {sees!r}\n{self.terminal.text()}")
            self.terminal.read(LEAST_SECONDS)
            now = time.monotonic()
            if now - since >= LEAST_SECONDS:
                self.shoot(now - since)
                since = now
        self.see(sees, seconds)
