"""The two front ends before a scripted server, on a terminal in memory."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
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
from tests.measuring import unmeasured
from tests.ui.harness import Harness
from tests.waiting import PATIENCE

SIZE = Size(rows=12, columns=200)
"""wide enough for every sentence to stand on one row, and no larger than that: it is drawn often"""
ROWS_KEPT = 100  # of those of the full screen that have scrolled out of sight
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class FrontEndHarness(Harness):
    """A front end with a real session; kind: "w" for the full screen, "p" for the line prompt."""

    def __init__(self, pipe: PipeInput, kind: str, path: str, timeout: float | None) -> None:
        self._history: pyte.HistoryScreen | None = None
        if kind == "w":
            self._history = pyte.HistoryScreen(SIZE.columns, SIZE.rows, history=ROWS_KEPT)
        super().__init__(pipe, SIZE, self._history)
        self._printed = ""  # since the last key
        self._looked_at = ""
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
        self._printed = ""
        if self._history is not None:
            self._history.history.top.clear()
        super().keys(text)

    def waits(self) -> bool:
        """Whether a line is begun and waits for something."""
        running = self._real[0].running
        return running is not None and running.task.until is not None

    async def sees(self, text: str) -> None:
        """Wait until the text is shown, or was since the last key: a flood takes it away again."""
        self._looked_at = ""
        await self.until(lambda: self._is_shown(text), text)

    def _is_shown(self, text: str) -> bool:
        before, self._looked_at = self._looked_at, self.picture()
        if self._looked_at is before:
            return False  # nothing was drawn since the last look
        return text in self._looked_at or text in self._printed or self._has_scrolled(text)

    def _has_scrolled(self, text: str) -> bool:
        if self._history is None:
            return False
        columns = range(SIZE.columns)
        rows = self._history.history.top
        with unmeasured():
            return any(text in "".join(row[column].data for column in columns) for row in rows)

    def _draw(self) -> None:
        begin = len(self._sent)
        super()._draw()
        if self._history is None:  # the line prompt writes whole lines, one after the other
            self._printed += ESCAPES.sub("", self._sent[begin:])


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
