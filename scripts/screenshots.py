"""`python -m scripts.screenshots`: real screens, on a real QEMU, into docs/screenshots/*.svg.

What is drawn is what qmpsh wrote to its terminal, read by pyte. Each shot has a VM of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import qmpsh
from qmpsh.top.columns import BY_KEY
from scripts.storyboards import BESIDE, FILMS, Storyboard, beside, play
from scripts.svg import DARK, LIGHT, Picture, draw, draw_film
from tests.guest import boot
from tests.qemu import ROOT, Vm, VmStarter, emulators, new_folder
from tests.top.still import live
from tests.ui.harness import Harness, ScreenHarness, ScreenSetup, connect_to, running_screen

FOLDER = ROOT / "docs" / "screenshots"
KNOWN = " events · Tab completes"
GIB = 2**30

Steps = Callable[[ScreenHarness], Awaitable[None]]


class Shot(NamedTuple):
    """A picture to take. title: its alternative text; steps: what leads to it.

    guest: of a VM that runs the small Linux of the tests, at its prompt
    """

    title: str
    columns: int
    rows: int
    steps: Steps
    themes: Sequence[str] = ("dark",)
    guest: bool = False


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
    await ui.sees("machine  ")
    await rests(ui)


async def disks(ui: ScreenHarness) -> None:
    """Let two disks be there, and the VM run, below an empty screen."""
    await start(ui)
    ui.keys(CTRL_L)
    await run(ui, "cont")
    for name in ("source", "target"):
        await run(ui, f"blockdev-add driver=null-co node-name={name} size=1G")


async def progress(ui: ScreenHarness) -> None:
    await disks(ui)
    await run(
        ui,
        "blockdev-backup device=source target=target sync=full job-id=j0 speed=200M",
    )
    await ui.until(lambda: re.search(r" [67]\d % ", ui.picture()))


async def jobs(ui: ScreenHarness) -> None:
    await disks(ui)
    await run(ui, "blockdev-add driver=null-co node-name=copy size=1G")
    await run(
        ui,
        "blockdev-backup device=source target=target sync=full job-id=nightly speed=50M",
        "blockdev-mirror device=disk0 target=copy sync=full job-id=move speed=90M",
    )
    ui.keys(F6)
    await ui.until(lambda: re.search(r" [45]\d % ", ui.picture()))


async def trees(ui: ScreenHarness) -> None:
    await disks(ui)
    await run(
        ui,
        f"nbd-server-start addr.type=unix addr.data.path={tempfile.mkdtemp()}/nbd",
        "block-export-add type=nbd id=web node-name=source",
        "blockdev-mirror device=disk0 target=target sync=full job-id=move speed=1000",
    )
    ui.keys(CTRL_L)
    await run(ui, ".tree block")
    ui.keys(".cd /machine/peripheral/nic0\r")
    await ui.sees("(QEMU /machine")
    await run(ui, ".get mac", ".prop rombar 0")
    ui.keys(".get virtio-backend/gu")
    await rests(ui)


async def narrow(ui: ScreenHarness) -> None:
    await start(ui)
    ui.keys(CTRL_L)
    await run(ui, "cont", "query-status", "stop")
    ui.keys("device_add driver=virtio-net-pci ")


async def sharing(ui: ScreenHarness) -> None:
    """Let other processes use the VM through the shell, one of which follows its events."""
    await start(ui)
    ui.keys(CTRL_L)
    path = str(ui.screen.session.client.address)
    for line in (".events", ".watch query-status"):
        other_qmpsh(path, *line.split())
    await ui.sees("shared 2")
    for line in (
        "cont",
        "device_add driver=virtio-rng-pci id=r0 bus=rp0",
        "device_del id=r0 --wait",
    ):
        one_shot = other_qmpsh(path, *line.split())
        await ui.until(lambda: one_shot.poll() is not None)  # noqa: B023 - it is awaited at once
    await ui.sees("device_del")
    await run(ui, ".share", "query-status")


def other_qmpsh(*words: str) -> subprocess.Popen[bytes]:
    """Start another qmpsh, whose output no one reads; it ends with the VM at the latest."""
    argv = [sys.executable, "-m", "qmpsh", *words]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def plot(ui: ScreenHarness) -> None:
    """Let a disk be read and written by others, and draw how much."""
    await start(ui)
    await run(ui, f".hmp drive_add 0 if=none,id=vda,driver=null-co,size={GIB}")
    path = str(ui.screen.session.client.address)
    loop = asyncio.get_running_loop()
    # Elsewhere: it is the screen in this loop that serves it.
    with await loop.run_in_executor(None, qmpsh.connect, path) as client:
        using = asyncio.ensure_future(in_waves(client))
        await ui.sees("counts them")
        ui.keys(CTRL_L + ".plot 100ms query-blockstats [device=vda].stats.rd_bytes/s\r")
        await asyncio.sleep(8)
        ui.keys(CTRL_C)
        await ui.until(lambda: ui.screen.session.running is None)
        paths = " ".join(f"[device=vda].stats.{name}/s" for name in USED)
        ui.keys(f".plot 100ms query-blockstats {paths}\r")
        await asyncio.sleep(6)
        using.cancel()


USED = ("rd_operations", "wr_bytes", "rd_total_time_ns")


async def in_waves(client: qmpsh.VM) -> None:
    """Read and write more and less."""
    loop = asyncio.get_running_loop()
    for step in itertools.count():
        reads = 1 + round(5 * (1 + math.sin(step / 7)) + 3 * math.sin(step / 2.3))
        lines = [f'qemu-io vda "aio_read {at}M 256k"' for at in range(reads)]
        lines += [f'qemu-io vda "aio_write {at}M 64k"' for at in range(step % 5)]
        for line in lines:
            arguments = {"command-line": line}
            await loop.run_in_executor(None, client.execute, "human-monitor-command", arguments)
        await asyncio.sleep(0.05)


async def screen(ui: ScreenHarness) -> None:
    """Type into a small Linux, and look at what it shows."""
    await start(ui)
    ui.keys(CTRL_L)
    await run(ui, r".type 'clear; uname -srm; free -m; ls --color=always /\n'")
    await run(ui, ".screen --until '#$' --timeout 1m", ".screen")
    ui.keys(r".type 'poweroff -f\n'")


CTRL_C, CTRL_L, F6 = "\x03", "\x0c", "\x1b[17~"

TERMINALS = {"dark": DARK, "light": LIGHT}

BOTH = ("dark", "light")

SHOTS = {
    "start": Shot("The first prompt, with the machine below the banner", 100, 22, start),
    "progress": Shot("A backup in the status line", 120, 16, progress),
    "jobs": Shot("The list of jobs and its keys", 100, 12, jobs),
    "trees": Shot("The block layer during a mirror, and a place in QOM", 100, 34, trees, BOTH),
    "narrow": Shot("60 columns: events fold into the status line", 60, 16, narrow),
    "sharing": Shot("Other processes use the monitor through the shell", 120, 20, sharing),
    "plot": Shot("What a disk does, as a plot and as lines", 100, 22, plot),
    "screen": Shot("A Linux typed into, and its screen", 100, 20, screen, BOTH, guest=True),
}

TOP = Shot("A live table of VMs, one of which hangs", 120, 18, start, BOTH)
FLEET = ("db1", "db2", "build", "vm1", "web1", "web2", "web3", "web4")

MOVING = {progress, jobs, plot}
"""What is drawn while something goes on."""


def picture(ui: Harness, shot: Shot, theme: str) -> Picture:
    """The terminal as it is now."""
    ui.picture()
    screen = ui.terminal
    rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    cursor = None if screen.cursor.hidden else (screen.cursor.x, screen.cursor.y)
    return Picture(rows, cursor, shot.title, TERMINALS[theme])


async def shoot(shot: Shot, path: str, theme: str) -> Picture:
    """Take a picture of the VM whose monitor is at the path."""
    setup = ScreenSetup((shot.columns, shot.rows), connect=connect_to(path), theme=theme)
    async with running_screen(setup) as ui:
        await ui.sees(KNOWN.strip() if shot.columns > 70 else "events")
        await shot.steps(ui)
        if shot.steps not in MOVING:
            await rests(ui)
        return picture(ui, shot, theme)


async def shoot_fleet(glob: str, clients: list[qmpsh.VM], hung: Vm, theme: str) -> Picture:
    """Take a picture of the live table. clients: VMs whose disks are in use meanwhile"""
    size = (TOP.columns, TOP.rows)
    async with live(glob, seconds=1.0, size=size, theme=theme) as (screen, ui):
        await ui.sees(f"{len(FLEET)} VMs  {len(FLEET)} running")
        screen.state.order.sort_by(BY_KEY["cpu"])
        await work(clients, 8)
        with hung.stopped():
            await work(clients, 6)
            ui.keys("\x1b[B\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[Bd")
            await ui.sees("── details")
            return picture(ui, TOP, theme)


async def work(clients: list[qmpsh.VM], seconds: float) -> None:
    """Let the disks be in use for so long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await loop.run_in_executor(None, use_disks, clients)


