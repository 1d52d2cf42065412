"""The two screens before a scripted server, on a terminal in memory: keys go in, text comes out."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import pyte
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.render.theme import UNICODE
from qmpsh.shell.session.listener import SessionListener
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.ui.line import app as plain
from qmpsh.ui.screen import app
from tests.waiting import PATIENCE

SIZE = Size(rows=12, columns=200)
"""wide enough for every sentence to stand on one row, and no larger than that: it is drawn often"""
ROWS_KEPT = 100  # of those that have scrolled out of sight


class Runs(Protocol):
    """What both front ends are here."""

    async def run(self) -> int: ...


class Seat:
    """Somebody before a screen. keys: presses them, as the bytes that a terminal sends."""

    def __init__(
        self, keys: Callable[[str], None], written: io.StringIO, sessions: list[Session]
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._written = written
        self._terminal = pyte.HistoryScreen(SIZE.columns, SIZE.rows, history=ROWS_KEPT)
        self._parser = pyte.Stream(self._terminal)
        self._picture = ""

    def keys(self, text: str) -> None:
        """Type something; what has scrolled out of sight by now is forgotten."""
        self.picture()
        self._terminal.history.top.clear()
        self._keys(text)

    def picture(self) -> str:
        """What the terminal shows."""
        written = self._written.getvalue()
        if written:
            self._parser.feed(written)
            self._written.seek(0)
            self._written.truncate()
            self._picture = "\n".join(line.rstrip() for line in self._terminal.display)
        return self._picture

    def waits(self) -> bool:
        """Whether a line is begun and waits for something."""
        running = self._sessions[0].running
        return running is not None and running.task.until is not None

    async def sees(self, text: str) -> None:
        """Wait until the text is shown, or was since the last key: a flood takes it away again."""
        await self.until(lambda: text in self.picture() or self._has_scrolled(text), text)

    def _has_scrolled(self, text: str) -> bool:
        columns = range(SIZE.columns)
        rows = self._terminal.history.top
        return any(text in "".join(row[column].data for column in columns) for row in rows)

    async def until(self, predicate: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not predicate():
            assert loop.time() < deadline, f"never: {what}; instead:\n{self.picture()}"
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def seated(front: str, path: str, timeout: float | None = None) -> AsyncIterator[Seat]:
    """front: "w" for the full screen, "p" for the line prompt. The prompt is shown."""
    sessions: list[Session] = []

    def connect(watcher: SessionListener) -> Session:
        settings = Settings(timeout=timeout)
        session = Session(Client.connect(parse_address(path)), settings, watcher, path)
        sessions.append(session)
        return session

    with create_pipe_input() as pipe:
        written = io.StringIO()
        output = Vt100_Output(written, lambda: SIZE, term="xterm-256color", enable_cpr=False)
        runs: Runs
        if front == "w":
            around = app.ScreenEnvironment(pipe, output, UNICODE, stream=io.StringIO())
            runs = app.FullScreen(connect, "none", InMemoryHistory(), None, around)
        else:
            runs = plain.LinePrompt(
                connect,
                "none",
                InMemoryHistory(),
                None,
                plain.LineEnvironment(pipe, output, UNICODE),
            )
        task = asyncio.create_task(runs.run())
        seat = Seat(pipe.send_text, written, sessions)
        try:
            await seat.sees("(QEMU)")
            yield seat
            seat.keys("\x03\x04")
            assert await asyncio.wait_for(task, PATIENCE) == 0
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            sessions[0].close()
