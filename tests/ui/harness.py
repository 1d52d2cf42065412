"""Front ends on a terminal in memory: keys go in, a picture comes out.

Everything runs in one event loop with fixed clocks, so that a picture can be compared with a text
drawing. `QMPSH_DRAW=1 pytest tests/ui` redraws the pictures; look at what changed.

A test that is decorated with `on_screen`, `on_vm` or `on_line` is a coroutine whose first
argument is the running front end; its other arguments are fixtures.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyte
import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.utils import is_dumb_terminal

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.errors import UsageError
from qmpsh.render.theme import UNICODE, Glyphs, TerminalColours, colour_depth
from qmpsh.shell.session.listener import SessionListener
from qmpsh.shell.session.session import Connect, Session
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.front_end import RedirectAnswer, TerminalEnv
from qmpsh.ui.line.app import LinePrompt
from qmpsh.ui.screen.app import FullScreen
from qmpsh.ui.screen.cell_output import CellOutput
from tests.measuring import unmeasured
from tests.qemu import VmStarter
from tests.ui.fakes import WALL, FakeSession
from tests.waiting import PATIENCE

PICTURES = Path(__file__).parent / "pictures"
TERM = "xterm-256color"

T = TypeVar("T")


class Harness:
    """A terminal in memory, and the fake session of the front end that runs on it.

    now: the time that the front end's clock shows, in seconds
    """

    def __init__(self, pipe: PipeInput, size: Size, terminal: pyte.Screen | None = None) -> None:
        self.size = size
        self.now = 1000.0
        self.exit_code: int | None = None
        self.has_ended = False
        self._sent = ""
        self._picture = ""
        self.terminal = terminal or pyte.Screen(size.columns, size.rows)
        self.sessions: list[FakeSession] = []
        self._pipe = pipe
        self._written = io.StringIO()
        self._parser = pyte.Stream(self.terminal)
        term = "dumb" if is_dumb_terminal() else TERM
        self.output = CellOutput(self._written, lambda: self.size, term=term, enable_cpr=False)
        self.env = TerminalEnv(
            terminal=TerminalColours(colour_depth({"TERM": term})),
            input=pipe,
            output=self.output,
            glyphs=UNICODE,
            clock=lambda: self.now,
            wall=lambda: WALL,
        )

    @property
    def session(self) -> FakeSession:
        """The fake session."""
        return self.sessions[0]

    def keys(self, text: str) -> None:
        """Press keys, as the bytes that a terminal sends."""
        self._pipe.send_text(text)

    def hang_up(self) -> None:
        """Take the terminal away."""
        self._pipe.close()

    @property
    def sent(self) -> str:
        """All that the front end has written."""
        self._draw()
        return self._sent

    def lines(self) -> list[str]:
        """Return the rows that the terminal shows, without the empty ones at the end."""
        self._draw()
        with unmeasured():
            return "\n".join(row.rstrip() for row in self.terminal.display).rstrip().split("\n")

    def picture(self) -> str:
        """Return what the terminal shows; a blank under the cursor is drawn as `_`."""
        self._draw()
        if self._picture:
            return self._picture
        with unmeasured():
            rows = list(self.terminal.display)
        cursor = self.terminal.cursor
        if not cursor.hidden and rows[cursor.y][cursor.x : cursor.x + 1] == " ":
            row = rows[cursor.y]
            rows[cursor.y] = f"{row[: cursor.x]}_{row[cursor.x + 1 :]}"
        self._picture = "\n".join(row.rstrip() for row in rows) + "\n"
        return self._picture

    def _draw(self) -> None:
        written = self._written.getvalue()
        if not written:
            return
        self._picture = ""
        self._sent += written
        with unmeasured():  # it is slow, and not ours
            self._parser.feed(written)
        self._written.seek(0)
        self._written.truncate()

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
        """Wait until the picture is the drawing of this name and size."""
        path = PICTURES / f"{name}-{self.size.columns}x{self.size.rows}.txt"
        if os.environ.get("QMPSH_DRAW"):
            await asyncio.sleep(0.3)
            path.write_text(self.picture())
        drawing = path.read_text()
        with contextlib.suppress(AssertionError):
            await self.until(lambda: self.picture() == drawing)
        assert self.picture() == drawing

    async def ends_with(self, *rows: str) -> None:
        """Wait until these are the last rows."""
        await self.until(lambda: self.lines()[-len(rows) :] == list(rows), f"the rows {rows}")


# ------------------------------------------------------------------------ the full screen


class ScreenSetup(NamedTuple):
    """How a screen is started.

    size:    columns and rows
    connect: None for a fake session
    """

    size: tuple[int, int] = (100, 20)
    glyphs: Glyphs = UNICODE
    connect: Connect | None = None
    theme: str = "dark"


DEFAULT = ScreenSetup()


class ScreenHarness(Harness):
    """A full screen; stream: where its transcript goes; redirect: what `> file` does."""

    def __init__(self, pipe: PipeInput, setup: ScreenSetup) -> None:
        super().__init__(pipe, Size(columns=setup.size[0], rows=setup.size[1]))
        self.redirect: RedirectAnswer | None = None
        self.stream = io.StringIO()
        connect = setup.connect or self._connect
        env = self.env._replace(glyphs=setup.glyphs, stream=self.stream, theme=setup.theme)
        self.screen = FullScreen(connect, InMemoryHistory(), self._redirected, env)

    async def run(self) -> None:
        """Run the screen to its end."""
        try:
            self.exit_code = await self.screen.run()
        finally:
            self.has_ended = True
            self.screen.session.close()

    def end(self) -> None:
        """End the screen if it still runs."""
        app = self.screen.app
        if app.is_running and not app.is_done:
            app.exit(result=0)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self.size = Size(rows=rows, columns=columns)
        self.terminal.resize(rows, columns)
        self.screen.app._on_resize()

    async def is_named(self) -> None:
        """Wait until the background replies have come, and the VM's name with them."""
        self.session.send_facts()
        await self.sees("vm1")

    def _connect(self, listener: SessionListener) -> FakeSession:
        self.sessions.append(FakeSession(listener))
        return self.session

    async def _redirected(self, answer: Answer) -> str:
        return "" if self.redirect is None else await self.redirect(answer)


