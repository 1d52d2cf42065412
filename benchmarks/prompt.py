"""Time to a usable prompt.

Ours: from the start of `qmpsh SOCKET` on a new terminal until the prompt has been drawn, connected
and negotiated; nothing is typed. Beside it the library that draws it: a whole process that imports
prompt_toolkit and ends.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NoReturn

from benchmarks.bench import Bench
from benchmarks.table import Row, Unit
from benchmarks.timing import medians, process_seconds

PAIRS = 20
PROMPT = b"(QEMU)"
LIBRARY = "import prompt_toolkit"
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
SECONDS = 30.0
ROWS, COLUMNS = 30, 100


def rows(bench: Bench) -> Iterator[Row]:
    """The full screen and the line prompt."""
    library = [bench.python, "-c", LIBRARY]
    full = [bench.script("qmpsh"), bench.vm.path]
    plain = [bench.script("qmpsh"), "--plain", bench.vm.path]
    screen, line, imported = medians(
        [
            partial(seconds_to_prompt, full, bench),
            partial(seconds_to_prompt, plain, bench),
            partial(process_seconds, library, bench.env),
        ],
        PAIRS,
    )
    reference = f"python -c '{LIBRARY}'"
    yield Row("to the prompt", Unit.MILLISECONDS, screen, reference, imported, goal=1.25)
    what = "to the prompt of --plain"
    yield Row(what, Unit.MILLISECONDS, line, reference, imported, goal=1.25)
    yield Row(what, Unit.MILLISECONDS, line, "to the prompt", screen, goal=1.0)


def seconds_to_prompt(argv: list[str], bench: Bench) -> float:
    """Start a process on a terminal of its own, wait for the prompt, end it."""
    start = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        exec_on_terminal(argv, bench.env)
    try:
        wait_for_prompt(terminal, start + SECONDS)
        return time.perf_counter() - start
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def exec_on_terminal(argv: list[str], env: Mapping[str, str]) -> NoReturn:
    """In the new process: give the terminal a size, become the command."""
    try:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execve(argv[0], argv, dict(env))
    finally:
        os._exit(127)


def wait_for_prompt(terminal: int, deadline: float) -> None:
    """Read what is drawn until the prompt is in it. Raises RuntimeError when it never is."""
    drawn = b""
    while PROMPT not in ESCAPES.sub(b"", drawn):
        left = max(0.0, deadline - time.perf_counter())
        try:
            readable = select.select([terminal], [], [], left)[0]
            drawn += os.read(terminal, 65536) if readable else b""
        except OSError:  # the process ended: a terminal without a writer reads as EIO
            readable = []
        if not readable:
            raise RuntimeError(f"no prompt was drawn: {drawn.decode(errors='replace')[-200:]}")
