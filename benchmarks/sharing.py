"""One monitor for several clients: through `qmpsh share`, and on QEMU's own socket."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

from benchmarks.bench import Bench
from benchmarks.roundtrips import COUNT, NAME, ROUNDS, ours
from benchmarks.table import Row, Unit
from benchmarks.timing import medians
from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.client.shares import connect_share
from qmpsh.protocol.messages import Command

_SCHEMA = Command("query-qmp-schema")
_LIGHT = 40  # round trips beside a heavy client
_SEARCHES = 2000
_SEARCH_BOUND = 10e-6  # seconds
_AHEAD = 20  # commands of the heavy client that are always under way


def rows(bench: Bench) -> Iterator[Row]:
    """Round trips, their latency, and those of a light client beside a heavy one."""
    path = bench.vm.path
    yield Row(
        "looking for a share, at each start", Unit.MICROSECONDS, _search_seconds(path),
        "the bound", _SEARCH_BOUND, goal=1.0,
    )  # fmt: skip
    (direct,) = medians([partial(ours, path)], ROUNDS)
    heavy = _schema_seconds(path)
    with _shared(path):
        (through,) = medians([partial(ours, path)], ROUNDS)
        light = _light_beside_heavy(path)
    what = f"execute {NAME} through qmpsh share"
    yield Row(what, Unit.PER_SECOND, COUNT / through, "direct", COUNT / direct, goal=0.60)
    yield Row(what, Unit.MILLISECONDS, through / COUNT, "direct", direct / COUNT)
    what = f"{NAME} beside {_AHEAD} query-qmp-schema of another, p50"
    yield Row(what, Unit.MILLISECONDS, light, "one query-qmp-schema, direct", heavy, goal=3.0)


@contextmanager
def _shared(path: str) -> Iterator[None]:
    """Meanwhile a process of its own shares the monitor."""
    words = [sys.executable, "-m", "qmpsh", "share", path]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as share:
        if share.stderr is not None:
            share.stderr.readline()
        try:
            yield
        finally:
            share.terminate()


def _search_seconds(path: str) -> float:
    """Return what one search takes where there is no share: a stat, and opens that fail."""
    address = parse_address(path)
    times = []
    for _ in range(_SEARCHES):
        start = time.perf_counter()
        if connect_share(address) is not None:
            raise RuntimeError("another qmpsh shares the monitor")
        times.append(time.perf_counter() - start)
    return median(times)


def _schema_seconds(path: str) -> float:
    client = Client.connect(parse_address(path))
    start = time.perf_counter()
    client.execute(_SCHEMA)
    seconds = time.perf_counter() - start
    client.close()
    return seconds


def _light_beside_heavy(path: str) -> float:
    """Return the median of the light one's round trips, in seconds."""
    heavy, light = Client.connect(parse_address(path)), Client.connect(parse_address(path))
    pending = [heavy.submit(_SCHEMA) for _ in range(_AHEAD)]
    times = []
    for _ in range(_LIGHT):
        start = time.perf_counter()
        reply = light.submit(Command(NAME))
        while not reply.done:
            light.poll(0.001)
            heavy.poll(0)
        times.append(time.perf_counter() - start)
        pending = [one for one in pending if not one.done]
        pending += [heavy.submit(_SCHEMA) for _ in range(_AHEAD - len(pending))]
    heavy.close()
    light.close()
    return median(times)