def connect_to(path: str) -> Connect:
    """Return what connects a screen to the monitor at a path, under a name that never changes."""

    def connect(listener: SessionListener) -> Session:
        return Session(Client.connect(parse_address(path)), Settings(), listener, "./monitor.sock")

    return connect


@contextlib.asynccontextmanager
async def running_screen(setup: ScreenSetup = DEFAULT) -> AsyncIterator[ScreenHarness]:
    """Run a screen, and end it afterwards if it still runs."""
    with create_pipe_input() as pipe:
        ui = ScreenHarness(pipe, setup)
        task = asyncio.create_task(ui.run())
        try:
            await ui.until(lambda: "(qemu)" in ui.picture().lower() or ui.has_ended, "a prompt")
            yield ui
        finally:
            ui.end()
            await task


# ------------------------------------------------------------------------ the line prompt


class LineHarness(Harness):
    """A line prompt whose background replies have come."""

    def __init__(self, pipe: PipeInput) -> None:
        super().__init__(pipe, Size(columns=70, rows=24))
        self.prompt = LinePrompt(self._connect, InMemoryHistory(), self._redirect, self.env)

    async def run(self) -> None:
        """Run the prompt to its end."""
        try:
            self.exit_code = await self.prompt.run()
        finally:
            self.has_ended = True
            self.session.close()

    def _connect(self, listener: SessionListener) -> FakeSession:
        self.sessions.append(FakeSession(listener))
        self.session.send_facts()
        return self.session

    async def _redirect(self, answer: Answer) -> str:
        if answer.value is None:
            raise UsageError("cannot write it")
        return f"redirected {answer.value}"


