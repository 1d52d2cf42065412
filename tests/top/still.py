"""The live table on a terminal in memory, over VMs that are given and a clock that stands still."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input

from qmpsh.client.client import ClientOptions
from qmpsh.shell.settings import Settings
from qmpsh.top.columns import BY_KEY, COLUMNS
from qmpsh.top.discovery import Discovery
from qmpsh.top.order import Order
from qmpsh.top.probe import ProbePlan
from qmpsh.top.record import VmRecord
from qmpsh.top.screen.app import TopRequest, TopScreen
from qmpsh.ui.common.front_end import TerminalEnv
from tests.top.samples import NOW
from tests.ui.harness import Harness


class StillScreen(TopScreen):
    """The table without a watch behind it."""

    records: Sequence[VmRecord] = ()

    def draw(self) -> None:
        self.state.update(self.records, NOW)
        self.state.order.move(0, NOW - 100)
        self.app.invalidate()


@contextlib.asynccontextmanager
async def still(
    records: Sequence[VmRecord], columns: int, rows: int, *, read_only: bool = False
) -> AsyncIterator[tuple[StillScreen, Harness]]:
    """The table over these VMs, sorted by name."""
    plan = ProbePlan(ClientOptions(), Settings(read_only=read_only), holds=True)
    request = TopRequest(Discovery([], print), plan, Order(BY_KEY["name"]), COLUMNS, 1.0, cpus=4)
    with create_pipe_input() as pipe:
        harness = Harness(pipe, Size(rows=rows, columns=columns))
        screen = StillScreen(request, harness.env)
        screen.records = records
        running = asyncio.ensure_future(screen.app.run_async(pre_run=screen.draw))
        try:
            await harness.sees("leave")
            yield screen, harness
        finally:
            if not running.done():
                screen.leave(0)
            await running
            screen.watch.close()


@contextlib.asynccontextmanager
async def live(
    glob: str,
    *,
    holds: bool = True,
    seconds: float = 0.2,
    size: tuple[int, int] = (120, 24),
    theme: str = "dark",
) -> AsyncIterator[tuple[TopScreen, Harness]]:
    """The table over real VMs, five times a second. size: columns and rows"""
    plan = ProbePlan(ClientOptions(1.0), Settings(), holds=holds)
    request = TopRequest(Discovery([glob], print), plan, Order(BY_KEY["name"]), COLUMNS, seconds)
    with create_pipe_input() as pipe:
        harness = Harness(pipe, Size(rows=size[1], columns=size[0]))
        env: TerminalEnv = harness.env._replace(theme=theme)
        screen = TopScreen(request, env)
        running = asyncio.ensure_future(screen.run())
        try:
            await harness.sees("leave")
            yield screen, harness
        finally:
            screen.leave(0)
            await running
