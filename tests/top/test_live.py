"""The live table over real VMs that are killed, stopped, started again and used meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

import pytest

from qmpsh.top.record import VmRecord
from qmpsh.top.screen.app import TopScreen
from tests.qemu import Vm, VmStarter, new_folder
from tests.top.still import live
from tests.ui.harness import Harness

OTHERS = ("web2", "web3")
QMPSH = (sys.executable, "-m", "qmpsh")


class Machines(NamedTuple):
    """VMs whose sockets are in one folder. start: starts one more, or one again"""

    folder: str
    vms: list[Vm]
    start: Callable[[int, str], Vm]


@pytest.fixture
def machines(emulator: str) -> Iterator[Machines]:
    starter, folder = VmStarter(emulator), new_folder()

    def start(number: int, name: str) -> Vm:
        monitor = f"unix:{folder}/vm{number}.sock,server=on,wait=off"
        return starter("-qmp", monitor, qmp=False, name=name)

    yield Machines(folder, [start(number, f"web{number}") for number in (1, 2, 3)], start)
    starter.close()
    shutil.rmtree(folder, ignore_errors=True)


def over(
    machines: Machines,
    test: Callable[[TopScreen, Harness], Awaitable[None]],
    *,
    holds: bool = True,
) -> None:
    """Run a test on the table over these VMs."""

    async def run() -> None:
        async with live(f"{machines.folder}/*.sock", holds=holds) as (screen, terminal):
            await terminal.sees("3 VMs  3 running")
            await test(screen, terminal)

    asyncio.run(run())


def record_of(screen: TopScreen, name: str) -> VmRecord:
    return next(one for one in screen.watch.records if one.name == name)


def test_one_stops_and_goes_on(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        vm = machines.vms[0]
        vm.stop_process()
        await terminal.sees("web1       no answer")
        terminal.keys("d")
        await terminal.sees(f"the process is stopped, kill -CONT {vm.pid} continues it")
        others = [record_of(screen, name).usage.process for name in OTHERS]
        ats = [one.at for one in others if one is not None]
        # The others are looked at all the same.
        await terminal.until(lambda: all(is_later(screen, name, max(ats)) for name in OTHERS))
        vm.continue_process()
        await terminal.sees("3 VMs  3 running")

    over(machines, test)


def is_later(screen: TopScreen, name: str, at: float) -> bool:
    process = record_of(screen, name).usage.process
    return process is not None and process.at > at


def test_one_is_killed_and_another_takes_its_place(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        machines.vms[1].kill()
        await terminal.sees("web2       gone")
        vm = machines.start(2, "db")
        await terminal.sees("db         running")
        assert record_of(screen, "db").pid == vm.pid
        assert "web2" not in terminal.picture()

    over(machines, test)


def test_one_is_paused_after_a_question(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        terminal.keys("p")
        await terminal.sees(" pause web1? [y]es [n]o")
        terminal.keys("n")
        await terminal.sees("Enter shell")
        assert record_of(screen, "web1").machine.running
        terminal.keys(" p")
        await terminal.sees(" pause web1?")
        terminal.keys("y")
        await terminal.sees("pause: web1")
        await terminal.sees("web1       paused")
        terminal.keys("py")
        await terminal.sees("resume: web1")
        await terminal.sees("web1       running")

    over(machines, test)


def test_visited_ones_take_orders_too(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        terminal.keys("*X")
        await terminal.sees("reset 3 VMs: web[1-3]?")
        terminal.keys("y")
        await terminal.sees("reset: web[1-3]")

    over(machines, test, holds=False)


def greets(path: str) -> bool:
    """Whether a monitor greets one more client at once."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0.3)
        try:
            client.connect(path)
            return b"QMP" in client.recv(4096)
        except OSError:
            return False


def test_a_monitor_that_is_visited_is_free_in_between(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        path = f"{machines.folder}/vm1.sock"
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, greets, path)
        await terminal.sees("3 VMs  3 running")

    over(machines, test, holds=False)


def test_a_monitor_that_is_held_is_shared(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        command = ["query-name"]
        process = await asyncio.create_subprocess_exec(
            *QMPSH, f"{machines.folder}/vm1.sock", *command, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert (process.returncode, out) == (0, b'{"name": "web1"}\n')

    over(machines, test)


def test_leaving_asks_if_others_use_a_monitor_through_it(machines: Machines) -> None:
    async def test(screen: TopScreen, terminal: Harness) -> None:
        waits = [*QMPSH, f"{machines.folder}/vm1.sock", ".wait", "STOP"]
        process = await asyncio.create_subprocess_exec(*waits, stdout=asyncio.subprocess.PIPE)
        await terminal.until(lambda: sum(one.sharers for one in screen.watch.probes))
        terminal.keys("q")
        await terminal.sees("monitors are shared through this table with 1; leave?")
        terminal.keys("n")
        await terminal.sees("Enter shell")
        terminal.keys("py")
        await process.communicate()
        assert process.returncode == 0

    over(machines, test)
