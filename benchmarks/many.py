"""One line on a hundred VMs: one process beside one for each VM, four at a time."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.table import Row, Unit
from benchmarks.timing import medians, process_seconds
from tests.qemu import VmStarter

LINE = "query-status"
VMS = 100
"""of 10 MB each"""
ROUNDS = 5
XARGS = f'ls "$2"/*.sock | xargs -P4 -I@ "$1" @ {LINE}'


def rows(bench: Bench) -> Iterator[Row]:
    """`-a` over 100 VMs beside `xargs -P4 qmpsh`, and beside itself over one VM."""
    with many_vms(bench, VMS):
        yield from _measured(bench)


@contextlib.contextmanager
def many_vms(bench: Bench, count: int) -> Iterator[None]:
    """So many VMs meanwhile, whose sockets are many*.sock in the bench's folder."""
    starter = VmStarter(bench.emulator)
    try:
        for number in range(count):
            monitor = f"unix:{bench.folder}/many{number}.sock,server=on,wait=off"
            starter("-qmp", monitor, qmp=False, name=f"many{number}")
        yield
    finally:
        starter.close()


def _measured(bench: Bench) -> Iterator[Row]:
    qmpsh = bench.script("qmpsh")
    every = [qmpsh, "-a", f"{bench.folder}/many*.sock", LINE]
    single = [qmpsh, "-a", f"{bench.folder}/many0.sock", LINE]
    xargs = ["/bin/sh", "-c", XARGS, "sh", qmpsh, str(bench.folder)]
    said = subprocess.run(every, env=bench.env, capture_output=True, text=True, check=True).stdout
    if len(said.splitlines()) != VMS:
        raise RuntimeError(f"-a: {len(said.splitlines())} lines of {VMS} VMs")
    mine, first, others = medians(
        [
            partial(process_seconds, every, bench.env),
            partial(process_seconds, single, bench.env),
            partial(process_seconds, xargs, bench.env),
        ],
        ROUNDS,
    )
    what = f"-a {LINE} over {VMS} VMs, whole process"
    yield Row(what, Unit.MILLISECONDS, mine, "xargs -P4 qmpsh", others, goal=0.10)
    yield Row(what, Unit.MILLISECONDS, mine, "-a over one VM", first)
