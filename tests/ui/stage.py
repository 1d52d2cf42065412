"""The full screen on a terminal in memory: keys go in, a picture comes out.

The whole runs in one event loop, with fixed clocks, so that a picture can be compared with a text
drawing. `QMPSH_DRAW=1 pytest tests/tui` draws the pictures anew; look at what changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyte
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from qmpsh.render.theme import UNICODE, Glyphs
from qmpsh.shell.session.session import SessionListener
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.session_protocol import Connect
from qmpsh.ui.screen.app import FullScreen, ScreenEnvironment
from qmpsh.ui.screen.output import Redirect
from tests.ui.fakes import FakeSession
from tests.waiting import PATIENCE

PICTURES = Path(__file__).parent / "pictures"
WALL = 1_763_677_831.120
"""Unix time of events that have none of their own: 22:30:31 UTC"""

TERM = "xterm-256color"

T = TypeVar("T")


class Setting(NamedTuple):
    """style: a theme's name; connect: None for a fake session."""

    style: str = "dark"
    glyphs: Glyphs = UNICODE
    connect: Connect | None = None


DARK = Setting()


class Stage:
    """A running screen, its session (a fake one unless `connect` makes another), its terminal."""

    def __init__(self, pipe: PipeInput, size: Size, setting: Setting) -> None:
        self.size = size
        self.now = 1000.0
        self.exit_code: int | None = None
        self.has_ended = False
        self.redirect: Redirect | None = None
        self.stream = io.StringIO()
        self._pipe = pipe
        self._bytes = io.StringIO()
        self._terminal = pyte.Screen(size.columns, size.rows)
        self._parser = pyte.Stream(self._terminal)
        output = Vt100_Output(self._bytes, lambda: self.size, term=TERM, enable_cpr=False)
        self._fakes: list[FakeSession] = []
        around = ScreenEnvironment(
            pipe, output, setting.glyphs, lambda: self.now, lambda: WALL, self.stream
        )
        connect = setting.connect or self._connect
        self.screen = FullScreen(
            connect, setting.style, InMemoryHistory(), self._redirected, around
        )

    @property
    def session(self) -> FakeSession:
        """The fake one."""
        return self._fakes[0]

    @property
    def terminal(self) -> pyte.Screen:
        """What was drawn up to the last picture, cell by cell."""
        return self._terminal

    async def perform(self) -> None:
        """Run the screen to its end."""
        try:
            self.exit_code = await self.screen.run()
        finally:
            self.has_ended = True
            self.screen.session.close()

    def keys(self, text: str) -> None:
        """Press keys, as the bytes that a terminal sends."""
        self._pipe.send_text(text)

    def hang_up(self) -> None:
        """Take the terminal away."""
        self._pipe.close()

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self.size = Size(rows=rows, columns=columns)
        self._terminal.resize(rows, columns)
        self.screen.app._on_resize()

    def picture(self) -> str:
        """What the terminal shows; a blank under the cursor is drawn as `_`."""
        self._parser.feed(self._bytes.getvalue())
        self._bytes.seek(0)
        self._bytes.truncate()
        lines = list(self._terminal.display)
        cursor = self._terminal.cursor
        if not cursor.hidden and lines[cursor.y][cursor.x : cursor.x + 1] == " ":
            line = lines[cursor.y]
            lines[cursor.y] = f"{line[: cursor.x]}_{line[cursor.x + 1 :]}"
        return "\n".join(line.rstrip() for line in lines) + "\n"

    async def until(self, predicate: Callable[[], T], what: str = "") -> T:
        """Wait until something holds. Raises AssertionError with the picture."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not (value := predicate()):
            if loop.time() > deadline:
                raise AssertionError(f"never: {what or predicate}\n{self.picture()}")
            await asyncio.sleep(0.005)
        return value

    async def sees(self, text: str) -> None:
        """Wait until a text is in the picture."""
        await self.until(lambda: text in self.picture(), f"{text!r} in the picture")

    async def matches(self, name: str) -> None:
        """Wait until the picture is the drawing of this name, and say how it differs if never."""
        path = PICTURES / f"{name}.txt"
        if os.environ.get("QMPSH_DRAW"):
            await asyncio.sleep(0.3)
            path.write_text(self.picture())
        drawing = path.read_text()
        with contextlib.suppress(AssertionError):
            await self.until(lambda: self.picture() == drawing)
        assert self.picture() == drawing

    def _connect(self, watcher: SessionListener) -> FakeSession:
        session = FakeSession(watcher)
        self._fakes.append(session)
        return session

    async def _redirected(self, answer: Answer) -> str:
        return "" if self.redirect is None else await self.redirect(answer)


@contextlib.asynccontextmanager
async def stage(
    columns: int = 100, rows: int = 20, setting: Setting = DARK
) -> AsyncIterator[Stage]:
    """A screen that runs; it is ended at the end when it still does."""
    with create_pipe_input() as pipe:
        on_stage = Stage(pipe, Size(rows=rows, columns=columns), setting)
        task = asyncio.create_task(on_stage.perform())
        try:
            await on_stage.until(
                lambda: "(QEMU)" in on_stage.picture() or on_stage.has_ended, "a prompt"
            )
            yield on_stage
        finally:
            app = on_stage.screen.app
            if app.is_running and not app.is_done:
                app.exit(result=0)
            await task
