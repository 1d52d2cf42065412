"""`qmpsh top`: CPU and memory over a hundred VMs, and how both grow up to a thousand monitors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from prompt_toolkit.application.current import set_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from benchmarks.bench import Bench
from benchmarks.many import LINE, many_vms
from benchmarks.table import Row, Unit
from benchmarks.terminal import Terminal, on_terminal
from benchmarks.timing import medians, process_seconds
from qmpsh.client.client import ClientOptions
from qmpsh.render.theme import UNICODE
from qmpsh.shell.settings import Settings
from qmpsh.top.columns import COLUMNS
from qmpsh.top.discovery import Discovery
from qmpsh.top.order import Order
from qmpsh.top.probe import ProbePlan
from qmpsh.top.record import VmRecord
from qmpsh.top.screen.app import TopRequest, TopScreen
from qmpsh.ui.common.front_end import TerminalEnv
from tests.qemu import ROOT
from tests.top.samples import NOW, running, usage

TRIES = 60
"""times that a table is drawn as a whole until it shows all"""
VMS, MANY = 100, 1000
SHARE, MEMORY = 0.03, 60e6
"""goals at VMS: seconds of CPU a second, bytes"""
MEMORY_OF_MANY, FRAME, SWEEP = 120e6, 0.010, 1.5
SIZES = ((80, 24, 1), (120, 30, 1), (200, 60, None))
SECONDS = 20.0
FRAMES = 100
ROUNDS = 3


def rows(bench: Bench) -> Iterator[Row]:
    """The live table over real VMs, and over monitors that only answer."""
    with many_vms(bench, VMS):
        share, memory = live(bench, f"{bench.folder}/many*.sock", VMS)
    yield Row(f"top over {VMS} VMs, CPU a second", Unit.MILLISECONDS, share, "the bound", SHARE, 1)
    yield Row(f"top over {VMS} VMs, memory", Unit.MEGABYTES, memory, "the bound", MEMORY, 1)
    with monitors(bench, MANY) as glob:
        most, memory_of_many = live(bench, glob, MANY)
        yield from sweeps(bench, glob)
    with monitors(bench, VMS) as glob:
        least, memory_of_few = live(bench, glob, VMS)
    what = f"top over {MANY:,} monitors, "
    beside = f"over {VMS} monitors"
    yield Row(f"{what}CPU a second", Unit.MILLISECONDS, most, beside, least)
    yield Row(f"{what}memory", Unit.MEGABYTES, memory_of_many, "the bound", MEMORY_OF_MANY, 1)
    yield Row(f"{what}memory", Unit.MEGABYTES, memory_of_many, beside, memory_of_few)
    for columns, lines, goal in SIZES:
        seconds = asyncio.run(frame(columns, lines))
        name = f"top frame, {MANY:,} VMs, {columns}x{lines}"
        yield Row(name, Unit.MILLISECONDS, seconds, "the bound", FRAME, goal)


def live(bench: Bench, glob: str, count: int) -> tuple[float, float]:
    """CPU seconds a second, and bytes, of the live table."""
    with on_terminal(bench, ["top", glob], "qmpsh top") as terminal:
        wait_until_all_run(terminal, count)
        read_for(terminal, 3)
        before, start = terminal.cpu_seconds(), time.monotonic()
        read_for(terminal, SECONDS)
        used = terminal.cpu_seconds() - before
        return used / (time.monotonic() - start), terminal.memory("VmRSS")


def wait_until_all_run(terminal: Terminal, count: int) -> None:
    """Wait until the table counts so many VMs that run; it draws only what changes of a number.

    Raises RuntimeError when it does not.
    """
    for tries in range(TRIES):
        drawn = terminal.redrawn(40 + tries % 2, 120)
        if f"{count:,} running" in drawn:
            return
    raise RuntimeError(f"not all of {count:,} run: {drawn[:300]!r}")


def read_for(terminal: Terminal, seconds: float) -> None:
    """Take in what is drawn for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)


@contextlib.contextmanager
def monitors(bench: Bench, count: int) -> Iterator[str]:
    """A process that answers on so many sockets; their glob."""
    folder = bench.folder / f"monitors{count}"
    command = [sys.executable, "-m", "benchmarks.monitors", str(folder), str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError("the simulated monitors did not start")
            yield f"{folder}/*.sock"
        finally:
            process.kill()
            shutil.rmtree(folder, ignore_errors=True)


def sweeps(bench: Bench, glob: str) -> Iterator[Row]:
    """`-a` over all of them, without the start of the program."""
    qmpsh = bench.script("qmpsh")
    every, single = ([qmpsh, "-a", text, LINE] for text in (glob, glob.replace("*", "vm0001")))
    seconds, start = medians(
        [partial(process_seconds, every, bench.env), partial(process_seconds, single, bench.env)],
        ROUNDS,
    )
    what = f"-a {LINE} over {MANY:,} monitors, over start-up"
    yield Row(what, Unit.MILLISECONDS, seconds - start, "the bound", SWEEP, 1)


async def frame(columns: int, lines: int) -> float:
    """Seconds of a frame in which every number has changed."""
    records = [running(f"vm{number:04}", cpu=number / MANY) for number in range(MANY)]
    size = Size(rows=lines, columns=columns)
    plan = ProbePlan(ClientOptions(), Settings())
    with create_pipe_input() as keys, open(os.devnull, "w") as sink:
        output = Vt100_Output(sink, lambda: size, term="xterm-256color", enable_cpr=False)
        request = TopRequest(Discovery([], print), plan, Order(), COLUMNS, 1.0)
        screen = TopScreen(request, TerminalEnv(input=keys, output=output, glyphs=UNICODE))
        times = [frame_seconds(screen, records, turn) for turn in range(FRAMES)]
        screen.watch.close()
    return sorted(times)[FRAMES // 2]


def frame_seconds(screen: TopScreen, records: list[VmRecord], turn: int) -> float:
    """Give every VM other numbers, order them, and draw; CPU time, as other programs may run."""
    for number, record in enumerate(records):
        cpu = (number * 7 + turn * 13) % MANY / MANY
        used = record.usage.process.seconds if record.usage.process is not None else 0.0
        record.usage.on_process(usage(NOW + turn + 1, used + cpu))
    start = time.thread_time()
    screen.state.update(records, NOW + turn + 1)
    with set_app(screen.app):
        screen.app.renderer.render(screen.app, screen.app.layout)
    return time.thread_time() - start
