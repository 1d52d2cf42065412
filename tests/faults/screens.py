"""The two front ends before a scripted server, on a terminal in memory."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator

import pyte
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.shell.session.listener import SessionListener
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.ui.line.app import LinePrompt
from qmpsh.ui.screen.app import FullScreen
from tests.ui.harness import Harness
from tests.waiting import PATIENCE

SIZE = Size(rows=12, columns=200)
"""wide enough for every sentence to stand on one row, and no larger than that: it is drawn often"""
ROWS_KEPT = 100  # of those that have scrolled out of sight


class FrontEndHarness(Harness):
    """A front end with a real session; kind: "w" for the full screen, "p" for the line prompt."""

    def __init__(self, pipe: PipeInput, kind: str, path: str, timeout: float | None) -> None:
        self._history = pyte.HistoryScreen(SIZE.columns, SIZE.rows, history=ROWS_KEPT)
        super().__init__(pipe, SIZE, self._history)
        self._real: list[Session] = []

        def connect(listener: SessionListener) -> Session:
            settings = Settings(timeout=timeout)
            session = Session(Client.connect(parse_address(path)), settings, listener, path)
            session.preferences.change("overview", "off")  # its queries are those of some lines
            self._real.append(session)
            return session

        history = InMemoryHistory()
        self._front: FullScreen | LinePrompt
        env = self.env._replace(theme="none", stream=io.StringIO())
        if kind == "w":
            self._front = FullScreen(connect, history, env=env)
        else:
            self._front = LinePrompt(connect, history, env=env)

    async def run(self) -> int:
        """Run the front end to its end; its exit code."""
        return await self._front.run()

    def close(self) -> None:
        """Close the session."""
        self._real[0].close()

    def keys(self, text: str) -> None:
        """Type something; what has scrolled out of sight by now is forgotten."""
        self.picture()
        self._history.history.top.clear()
        super().keys(text)

    def waits(self) -> bool:
        """Whether a line is begun and waits for something."""
        running = self._real[0].running
        return running is not None and running.task.until is not None

    async def sees(self, text: str) -> None:
        """Wait until the text is shown, or was since the last key: a flood takes it away again."""
        await self.until(lambda: text in self.picture() or self._has_scrolled(text), text)

    def _has_scrolled(self, text: str) -> bool:
        columns = range(SIZE.columns)
        rows = self._history.history.top
        return any(text in "".join(row[column].data for column in columns) for row in rows)


@contextlib.asynccontextmanager
async def running_front_end(
    kind: str, path: str, timeout: float | None = None
) -> AsyncIterator[FrontEndHarness]:
    """Run a front end, whose prompt is shown, until the end of the block, where it is left."""
    with create_pipe_input() as pipe:
        ui = FrontEndHarness(pipe, kind, path, timeout)
        task = asyncio.create_task(ui.run())
        try:
            await ui.sees("(QEMU)")
            yield ui
            ui.keys("\x03\x04")
            assert await asyncio.wait_for(task, PATIENCE) == 0
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            ui.close()
