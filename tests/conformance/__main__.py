"""`python -m tests.conformance`: what others document and do, a line of figures for each part.

Exit code 1 for a fault.
Needs qemu.qmp, which .venv-bench has, and the manuals of the emulators: `make conformance`.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from qmpsh.schema.manual.find import Manual, find_pages, load_manual
from tests.conformance.examples import examples
from tests.conformance.generated import commands
from tests.conformance.sessions import outcomes
from tests.conformance.shell_lines import Comparison
from tests.conformance.spellings import SPELLINGS, faults
from tests.qemu import ROOT
from tests.samples import SCHEMAS, schema

_SHOWN: Final = 5
"""faults of a part that are printed"""

_MANUALS: Final = {"7.2": "", "10.0": str(ROOT / ".qemu-next" / "root" / "usr" / "share" / "man")}
"""folder of each version's manual, "" for the system's"""

_PAGE: Final = "qemu-qmp-ref"

Part = Callable[[], tuple[str, list[str]]]
"""Returns a line of figures, and what is wrong."""


def main() -> int:
    """Run all parts; the exit code."""
    logging.disable(logging.CRITICAL)  # qemu.qmp reports each end of a connection
    has_failed = False
    for part in parts():
        started = time.monotonic()
        figures, wrong = part()
        has_failed |= bool(wrong)
        seconds = time.monotonic() - started
        lines = [f"{figures}, {len(wrong)} faults ({seconds:.0f} s)", *wrong[:_SHOWN]]
        print("\n  ".join(lines), flush=True)
    return int(has_failed)


def parts() -> Iterator[Part]:
    """Yield all parts."""
    for version in _MANUALS:
        yield partial(documented, version)
    for version, server in SCHEMAS:
        yield partial(branches, version, server)
    yield shell_lines
    yield sessions


def documented(version: str) -> tuple[str, list[str]]:
    """The examples of a manual, in all spellings.

    Some are of another target, or wrong: those are refused in whatever spelling.
    """
    known, wrong, count, refused = schema(version), [], 0, 0
    for command in examples(manual(version)):
        count += 1
        found = faults(command, known)
        if len(found) == len(SPELLINGS):
            refused += 1
        else:
            wrong += found
    figures = f"{count} in {len(SPELLINGS)} spellings, {refused} that the schema refuses"
    return f"examples of the manual of {version}: {figures}", wrong


def manual(version: str) -> Manual:
    """The reference of QMP; an empty one where it is not installed."""
    folder = _MANUALS[version]
    environ = {**os.environ, "QMPSH_MANPATH": folder} if folder else dict(os.environ)
    pages = find_pages([_PAGE], environ)
    return load_manual(pages[0]) if pages else Manual("")


def branches(version: str, server: str) -> tuple[str, list[str]]:
    """Commands of a schema, in all spellings."""
    known, wrong, count = schema(version, server), [], 0
    for command in commands(known):
        count += 1
        wrong += faults(command, known)
    of = "the storage daemon" if server == "qsd" else "QEMU"
    return f"each branch of {of} {version}: {count} commands in {len(SPELLINGS)} spellings", wrong


def shell_lines() -> tuple[str, list[str]]:
    """The same commands as lines of qmp-shell."""
    comparison = Comparison()
    for version, server in SCHEMAS:
        for command in commands(schema(version, server)):
            comparison.compare(command, schema(version, server))
    figures = f"qmp-shell: {comparison.lines} lines, {comparison.works} that it reads as meant"
    return figures, comparison.faults


def sessions() -> tuple[str, list[str]]:
    """Sessions that are split, delayed and broken off."""
    found = outcomes()
    figures = f"qemu.qmp: {found.all} sessions, {found.better} that have an answer here alone"
    return figures, found.faults


if __name__ == "__main__":
    sys.exit(main())
