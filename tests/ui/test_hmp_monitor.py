"""The full screen at an HMP monitor: its banner, its completion, its state, and the VM's end."""

from __future__ import annotations

import asyncio
import contextlib
import os

from tests.qemu import VmStarter
from tests.ui.harness import ScreenHarness, ScreenSetup, connect_to, running_screen


async def look_around(ui: ScreenHarness) -> None:
    await ui.sees("Connected to HMP monitor of QEMU ")
    await ui.sees("vm1 · paused (prelaunch) · ./monitor.sock")
    await ui.sees("type a command of the human monitor: Tab lists all of them")
    await ui.until(lambda: bool(ui.screen.session.catalog.hmp_info), "what help info says")
    ui.keys("info sta\t")
    await ui.sees("show the current VM status")
    ui.keys("\x03cont\r")
    await ui.sees(" vm1  running  HMP monitor of QEMU ")
    ui.keys("query-block\r")
    await ui.sees("query-block is QMP, and this is an HMP monitor: try")


def test_a_session(start_vm: VmStarter) -> None:
    human = ("-S", "-monitor", "unix:{folder}/h,server=on,wait=off")

    async def at_monitor() -> None:
        vm = start_vm(*human, name="vm1", qmp=False)
        path = f"{vm.folder}/h"
        async with running_screen(ScreenSetup((100, 24), connect=connect_to(path))) as ui:
            await look_around(ui)
            vm.kill()
            await ui.sees("the VM has ended")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            start_vm(*human, name="vm1", qmp=False, folder=vm.folder)
            await ui.sees("reconnected to vm1 (HMP monitor of QEMU ")
            ui.keys("info name\r")
            await ui.sees("\nvm1\n")

    asyncio.run(at_monitor())
