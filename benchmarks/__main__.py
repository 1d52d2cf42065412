"""`python -m benchmarks [--markdown] [FAMILY...]`: print the table, or the families named."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from benchmarks import (
    flood,
    instructions,
    libvirt,
    many,
    oneshot,
    prompt,
    roundtrips,
    schema,
    screen,
    sharing,
    top,
    transports,
    trees,
)
from benchmarks.bench import Bench, open_bench
from benchmarks.table import MARKDOWN, PLAIN, Layout, Row, format_row
from qmpsh.errors import QmpshError

Family = Callable[[Bench], Iterator[Row]]

FAMILIES: dict[str, Family] = {
    "oneshot": oneshot.rows,
    "row": oneshot.many_rows,
    "complete": oneshot.completion_rows,
    "typed": schema.typed_rows,
    "script": oneshot.script_rows,
    "execute": roundtrips.rows,
    "share": sharing.rows,
    "many": many.rows,
    "top": top.rows,
    "transports": transports.rows,
    "libvirt": libvirt.rows,
    "prompt": prompt.rows,
    "schema": schema.model_rows,
    "frame": screen.frame_rows,
    "screen": screen.schema_rows,
    "flood": flood.rows,
    "tree": trees.rows,
    "instructions": instructions.rows,
}


def main(words: Sequence[str]) -> int:
    names = [word for word in words if word != "--markdown"]
    layout = MARKDOWN if len(names) < len(words) else PLAIN
    unknown = set(names) - set(FAMILIES)
    if unknown:
        print(f"benchmarks: no {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
        return 2
    with open_bench() as bench:
        print(surroundings(bench), end="\n\n" if layout is MARKDOWN else "\n")
        print(layout.header, flush=True)
        failures = [print_family(name, bench, layout) for name in names or FAMILIES]
    return int(any(failures))


def print_family(name: str, bench: Bench, layout: Layout) -> bool:
    """Print the rows of a family; True when it could not be measured, and the others still can."""
    try:
        for row in FAMILIES[name](bench):
            print(format_row(row, layout), flush=True)
    except (RuntimeError, QmpshError) as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return True
    return False


def surroundings(bench: Bench) -> str:
    """What the numbers depend on: versions and cores."""
    banner = subprocess.run(
        [bench.emulator, "--version"], capture_output=True, text=True, check=True
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("prompt_toolkit", "qemu.qmp"))
    return (
        f"Python {platform.python_version()}, {packages}, "
        f"{banner.stdout.splitlines()[0]}, {os.cpu_count()} cores; medians"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
