"""`python -m scripts.screenshots`: real screens, on a real QEMU, into docs/screenshots/*.svg.

What is drawn is what qmpsh wrote to its terminal, read by pyte. Each scene has a VM of its own.
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

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.shell.session.session import Session, SessionListener
from qmpsh.shell.settings import Settings
from scripts.svg import Picture, draw
from tests.qemu import ROOT, VmStarter, emulators
from tests.ui.stage import Setting, Stage, stage

FOLDER = ROOT / "docs" / "screenshots"
KNOWN = " events · Tab completes"
GIB = 2**30

Scene = Callable[[Stage], Awaitable[None]]


class Shot(NamedTuple):
    """title: what is to be seen, for those who do not see it; play: up to the moment."""

    title: str
    columns: int
    rows: int
    play: Scene


async def run(on: Stage, *lines: str) -> None:
    """Type lines, and wait for each to end."""
    blocks = on.screen.output.store.blocks
    for line in lines:
        before = len(blocks)
        on.keys(f"{line}\r")
        # The picture is not looked at meanwhile: that takes longer than the VM does.
        await on.until(lambda: len(blocks) > before + 1 and on.screen.session.running is None)  # noqa: B023


async def rests(on: Stage) -> None:
    """Wait until nothing more is drawn."""
    before = ""
    while (picture := on.picture()) != before:
        before = picture
        await asyncio.sleep(0.4)


async def start(on: Stage) -> None:
    await on.sees(KNOWN)


async def completion(on: Stage) -> None:
    on.keys("blockdev-add driver=qcow2 node-name=d0 \t")
    await on.sees("backing")


async def hot_plug(on: Stage) -> None:
    await run(on, "cont", "device_add driver=virtio-rng-pci id=r0 bus=rp0", "device_del id=r0")
    await on.sees("DEVICE_DELETED")
    await run(on, "device_del id=net9", "query-status")
    on.keys("device_add driver=virtio-net-pci id=")


async def progress(on: Stage) -> None:
    await run(on, "cont")
    for name in ("source", "target"):
        await run(on, f"blockdev-add driver=null-co node-name={name} size={GIB}")
    await run(
        on,
        f"blockdev-backup device=source target=target sync=full job-id=j0 speed={200_000_000}",
    )
    await on.until(lambda: re.search(r" [67]\d % ", on.picture()))


async def wide(on: Stage) -> None:
    await run(on, "cont", "query-block", "stop", "query-blockstats")
    on.keys("blockdev-mirror device=disk0 target=d1 ")
    await on.sees("job-id")


async def narrow(on: Stage) -> None:
    await run(on, "cont", "query-status", "stop")
    on.keys("device_add driver=virtio-net-pci ")


SHOTS = {
    "start": Shot("The first prompt", 100, 14, start),
    "completion": Shot("The members of blockdev-add in a menu", 100, 24, completion),
    "hot-plug": Shot("A device comes and goes, with its events beside", 100, 25, hot_plug),
    "progress": Shot("A backup in the status line", 100, 22, progress),
    "wide": Shot("200 columns", 200, 46, wide),
    "narrow": Shot("60 columns: events fold into the status line", 60, 20, narrow),
}


def picture(on: Stage, title: str) -> Picture:
    """The terminal as it is now."""
    on.picture()
    screen = on.terminal
    rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    cursor = None if screen.cursor.hidden else (screen.cursor.x, screen.cursor.y)
    return Picture(rows, cursor, title)


async def shoot(shot: Shot, path: str) -> Picture:
    """Play a scene on the VM whose monitor is at the path."""

    def connect(watcher: SessionListener) -> Session:
        return Session(Client.connect(parse_address(path)), Settings(), watcher, "./monitor.sock")

    async with stage(shot.columns, shot.rows, Setting(connect=connect)) as on:
        await on.sees(KNOWN.strip() if shot.columns > 70 else "events")
        await shot.play(on)
        if shot.play is not progress:
            await rests(on)
        return picture(on, shot.title)


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
