"""When a frame is drawn that no key asked for, and what the collector does meanwhile."""

from __future__ import annotations

import asyncio
import gc

from prompt_toolkit.layout.containers import WindowRenderInfo
from prompt_toolkit.layout.screen import Screen

from qmpsh.protocol.messages import Event
from qmpsh.ui.common.driver import FrameLimiter, freeze_heap
from tests.ui.fakes import WALL
from tests.ui.harness import in_loop, running_screen


@in_loop
async def test_a_flood_is_one_frame() -> None:
    loop = asyncio.get_running_loop()
    asked: list[float] = []
    frames = FrameLimiter(lambda: asked.append(loop.time()))
    frames.request()
    assert len(asked) == 1
    frames.on_frame()
    for _ in range(1000):
        frames.request()
    assert len(asked) == 1
    while len(asked) == 1:
        await asyncio.sleep(0.001)
    frames.request()
    assert len(asked) == 3


@in_loop
async def test_a_key_has_shown_it_all() -> None:
    asked: list[str] = []
    frames = FrameLimiter(lambda: asked.append("frame"))
    frames.on_frame()
    frames.request()
    assert frames._timer is not None
    # The frame of a key came first.
    frames.on_frame()
    assert frames._timer is None
    frames.request()
    frames.stop()
    frames.stop()
    assert frames._timer is None
    assert asked == []


def test_the_collector_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with freeze_heap():
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_a_frame_is_freed_by_the_next_without_the_collector() -> None:
    async def held_objects() -> tuple[int, int, int]:
        async with running_screen() as ui:
            gc.collect()
            gc.disable()
            for number in range(20):
                ui.session.send_event(Event("X", {"n": number}, WALL, {}))
                await ui.sees(f"n={number}")
            held = gc.get_objects()
            screens = [each for each in held if isinstance(each, Screen) and each.data_buffer]
            infos = [each for each in held if isinstance(each, WindowRenderInfo)]
            windows = len(list(ui.screen.app.layout.find_all_windows()))
            return len(screens), sum(1 for info in infos if info._rowcol_to_yx), windows

    try:
        screens, infos, windows = asyncio.run(held_objects())
    finally:
        gc.enable()
    assert screens == 1
    assert 0 < infos <= windows
