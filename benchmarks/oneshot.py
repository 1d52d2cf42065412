"""Whole processes, from start to end: one command, a hundred in a row, completion in the user's
shell, and a script of 2,000 lines.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.table import Row, Unit
from benchmarks.timing import Measure, medians, process_seconds

LINE = "query-status"
PAIRS = 30
SCRIPT_LINES = 2000
SCRIPT_PAIRS = 5
IN_A_ROW = 100
ROW_ROUNDS = 3
LOOP = f'for turn in $(seq {IN_A_ROW}); do "$@" < "$0" > /dev/null || exit; done'
"""for /bin/sh: $0 is the standard input of each"""
REQUESTS = f'{{"execute": "qmp_capabilities"}}\n{{"execute": "{LINE}"}}\n'
COMPLETED = "query-st"

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
    line = line_file(bench)
    ours = [bench.script("qmpsh"), path, LINE]
    shell = [bench.script("qmp-shell"), path]
    bare = [bench.python, "-c", BARE, path]
    requests = bench.folder / "requests"
    requests.write_text(REQUESTS)
    socat = ["/usr/bin/env", "socat", "-", f"UNIX-CONNECT:{path}"]
    for argv in ours, shell, bare:
        check_answer(bench, argv)

    what = f"one-shot {LINE}, whole process"
    mine, theirs, least, socats = medians(
        [
            partial(process_seconds, ours, bench.env),
            partial(process_seconds, shell, bench.env, line),
            partial(process_seconds, bare, bench.env),
            partial(process_seconds, socat, bench.env, str(requests)),
        ],
        PAIRS,
    )
    yield Row(what, Unit.MILLISECONDS, mine, "qmp-shell, the line on stdin", theirs, goal=0.46)
    yield Row(what, Unit.MILLISECONDS, mine, "bare python: socket, json", least, goal=1.40)
    yield Row(what, Unit.MILLISECONDS, mine, "socat, which reads nothing of it", socats)


def many_rows(bench: Bench) -> Iterator[Row]:
    """A loop of the user's shell over one-shots."""
    path = bench.vm.path
    line, requests = line_file(bench), bench.folder / "requests"
    requests.write_text(REQUESTS)

    def loop(stdin: str, *argv: str) -> Measure:
        return partial(process_seconds, ["/bin/sh", "-c", LOOP, stdin, *argv], bench.env)

    mine, theirs, socats = medians(
        [
            loop("/dev/null", bench.script("qmpsh"), path, LINE),
            loop(line, bench.script("qmp-shell"), path),
            loop(str(requests), "socat", "-", f"UNIX-CONNECT:{path}"),
        ],
        ROW_ROUNDS,
    )
    what = f"{IN_A_ROW} one-shots in a row"
    yield Row(what, Unit.MILLISECONDS, mine, "qmp-shell, as often", theirs, goal=0.46)
    yield Row(what, Unit.MILLISECONDS, mine, "socat, as often", socats)


def completion_rows(bench: Bench) -> Iterator[Row]:
    """What completions/qmpsh.bash runs for a Tab, beside the one-shot."""
    path, qmpsh = bench.vm.path, bench.script("qmpsh")
    completion, one_shot = medians(
        [
            partial(process_seconds, [qmpsh], completion_environment(bench)),
            partial(process_seconds, [qmpsh, path, LINE], bench.env),
        ],
        PAIRS,
    )
    what = "completion of a word in the user's shell"
    yield Row(what, Unit.MILLISECONDS, completion, f"one-shot {LINE}", one_shot, goal=1.30)


def line_file(bench: Bench) -> str:
    """The path of a file with the line, for those that read it from their standard input."""
    file = bench.folder / "line.qmp"
    file.write_text(f"{LINE}\n")
    return str(file)


def completion_environment(bench: Bench) -> dict[str, str]:
    """What completions/qmpsh.bash has in its environment for a Tab."""
    return {
        **bench.env,
        "_QMPSH_COMPLETE": "bash_complete",
        "COMP_WORDS": f"qmpsh {bench.vm.path} {COMPLETED}",
        "COMP_REST": "",
        "COMP_BREAKS": " \t\n\"'@><=;|&(:",
        "COMP_VARIABLES": "",
    }


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
    yield Row(what, Unit.MILLISECONDS, mine, "qmp-shell < same file", theirs, goal=0.36)


def check_answer(bench: Bench, argv: list[str]) -> None:
    """Run once and look at the answer. Raises RuntimeError when it is none."""
    run = subprocess.run(
        argv, input=f"{LINE}\n", env=bench.env, capture_output=True, text=True, timeout=60
    )
    if '"status"' not in run.stdout:
        raise RuntimeError(f"{argv[0]} gave no status: {run.stdout}{run.stderr[-200:]}")
