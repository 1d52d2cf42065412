"""A terminal that takes no output must not hold up those who share the monitor."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pyte
import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client
from qmpsh.protocol.messages import Command
from qmpsh.ui.screen.terminal import FrameOutput
from tests.qemu import ROOT, Vm
from tests.waiting import PATIENCE

ROWS, COLUMNS = 24, 100
pytestmark = pytest.mark.one_emulator
SILENT_SECONDS = 3.0


class Pty:
    """A shell on a terminal that is read only when asked to."""

    def __init__(self, path: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [sys.executable, "-m", "qmpsh", path])
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)

    def sees(self, text: str) -> None:
        """Read until the screen shows a text."""
        deadline = time.monotonic() + PATIENCE
        while not any(text in row for row in self.screen.display):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            if select.select([self.fd], [], [], 0.1)[0]:
                self._stream.feed(os.read(self.fd, 65536))

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def shell(vm: Vm) -> Iterator[Pty]:
    shell = Pty(vm.path)
    yield shell
    shell.close()


def test_a_terminal_that_is_not_read_holds_up_no_one(shell: Pty, vm: Vm) -> None:
    shell.sees("(QEMU)")
    guest = Client.connect(UnixAddress(vm.path))
    assert guest.holder is not None
    slowest, count = 0.0, 0
    started = time.monotonic()
    while time.monotonic() - started < SILENT_SECONDS:
        before = time.monotonic()
        guest.execute(Command("cont" if count % 2 else "stop"), PATIENCE)
        slowest, count = max(slowest, time.monotonic() - before), count + 1
    assert slowest < SILENT_SECONDS / 2
    assert count > 20
    guest.execute(Command("stop"), PATIENCE)
    shell.sees("paused")
    os.write(shell.fd, b"query-version\r")
    shell.sees("package")
    guest.close()


def test_what_waits_goes_before_what_is_written_later() -> None:
    master, slave = pty.openpty()
    termios_raw(slave)
    with open(slave, "w") as stdout:
        output = FrameOutput.from_pty(stdout, term="xterm")
        assert isinstance(output, FrameOutput)
        output.open_own()

        async def fill() -> None:
            with output.drawing():
                output.write_raw("x" * 1_000_000)
                output.flush()

        asyncio.run(fill())
        assert output.is_full
        output.bell()
        reader = threading.Thread(target=lambda: received.append(read_all(master)))
        received: list[bytes] = []
        reader.start()
        output.write_raw("last")
        output.flush()
        reader.join(PATIENCE)
        output.close_own()
    os.close(master)
    assert received == [b"x" * 1_000_000 + b"last"]


def termios_raw(fd: int) -> None:
    """Let the bytes pass as they are."""
    attributes = termios.tcgetattr(fd)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def read_all(fd: int) -> bytes:
    """Read up to the word `last`."""
    data = b""
    while not data.endswith(b"last"):
        data += os.read(fd, 65536)
    return data
