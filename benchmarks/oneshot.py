"""Whole processes, from start to end: one command, and a script of 2,000."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.table import Row, Unit
from benchmarks.timing import medians, process_seconds

LINE = "query-status"
PAIRS = 30
SCRIPT_LINES = 2000
SCRIPT_PAIRS = 5

BARE = f"""
import json, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
stream = sock.makefile("rw")
json.loads(stream.readline())
for name in "qmp_capabilities", "{LINE}":
    stream.write(json.dumps({{"execute": name}}) + "\\n")
    stream.flush()
    reply = json.loads(stream.readline())
print(json.dumps(reply["return"]))
"""
"""The least that a Python program can do: no checks, no events, no errors."""


def rows(bench: Bench) -> Iterator[Row]:
    """One-shot beside qmp-shell, fed the line on its standard input, and the bare interpreter."""
    path = bench.vm.path
    line = bench.folder / "line.qmp"
    line.write_text(f"{LINE}\n")
    ours = [bench.script("qmpsh"), path, LINE]
    shell = [bench.script("qmp-shell"), path]
    bare = [bench.python, "-c", BARE, path]
    for argv in ours, shell, bare:
        check_answer(bench, argv)

    what = f"one-shot {LINE}, whole process"
    mine, theirs, least = medians(
        [
            partial(process_seconds, ours, bench.env),
            partial(process_seconds, shell, bench.env, str(line)),
            partial(process_seconds, bare, bench.env),
        ],
        PAIRS,
    )
    yield Row(what, Unit.MILLISECONDS, mine, "qmp-shell, the line on stdin", theirs, goal=0.60)
    yield Row(what, Unit.MILLISECONDS, mine, "bare python: socket, json", least)


def script_rows(bench: Bench) -> Iterator[Row]:
    """A script of 2,000 lines on standard input, beside qmp-shell with the same file."""
    script = bench.folder / "script.qmp"
    script.write_text(f"{LINE}\n" * SCRIPT_LINES)
    mine, theirs = medians(
        [
            partial(process_seconds, [bench.script(name), bench.vm.path], bench.env, str(script))
            for name in ("qmpsh", "qmp-shell")
        ],
        SCRIPT_PAIRS,
    )
    what = f"script of {SCRIPT_LINES:,} {LINE}"
    yield Row(what, Unit.MILLISECONDS, mine, "qmp-shell < same file", theirs, goal=0.60)


def check_answer(bench: Bench, argv: list[str]) -> None:
    """Run once and look at the answer. Raises RuntimeError when it is none."""
    run = subprocess.run(
        argv, input=f"{LINE}\n", env=bench.env, capture_output=True, text=True, timeout=60
    )
    if '"status"' not in run.stdout:
        raise RuntimeError(f"{argv[0]} gave no status: {run.stdout}{run.stderr[-200:]}")
