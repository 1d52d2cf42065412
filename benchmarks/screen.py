"""The full screen: what a frame costs, how soon a long reply is there, and in how much memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from io import BufferedRWPair
from typing import TextIO

from prompt_toolkit.application.current import set_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from benchmarks.bench import Bench
from benchmarks.prompt import COLUMNS, ROWS
from benchmarks.table import Row, Unit
from benchmarks.terminal import Terminal, screen
from benchmarks.timing import medians
from qmpsh.render.answers import BodyKind, text_body
from qmpsh.render.theme import UNICODE
from qmpsh.ui.common.front_end import TerminalEnv
from qmpsh.ui.screen.app import FullScreen
from tests.qemu import VmStarter
from tests.ui.fakes import FakeSession

MANY, FEW = 100_000, 100
REPLY = 10  # lines
FRAMES = 400
SCHEMA_ROUNDS = 9
PEAK = 80e6  # bytes
LINE = "query-qmp-schema"


def frame_rows(bench: Bench) -> Iterator[Row]:
    """A frame with much in the output pane, beside one with little; each frame scrolls a row."""
    much, little = asyncio.run(frames())
    what = f"frame, {MANY:,} lines of output"
    yield Row(what, Unit.MILLISECONDS, much, f"frame, {FEW} lines", little, goal=1.2)


async def frames() -> list[float]:
    """Seconds of a frame with much and with little; drawing needs a running loop."""
    with create_pipe_input() as keys, open(os.devnull, "w") as sink:
        screens = [
            filled(TerminalEnv(input=keys, output=drawn_to(sink), glyphs=UNICODE), n)
            for n in (MANY, FEW)
        ]
        return medians([partial(frame_seconds, one) for one in screens], FRAMES)


def drawn_to(sink: TextIO) -> Vt100_Output:
    """A terminal whose bytes nobody reads."""
    size = Size(rows=ROWS, columns=COLUMNS)
    return Vt100_Output(sink, lambda: size, term="xterm-256color", enable_cpr=False)


def filled(env: TerminalEnv, lines: int) -> FullScreen:
    """A screen with so many lines of replies."""
    full = FullScreen(FakeSession, InMemoryHistory(), env=env)
    full.output.view.height = ROWS  # as if drawn once: a reply this short is not folded
    for first in range(0, lines, REPLY):
        # The same lines again and again, so that a frame changes as many cells in both.
        texts = [f'  "member-{number}": {first % 90 + 10},' for number in range(REPLY)]
        full.output.reply(text_body("\n".join(texts), BodyKind.JSON))
    return full


def frame_seconds(full: FullScreen) -> float:
    """Scroll by a row, up and down in turn, and draw."""
    view = full.output.view
    start = time.perf_counter()
    view.scroll(-1 if view.is_following else 1)
    with set_app(full.app):
        full.app.renderer.render(full.app, full.app.layout)
    return time.perf_counter() - start


def schema_rows(bench: Bench) -> Iterator[Row]:
    """The whole schema, from Enter until it is drawn, beside a bare script's loads and dumps."""
    starter = VmStarter(bench.emulator)
    try:
        second = "unix:{folder}/t,server=on,wait=off"
        vm = starter("-S", "-qmp", second, machine="q35")
        with screen(bench, vm.path) as terminal, bare(f"{vm.folder}/t") as stream:
            measures = [partial(shown_seconds, terminal), partial(bare_seconds, stream)]
            ours, theirs = medians(measures, SCHEMA_ROUNDS)
        what = f"{LINE} on the screen"
        reference = "socket, json.loads, json.dumps(indent=2)"
        yield Row(what, Unit.MILLISECONDS, ours, reference, theirs, goal=1.5)
        with screen(bench, vm.path) as terminal:
            shown_seconds(terminal)
            # Unfolded, and its last line looked at.
            terminal.keys("\x1bOS\x1b[1;5F")
            terminal.quiet(0.5)
            peak = terminal.memory("VmHWM")
        yield Row("peak memory, the schema shown", Unit.MEGABYTES, peak, "the bound", PEAK, goal=1)
    finally:
        starter.close()


def shown_seconds(terminal: Terminal) -> float:
    """From Enter until the reply is on the screen; other drawing is waited for before."""
    terminal.keys(f"\x0c{LINE}")
    terminal.quiet(0.3)
    terminal.keys("\r")
    return terminal.wait_for(" more lines")


@contextlib.contextmanager
def bare(path: str) -> Iterator[BufferedRWPair]:
    """A negotiated connection without a client."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        with sock.makefile("rwb") as stream:
            stream.readline()
            ask(stream, "qmp_capabilities")
            yield stream


def ask(stream: BufferedRWPair, name: str) -> bytes:
    """The line that answers a command."""
    stream.write(json.dumps({"execute": name}).encode() + b"\n")
    stream.flush()
    return stream.readline()


def bare_seconds(stream: BufferedRWPair) -> float:
    """Fetch the schema, read it, print it with indents: into memory, onto no screen."""
    start = time.perf_counter()
    json.dumps(json.loads(ask(stream, LINE))["return"], indent=2)
    return time.perf_counter() - start
