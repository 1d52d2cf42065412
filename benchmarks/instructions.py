"""Instructions of whole processes, which do not depend on what else the machine does.

Counted by valgrind, under which everything takes several times as long.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.oneshot import BARE, LINE, completion_environment, line_file
from benchmarks.prompt import LIBRARY, SECONDS, exec_on_terminal, wait_for_prompt
from benchmarks.table import Row, Unit
from benchmarks.top import monitors

VALGRIND = ("/usr/bin/env", "valgrind", "--tool=cachegrind", "--cache-sim=no")
SLOWDOWN = 10
"""how much longer a prompt may take than it ever does without valgrind"""
TRIPS = 500
VMS = 100
SUMMARY = "summary:"
"""the line of cachegrind's file with the sum"""


def rows(bench: Bench) -> Iterator[Row]:
    """What starts, a round trip, and one line on many VMs, without the noise of the clock."""
    yield from starts(bench)
    mine, raw = (of_round_trip(bench, kind) for kind in ("ours", "raw"))
    what = f"execute {LINE}, instructions of a round trip"
    yield Row(what, Unit.THOUSANDS, mine, "raw socket and json, the same request", raw)
    with monitors(bench, VMS) as glob:
        every, single = (
            of_process(bench, [bench.script("qmpsh"), "-a", text, LINE])
            for text in (glob, glob.replace("*", "vm0001"))
        )
    what = f"-a {LINE} over {VMS} monitors, instructions"
    yield Row(what, Unit.MILLIONS, every, "-a over one of them", single)


def starts(bench: Bench) -> Iterator[Row]:
    """From the start of a process to its end, or to its prompt."""
    path, qmpsh = bench.vm.path, bench.script("qmpsh")
    one_shot = of_process(bench, [qmpsh, path, LINE])
    for reference, argv, stdin in (
        ("qmp-shell, the line on stdin", [bench.script("qmp-shell"), path], line_file(bench)),
        ("bare python: socket, json", [bench.python, "-c", BARE, path], os.devnull),
    ):
        beside = of_process(bench, argv, stdin=stdin)
        yield Row(f"one-shot {LINE}, instructions", Unit.MILLIONS, one_shot, reference, beside)
    completion = of_process(bench, [qmpsh], env=completion_environment(bench))
    what = "completion of a word, instructions"
    yield Row(what, Unit.MILLIONS, completion, f"one-shot {LINE}", one_shot)
    imported = of_process(bench, [bench.python, "-c", LIBRARY])
    for what, argv in (
        ("to the prompt, instructions", [qmpsh, path]),
        ("to the prompt of --plain, instructions", [qmpsh, "--plain", path]),
    ):
        reference = f"python -c '{LIBRARY}'"
        yield Row(what, Unit.MILLIONS, to_prompt(bench, argv), reference, imported)


def of_round_trip(bench: Bench, kind: str) -> float:
    """The instructions of one round trip in a process that does many. kind: of `roundtrips`"""
    command = [bench.python, "-m", "benchmarks.roundtrips", kind, bench.vm.path]
    less, more = (of_process(bench, [*command, str(count)]) for count in (TRIPS, 2 * TRIPS))
    return (more - less) / TRIPS


def of_process(
    bench: Bench,
    argv: Sequence[str],
    *,
    stdin: str = os.devnull,
    env: Mapping[str, str] | None = None,
) -> float:
    """The instructions of a process from its start to its end, once its caches are filled.

    stdin: a file. Raises RuntimeError.
    """

    def run(command: list[str]) -> None:
        with open(stdin, "rb") as lines:
            done = subprocess.run(
                command, stdin=lines, env=env or bench.env, capture_output=True, check=False
            )
        if done.returncode:
            raise RuntimeError(f"exit code {done.returncode} from {' '.join(argv)}")

    run([*argv])
    return _counted(bench, argv, run)


def to_prompt(bench: Bench, argv: Sequence[str]) -> float:
    """The instructions of a process on a terminal of its own until it has drawn the prompt.

    Raises RuntimeError.
    """

    def run(counted: list[str]) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            exec_on_terminal(counted, bench.env)
        try:
            wait_for_prompt(terminal, time.perf_counter() + SLOWDOWN * SECONDS)
        finally:
            os.kill(pid, signal.SIGUSR1)  # which ends it there, without an end of its own
            os.waitpid(pid, 0)
            os.close(terminal)

    return _counted(bench, argv, run)


def _counted(bench: Bench, argv: Sequence[str], run: Callable[[list[str]], None]) -> float:
    """Run a command under valgrind; return its instructions. Raises RuntimeError."""
    file = Path(bench.folder, "cachegrind.out")
    file.unlink(missing_ok=True)
    run([*VALGRIND, f"--cachegrind-out-file={file}", *argv])
    lines = file.read_text().splitlines() if file.exists() else []
    found = [line for line in lines if line.startswith(SUMMARY)]
    if not found:
        raise RuntimeError(f"valgrind counted nothing of {' '.join(argv)}: is it installed?")
    return float(found[-1].removeprefix(SUMMARY))
