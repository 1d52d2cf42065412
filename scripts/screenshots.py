"""`python -m scripts.screenshots`: real screens, on a real QEMU, into docs/screenshots/*.svg.

What is drawn is what qmpsh wrote to its terminal, read by pyte. Each shot has a VM of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from scripts.svg import Picture, draw
from tests.qemu import ROOT, VmStarter, emulators
from tests.ui.harness import ScreenHarness, ScreenSetup, connect_to, running_screen

FOLDER = ROOT / "docs" / "screenshots"
KNOWN = " events · Tab completes"
GIB = 2**30

Steps = Callable[[ScreenHarness], Awaitable[None]]


class Shot(NamedTuple):
    """A picture to take. title: its alternative text; steps: what leads to it."""

    title: str
    columns: int
    rows: int
    steps: Steps


async def run(ui: ScreenHarness, *lines: str) -> None:
    """Type lines, and wait for each to end."""
    blocks = ui.screen.output.store.blocks
    for line in lines:
        before = len(blocks)
        ui.keys(f"{line}\r")
        # The picture is not looked at meanwhile: that takes longer than the VM does.
        await ui.until(lambda: len(blocks) > before + 1 and ui.screen.session.running is None)  # noqa: B023


async def rests(ui: ScreenHarness) -> None:
    """Wait until nothing more is drawn."""
    before = ""
    while (picture := ui.picture()) != before:
        before = picture
        await asyncio.sleep(0.4)


async def start(ui: ScreenHarness) -> None:
    await ui.sees(KNOWN)
    await ui.sees("try  cont")


async def completion(ui: ScreenHarness) -> None:
    ui.keys("blockdev-add driver=qcow2 node-name=d0 \t")
    await ui.sees("backing")


async def hot_plug(ui: ScreenHarness) -> None:
    await run(ui, "cont", "device_add driver=virtio-rng-pci id=r0 bus=rp0", "device_del id=r0")
    await ui.sees("DEVICE_DELETED")
    await run(ui, "device_del id=net9", "query-status")
    ui.keys("device_add driver=virtio-net-pci id=")


async def progress(ui: ScreenHarness) -> None:
    await run(ui, "cont")
    for name in ("source", "target"):
        await run(ui, f"blockdev-add driver=null-co node-name={name} size={GIB}")
    await run(
        ui,
        f"blockdev-backup device=source target=target sync=full job-id=j0 speed={200_000_000}",
    )
    await ui.until(lambda: re.search(r" [67]\d % ", ui.picture()))


async def wide(ui: ScreenHarness) -> None:
    await run(ui, "cont", "query-block", "stop", "query-blockstats")
    ui.keys("blockdev-mirror device=disk0 target=d1 ")
    await ui.sees("job-id")


async def narrow(ui: ScreenHarness) -> None:
    await run(ui, "cont", "query-status", "stop")
    ui.keys("device_add driver=virtio-net-pci ")


SHOTS = {
    "start": Shot("The first prompt", 100, 20, start),
    "completion": Shot("The members of blockdev-add in a menu", 100, 24, completion),
    "hot-plug": Shot("A device comes and goes, with its events beside", 100, 25, hot_plug),
    "progress": Shot("A backup in the status line", 100, 22, progress),
    "wide": Shot("200 columns", 200, 46, wide),
    "narrow": Shot("60 columns: events fold into the status line", 60, 20, narrow),
}


def picture(ui: ScreenHarness, title: str) -> Picture:
    """The terminal as it is now."""
    ui.picture()
    screen = ui.terminal
    rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    cursor = None if screen.cursor.hidden else (screen.cursor.x, screen.cursor.y)
    return Picture(rows, cursor, title)


async def shoot(shot: Shot, path: str) -> Picture:
    """Take a picture of the VM whose monitor is at the path."""
    setup = ScreenSetup((shot.columns, shot.rows), connect=connect_to(path))
    async with running_screen(setup) as ui:
        await ui.sees(KNOWN.strip() if shot.columns > 70 else "events")
        await shot.steps(ui)
        if shot.steps is not progress:
            await rests(ui)
        return picture(ui, shot.title)


def main(names: list[str]) -> None:
    os.environ["HOME"] = tempfile.mkdtemp(prefix="qmpsh-")
    for variable in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[variable]
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(parents=True, exist_ok=True)
    starter = VmStarter(emulators()[0])
    try:
        for name in names or SHOTS:
            vm = starter(machine="demo", name="vm1")
            drawn = draw(asyncio.run(shoot(SHOTS[name], vm.path)))
            Path(FOLDER, f"{name}.svg").write_text(drawn, encoding="utf-8")
            vm.kill()
    finally:
        starter.close()


if __name__ == "__main__":
    main(sys.argv[1:])
