"""When a session is given a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from qmpsh.errors import ConnectionLost
from qmpsh.ui.common.driver import Driver
from tests.ui.fakes import FakeSession, Silent, held
from tests.ui.harness import with_fixtures


class Counting(FakeSession):
    """Counts its turns; `due` seconds until the next one."""

    def __init__(self) -> None:
        super().__init__(Silent())
        self.turns = 0
        self.due: float | None = None
        self.has_none = False

    def fileno(self) -> int:
        return -1 if self.has_none else super().fileno()

    def poll(self) -> None:
        self.turns += 1
        super().poll()

    def wait(self) -> float | None:
        return self.due


def driven(test: Callable[[Counting, Driver], Awaitable[None]]) -> Callable[[], None]:
    """Run a test in an event loop, with a session and its driver."""

    async def run() -> None:
        session = Counting()
        driver = Driver(session, lambda: None)
        driver.start()
        try:
            await test(session, driver)
        finally:
            driver.stop()
            driver.stop()
            session.close()

    return with_fixtures(test, lambda: asyncio.run(run()), [])


async def turns(session: Counting, least: int) -> None:
    async with asyncio.timeout(5):
        while session.turns < least:
            await asyncio.sleep(0.001)


async def looks() -> None:
    """Let the loop look at its descriptors so often that what is ready is served."""
    for _ in range(10):
        await asyncio.sleep(0)


@driven
async def test_news_gives_a_turn_and_silence_none(session: Counting, driver: Driver) -> None:
    assert session.turns == 1
    await looks()
    assert session.turns == 1
    session.on_poll(lambda: None)
    await turns(session, 2)


@driven
async def test_a_full_buffer_is_watched_until_it_is_empty(
    session: Counting, driver: Driver
) -> None:
    session.wants_write = True
    driver.arm()
    await turns(session, 10)
    session.wants_write = False
    driver.arm()
    had = session.turns
    await looks()
    assert session.turns == had


@driven
async def test_a_deadline_gives_a_turn(session: Counting, driver: Driver) -> None:
    session.due = 0.01
    driver.arm()
    await turns(session, 3)


@driven
async def test_a_running_line_ticks(session: Counting, driver: Driver) -> None:
    session.script["slow"] = held("slow")
    session.start("slow", lambda item: None, lambda outcome: None)
    driver.arm()
    await turns(session, 4)


@driven
async def test_after_the_loss_the_next_descriptor_is_watched(
    session: Counting, driver: Driver
) -> None:
    session.wants_write = True
    driver.arm()
    session.drop_connection(ConnectionLost("gone"))
    await turns(session, 2)
    session.wants_write = False
    driver.arm()
    had = session.turns
    session.on_poll(lambda: None)
    await turns(session, had + 1)
    had = session.turns
    await looks()
    assert session.turns == had


@driven
async def test_without_a_descriptor_the_timer_goes_on(session: Counting, driver: Driver) -> None:
    session.on_poll(session.disconnect)
    await turns(session, 2)
    session.has_none = True
    session.due = 0.01
    driver.arm()
    await turns(session, 5)
    session.due = None
    session.has_none = False
    driver.arm()
    had = session.turns
    session.on_poll(lambda: None)
    await turns(session, had + 1)
