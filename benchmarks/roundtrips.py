"""Commands a second in one process: send one, wait for its reply, send the next.

`python -m benchmarks.roundtrips ours|raw SOCKET COUNT` does so many, to be counted from outside.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Iterator
from functools import partial

from qemu.qmp import QMPClient

from benchmarks.bench import Bench
from benchmarks.table import Row, Unit
from benchmarks.timing import medians
from qmpsh.address import parse_address
from qmpsh.client.client import Client, ClientOptions
from qmpsh.protocol.messages import Command

COUNT = 2000
ROUNDS = 9
NAME = "query-status"
REQUEST = {"execute": NAME, "id": "1"}


def rows(bench: Bench) -> Iterator[Row]:
    """The client beside a raw loop over a socket, and beside qemu.qmp's client."""
    path = bench.vm.path
    measures = [
        partial(ours, path),
        partial(raw_socket, path, REQUEST),
        partial(raw_socket, path, {"execute": NAME}),
        partial(qemu_qmp, path),
    ]
    mine, raw, bare, theirs = (COUNT / seconds for seconds in medians(measures, ROUNDS))
    what = f"execute {NAME}, round trips"
    yield Row(what, Unit.PER_SECOND, mine, "raw socket and json, the same request", raw, goal=1.0)
    # QEMU takes a request in byte by byte: the id, which replies are matched by, costs a fifth.
    yield Row(what, Unit.PER_SECOND, mine, "raw socket and json, without an id", bare)
    yield Row(what, Unit.PER_SECOND, mine, "qemu.qmp, QMPClient.execute", theirs, goal=1.40)


# Each connects, then measures the loop alone; the monitor serves one client after the other.


def ours(path: str, count: int = COUNT) -> float:
    client = Client.connect(parse_address(path), ClientOptions(), ignore)
    start = time.perf_counter()
    for _ in range(count):
        client.execute(Command(NAME), None)
    seconds = time.perf_counter() - start
    client.close()
    return seconds


def ignore(_notice: str) -> None:
    """A notice while connecting; nobody reads it here."""


def raw_socket(path: str, request: dict[str, str], count: int = COUNT) -> float:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        with sock.makefile("rb") as replies:
            json.loads(replies.readline())
            sock.sendall(b'{"execute": "qmp_capabilities"}\n')
            json.loads(replies.readline())
            start = time.perf_counter()
            for _ in range(count):
                sock.sendall(json.dumps(request).encode() + b"\n")
                json.loads(replies.readline())["return"]
            return time.perf_counter() - start


def qemu_qmp(path: str) -> float:
    return asyncio.run(qemu_qmp_loop(path))


async def qemu_qmp_loop(path: str) -> float:
    client = QMPClient("bench")
    await client.connect(path)
    start = time.perf_counter()
    for _ in range(COUNT):
        await client.execute(NAME)
    seconds = time.perf_counter() - start
    await client.disconnect()
    return seconds


if __name__ == "__main__":
    if sys.argv[1] == "ours":
        ours(sys.argv[2], int(sys.argv[3]))
    else:
        raw_socket(sys.argv[2], REQUEST, int(sys.argv[3]))