def use_disks(clients: list[qmpsh.VM]) -> None:
    """Let disks be read and written as by a guest, and a moment pass."""
    for number, client in enumerate(clients):
        for at in range(8 >> number):
            what = "aio_write" if at % 3 == number else "aio_read"
            line = f'qemu-io disk0 "{what} {at}M 256k"'
            client.execute("human-monitor-command", {"command-line": line})
    time.sleep(0.1)


def draw_fleet(starter: VmStarter, theme: str) -> str:
    """Start several VMs, of which one works on a backup, and draw the table of them."""
    folder = new_folder()
    vms = [
        starter(
            *("-qmp", f"unix:{folder}/{name}.sock,server=on,wait=off"),
            *("-drive", f"driver=null-co,size={GIB},if=none,id=disk0"),
            *("-device", "virtio-blk-pci,drive=disk0"),
            *("-device", "virtio-balloon-pci", "-m", "256"),
            machine="q35",
            name=name,
        )
        for name in FLEET
    ]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(qmpsh.connect(vm.path)) for vm in vms[:3]]
        clients[1].run(f"blockdev-add driver=null-co node-name=target size={GIB}")
        clients[1].run(
            "blockdev-backup device=disk0 target=target sync=full job-id=nightly speed=40M"
        )
        return draw(asyncio.run(shoot_fleet(f"{folder}/*.sock", clients, vms[-1], theme)))


