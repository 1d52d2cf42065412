"""Lines that wait for an end, through their table, at every front end."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.faults import waiting as w
from tests.faults.fronts import Process, Said
from tests.faults.screens import FrontEndHarness, running_front_end
from tests.faults.server import LEARNT, LIMIT, Act, Server, server, told
from tests.faults.table import BACK
from tests.faults.test_batch import BEGIN
from tests.faults.test_screens import _quick as _quick
from tests.faults.waiting import ROWS, Row, reach

KEYS = {w.QUIT: "q", w.POWER: "y"}
"""what answers the question that a screen asks first"""

CELLS = [(row, front) for row in ROWS for front in row.fronts if front in "wp"]


def name(row: Row) -> str:
    return f"{row.wait.line.split()[0].strip('.')}-{row.fault.__name__}"


def script_of(row: Row, front: str) -> tuple[Act, ...]:
    return (*reach(row.wait, front), told, row.fault)


def says(row: Row) -> str:
    return row.wait.says if row.says is None else row.says


BATCH = [row for row in ROWS if set(row.fronts) & set(BEGIN)]


@pytest.mark.parametrize("row", BATCH, ids=name)
def test_row(row: Row) -> None:
    options = ["-t", f"{w.LIMIT:g}s"] if row.code == 124 else []
    with contextlib.ExitStack() as stack:
        running: list[tuple[str, Server, Process]] = []
        for front in filter(BEGIN.get, row.fronts):
            served = stack.enter_context(server(script_of(row, front)))
            running.append((front, served, BEGIN[front](served.path, options, [row.wait.line])))
        for front, served, process in running:
            begin(row, front, process)
            served.may_fail.set()
        for front, served, process in running:
            said = process.end()
            check(row, front, served, said)


def begin(row: Row, front: str, process: Process) -> None:
    """Give it its line; where what comes before it listens is lost, wait until it does."""
    stdin, stderr = process.process.stdin, process.process.stderr
    assert stdin is not None
    assert stderr is not None
    if front == "s":
        stdin.write(f"{row.wait.line}\n")
        stdin.flush()
    if row.wait is w.EVENTS:
        assert stderr.readline() == "listening\n"


def check(row: Row, front: str, served: Server, said: Said) -> None:
    err = said.err.removeprefix("listening\n")
    assert (said.code, said.out) == (row.code, row.wait.out), f"{front}: {said}"
    assert says(row) in err, f"{front}: {err}"
    assert err.count("\n") == (1 if row.code else 0), f"{front}: {err}"
    assert served.got.count(row.wait.command) <= 1, f"{front}: {served.got}"
    assert served.taken <= LIMIT, front


@pytest.mark.parametrize("row, front", CELLS, ids=[f"{name(row)}-{front}" for row, front in CELLS])
def test_cell(row: Row, front: str) -> None:
    with server(script_of(row, front)) as served:
        asyncio.run(run_cell(row, front, served))


async def run_cell(row: Row, front: str, served: Server) -> None:
    async with running_front_end(front, served.path, w.LIMIT if row.code == 124 else None) as ui:
        await run_row(row, ui, served)
        served.released.set()
        await ui.sees(BACK)
        ui.keys("system_wakeup\r")
        await ui.sees("CommandNotFound: it has not been found")
    assert served.got.count(row.wait.command) <= 1, served.got


async def run_row(row: Row, ui: FrontEndHarness, served: Server) -> None:
    await ui.until(lambda: LEARNT in served.got, "what a session asks on its own")
    ui.keys(f"{row.wait.line}\r{KEYS.get(row.wait, '')}")
    if row.wait.asks is None:
        await ui.until(ui.waits, "that the line waits")
        served.may_fail.set()
    await ui.sees(says(row) if row.on_screen is None else row.on_screen)
