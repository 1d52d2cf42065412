"""The full screen and the line prompt through the table: what is told, and that they go on."""

from __future__ import annotations

import asyncio

import pytest

from qmpsh.shell.session import connection, reconnect
from tests.faults.screens import FrontEndHarness, running_front_end
from tests.faults.server import REACH, Act, Server, State, closed, learnt, server, told
from tests.faults.table import BACK, ROWS, Row
from tests.faults.test_batch import name

BEFORE = (State.BEFORE_GREETING, State.MID_GREETING, State.GREETED)

KEYS = {State.BETWEEN: "stop\rcont\r", State.QUIT: "quit\rq"}

CELLS = [(row, front) for row in ROWS for front in row.fronts if front in "wp"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries one after the other: what is tested is what is said, not how long it takes."""
    monkeypatch.setattr(reconnect, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reconnect, "GREETING_SECONDS", 0.05)
    monkeypatch.setattr(connection, "GREETING_SECONDS", 0.05)


def typed(row: Row) -> str:
    """The keys that are pressed; an idle screen is told without any, unless it seems to be well."""
    if row.state in BEFORE or (row.state is State.IDLE and row.code == 4):
        return ""
    return KEYS.get(row.state, "stop\r")


def scripts_of(row: Row) -> list[tuple[Act, ...]]:
    """A session has begun; the fault comes to it, or to the one that it tries to begin next."""
    if row.state in BEFORE:
        return [(learnt, closed), (*REACH[row.state], told, row.fault)]
    reach = (learnt,) if row.state is State.IDLE else REACH[row.state]
    return [(*reach, told, row.fault)]


@pytest.mark.parametrize("row, front", CELLS, ids=[f"{name(row)}-{front}" for row, front in CELLS])
def test_cell(row: Row, front: str) -> None:
    with server(*scripts_of(row)) as served:
        asyncio.run(run_cell(row, front, served))


async def run_cell(row: Row, front: str, served: Server) -> None:
    limit = 0.3 if row.code == 124 else None
    async with running_front_end(front, served.path, limit) as ui:
        await run_row(row, ui, served)
        served.released.set()
        if row.code in (3, 4, 124) or row.state in (*BEFORE, State.QUIT):
            await ui.sees(BACK)
        # It goes on: the next line runs, and none ran twice.
        ui.keys("system_wakeup\r")
        await ui.sees("CommandNotFound: it has not been found")
    for command in ("stop", "cont", "quit"):
        assert served.got.count(command) <= typed(row).count(command), served.got


async def run_row(row: Row, ui: FrontEndHarness, served: Server) -> None:
    if row.state is State.IDLE:
        await ui.until(served.faulted.is_set, "the fault")
    else:
        # By then it knows which VM this is, and so afterwards that it is the same.
        await ui.until(lambda: "query-status" in served.got, "name and uuid")
    ui.keys(typed(row))
    await ui.sees(row.says if row.on_screen is None else row.on_screen)