def draw_shot(shot: Shot, starter: VmStarter, theme: str) -> str:
    """Take a still picture, on a VM of its own."""
    vm = boot(starter, "text").vm if shot.guest else starter(machine="demo", name="vm1")
    try:
        return draw(asyncio.run(shoot(shot, vm.path, theme)))
    finally:
        vm.kill()


def draw_beside(starter: VmStarter, theme: str) -> str:
    """Take the picture of two shells."""
    frame = beside(theme, starter)
    return draw(Picture(frame.rows, frame.cursor, BESIDE, TERMINALS[theme]))


def draw_board(board: Storyboard, starter: VmStarter, theme: str) -> str:
    """Take a film."""
    return draw_film(board.title, play(board, theme, starter), TERMINALS[theme])


class Drawing(NamedTuple):
    """How a picture is taken, in which themes."""

    draw: Callable[[VmStarter, str], str]
    themes: Sequence[str] = BOTH


DRAWINGS = {
    **{name: Drawing(partial(draw_board, board)) for name, board in FILMS.items()},
    "beside": Drawing(draw_beside),
    "top": Drawing(draw_fleet, TOP.themes),
    **{name: Drawing(partial(draw_shot, shot), shot.themes) for name, shot in SHOTS.items()},
}


def file_name(name: str, theme: str) -> str:
    """The file of a drawing, without its ending."""
    return name if theme == "dark" else f"{name}-{theme}"


def main(names: list[str]) -> None:
    os.environ["HOME"] = tempfile.mkdtemp(prefix="qmpsh-")
    for variable in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[variable]
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(parents=True, exist_ok=True)
    starter = VmStarter(emulators()[0])
    try:
        for name in names or DRAWINGS:
            for theme in DRAWINGS[name].themes:
                drawn = DRAWINGS[name].draw(starter, theme)
                Path(FOLDER, f"{file_name(name, theme)}.svg").write_text(drawn, encoding="utf-8")
    finally:
        starter.close()


if __name__ == "__main__":
    main(sys.argv[1:])
