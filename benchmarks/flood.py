"""10,000 events a second for ten seconds, and somebody who types meanwhile."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from benchmarks.bench import Bench
from benchmarks.eventserver import COMMAND, RATE, SECONDS, TOTAL
from benchmarks.prompt import COLUMNS, ROWS
from benchmarks.table import Row, Unit
from benchmarks.terminal import Terminal, screen
from tests.qemu import ROOT

ECHO = 0.050  # seconds
KEY_EVERY = 0.025
WARM = 3.0
FIRST_LETTER = 0x100
LETTERS = 0x200
"""Letters that nothing else on the screen has, each typed once: where one is drawn, it is echo"""


def rows(bench: Bench) -> Iterator[Row]:
    """What is lost, what a key costs, how far the client lags, how memory grows."""
    path = str(bench.folder / "flood")
    with server(bench, path) as said, screen(bench, path) as terminal:
        terminal.keys(f"{COMMAND}\r")
        echoes, warm = type_along(terminal)
        sent_in = float(said.readline())
        counted = wait_for_total(terminal)
        memory = terminal.memory("VmRSS")
    name = f"{RATE:,} events/s for {SECONDS} s"
    yield Row(f"{name}: counted", Unit.COUNT, counted, "sent", TOTAL, goal=1.0)
    yield Row(f"{name}: taken in", Unit.MILLISECONDS, sent_in, "as sent", SECONDS, goal=1.05)
    for share in (50, 99):
        value = echoes[len(echoes) * share // 100]
        what = f"key to echo meanwhile, p{share} of {len(echoes)}"
        yield Row(what, Unit.MILLISECONDS, value, "the bound", ECHO, goal=1.0)
    what = f"memory after {TOTAL:,} events"
    yield Row(what, Unit.MEGABYTES, memory, f"after {WARM:.0f} s of them", warm, goal=1.05)


@contextmanager
def server(bench: Bench, path: str) -> Iterator[IO[str]]:
    """The server in a process of its own; what it says."""
    argv = [bench.python, "-m", "benchmarks.eventserver", path]
    env = {**bench.env, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "listening\n":
                raise RuntimeError("the server of events did not start")
            yield process.stdout
        finally:
            process.kill()


def type_along(terminal: Terminal) -> tuple[list[float], float]:
    """Type until the flood is over: seconds to each echo, sorted; memory after a while."""
    start = time.perf_counter()
    echoes: list[float] = []
    warm = 0.0
    while (passed := time.perf_counter() - start) < SECONDS - 0.5:
        if not warm and passed >= WARM:
            warm = terminal.memory("VmRSS")
        letter = chr(FIRST_LETTER + len(echoes) % LETTERS)
        if len(echoes) % 30 == 29:
            letter = f"\x15{letter}"  # Ctrl-U: the line is not to grow beyond its row
        terminal.keys(letter)
        echoes.append(terminal.wait_for(letter[-1]))
        wait_drawing(terminal, KEY_EVERY)
    return sorted(echoes), warm


def wait_drawing(terminal: Terminal, seconds: float) -> None:
    """Let time pass, and take in what is drawn meanwhile."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        terminal.read(left)


def wait_for_total(terminal: Terminal) -> int:
    """What the status line counts once nothing more comes."""
    terminal.quiet(1.0)
    text = terminal.redrawn(ROWS + 1, COLUMNS)
    found = re.search(r"([\d,]+) events", text)
    if found is None:
        raise RuntimeError(f"no number of events in {text[-300:]!r}")
    return int(found[1].replace(",", ""))