@contextlib.asynccontextmanager
async def running_line_prompt() -> AsyncIterator[LineHarness]:
    """Run a line prompt, and end it afterwards if it still runs."""
    with create_pipe_input() as pipe:
        ui = LineHarness(pipe)
        task = asyncio.create_task(ui.run())
        try:
            await ui.ends_with("(QEMU)")
            yield ui
        finally:
            if not ui.has_ended:
                os.kill(os.getpid(), signal.SIGTERM)
            await task


# ------------------------------------------------------------------------ decorators of tests

Test = Callable[..., None]
ScreenCheck = Callable[[ScreenHarness], Awaitable[None]]


def fixture_names(test: Callable[..., Awaitable[None]]) -> list[str]:
    """Return the parameters of a test without the first, which is the front end."""
    return list(inspect.signature(test).parameters)[1:]


def with_fixtures(test: Callable[..., Awaitable[None]], run: Test, names: list[str]) -> Test:
    """Return `run` under the name of `test`, as a function that pytest gives these fixtures."""
    functools.update_wrapper(run, test)
    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(name, keyword) for name in names])
    vars(run)["__signature__"] = signature
    return run


def in_loop(test: Callable[[], Awaitable[None]]) -> Test:
    """Run a test that needs an event loop and nothing else."""

    async def run() -> None:
        await test()

    return with_fixtures(test, lambda: asyncio.run(run()), [])


def on_screen(
    *sizes: tuple[int, int],
    glyphs: Glyphs = UNICODE,
    prepare: ScreenCheck | None = ScreenHarness.is_named,
) -> Callable[[Callable[..., Awaitable[None]]], Test]:
    """Run a test on a screen with a fake session.

    sizes:   columns and rows; a test of several sizes runs once with each
    prepare: what is done before the test begins
    """

    def decorate(test: Callable[..., Awaitable[None]]) -> Test:
        async def on_size(size: tuple[int, int], **fixtures: object) -> None:
            async with running_screen(ScreenSetup(size, glyphs=glyphs)) as ui:
                if prepare is not None:
                    await prepare(ui)
                await test(ui, **fixtures)

        names = fixture_names(test)
        if len(sizes) > 1:
            names.append("size")
            run = with_fixtures(test, lambda **given: asyncio.run(on_size(**given)), names)
            ids = [f"{columns}x{rows}" for columns, rows in sizes]
            return pytest.mark.parametrize("size", sizes, ids=ids)(run)
        size = sizes[0] if sizes else DEFAULT.size
        return with_fixtures(test, lambda **given: asyncio.run(on_size(size, **given)), names)

    return decorate


def on_line(test: Callable[..., Awaitable[None]]) -> Test:
    """Run a test at a line prompt with a fake session."""

    async def at_prompt(**fixtures: object) -> None:
        async with running_line_prompt() as ui:
            await test(ui, **fixtures)

    names = fixture_names(test)
    return with_fixtures(test, lambda **given: asyncio.run(at_prompt(**given)), names)


def on_vm(*words: str, name: str | None = None) -> Callable[[Callable[..., Awaitable[None]]], Test]:
    """Run a test on a screen that is connected to a VM of its own, with words of QEMU's.

    A parameter `vm` of the test is that VM.
    """

    def decorate(test: Callable[..., Awaitable[None]]) -> Test:
        names = fixture_names(test)

        async def on_path(path: str, fixtures: dict[str, object]) -> None:
            async with running_screen(ScreenSetup((100, 24), connect=connect_to(path))) as ui:
                await test(ui, **fixtures)

        def run(start_vm: VmStarter, **fixtures: object) -> None:
            vm = start_vm(*words, name=name)
            if "vm" in names:
                fixtures["vm"] = vm
            asyncio.run(on_path(vm.path, fixtures))

        others = [name for name in names if name != "vm"]
        return with_fixtures(test, run, [*others, "start_vm"])

    return decorate
