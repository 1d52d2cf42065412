"""The screen on a real session with a real QEMU, without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.shell.session.session import Session, SessionListener
from qmpsh.shell.settings import Settings
from tests.qemu import Vm, VmStarter
from tests.ui.stage import Setting, Stage, stage


def on_stage(vm: Vm, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a scene on a screen that is connected to the VM."""

    def connect(watcher: SessionListener) -> Session:
        client = Client.connect(parse_address(vm.path))
        return Session(client, Settings(), watcher, "./monitor.sock")

    async def run() -> None:
        async with stage(100, 24, Setting(connect=connect)) as on:
            await scene(on)

    asyncio.run(run())


def test_what_the_vm_is_comes_by_itself(start_vm: VmStarter) -> None:
    async def scene(on: Stage) -> None:
        await on.sees("vm1 · paused (prelaunch) · ./monitor.sock")
        await on.sees(" commands · ")
        await on.sees(" events · Tab completes")
        await on.sees(" vm1  paused  QEMU ")

    on_stage(start_vm("-S", name="vm1"), scene)


def test_replies_and_events(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("stop\rcont\rquery-status\r")
        await on.sees('  "running": true')
        await on.until(lambda: on.screen.screen.events.total == 2)
        await on.sees("RESUME")
        await on.sees(" running  QEMU ")

    on_stage(vm, scene)


def test_an_error_of_the_server(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("device_del id=net9\r")
        await on.sees("DeviceNotFound: Device 'net9' not found")

    on_stage(vm, scene)


def test_the_whole_schema_is_folded_and_unfolds(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-qmp-schema\r")
        await on.sees(" more lines, ")
        on.keys("\x1bOS\x1b[1;5F")
        await on.until(lambda: on.screen.output.store.end > 15_000)
        await on.sees("\n]")

    on_stage(vm, scene)


def test_names_complete_and_members_are_hinted(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        await on.sees(" events · Tab completes")
        on.keys("query-st\t")
        await on.sees("query-stats-schemas")
        on.keys("\x03device_del ")
        await on.sees("id*: str")

    on_stage(vm, scene)


def test_a_transaction(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("transaction(\r")
        await on.sees("TRANS> _")
        on.keys("\x03")
        await on.sees("(QEMU) _")

    on_stage(vm, scene)


def test_a_raw_command_that_is_pasted_over_several_lines(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys('\x1b[200~{ "execute": "query-status",\n  "id": 7 }\x1b[201~\r')
        await on.sees('  "running": true')

    on_stage(vm, scene)


def test_the_end_of_the_vm(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-status\r")
        await on.sees('  "running": true')
        vm.kill()
        await on.sees("the VM is gone; waiting")
        assert on.picture().count("killed or crashed: the VM has ended.") == 1
        on.keys("query-status\r")
        await on.sees("error: ")

    on_stage(vm, scene)


def test_quit_is_answered_and_the_vm_ends(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("quit\r")
        await on.sees("[q]uit the VM")
        on.keys("q")
        await on.sees("the VM has ended")
        assert "connection lost" not in on.picture()

    on_stage(vm, scene)


def test_a_search_through_the_whole_schema(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-qmp-schema\r")
        await on.sees(" more lines, ")
        on.keys('\x1b/"x-blockdev-change"')
        await on.sees("1 of 1 line ")
        await on.sees('"name": "x-blockdev-change"')

    on_stage(vm, scene)


def test_a_table(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-chardev --table\r")
        await on.until(lambda: "compat_monitor0" in on.picture())
        assert "{" not in on.picture()

    on_stage(vm, scene)


def test_events_are_filtered(vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        on.keys(".events RES*\rstop\rcont\r")
        await on.sees(" RESUME")
        await on.sees("events 2  only RES*")
        assert " STOP" not in on.picture()
        on.keys(".events\r")
        await on.sees(" STOP")

    on_stage(vm, scene)
