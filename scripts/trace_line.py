"""Counts what one line and one key cost at the full screen: `python -m scripts.trace_line`.

A screen on a real QEMU gets its keys from a pipe. Counted are the calls into the package, from
Enter to the first byte on the socket, and from a key near the end of the line until the screen is
drawn again. Counts are the same on every machine, unlike times, so that tests can hold them.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import groupby, pairwise
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import qmpsh
import qmpsh.shell.arguments  # at first use, when a line has arguments: not a part of each line
from qmpsh.language.analysis import keep
from tests.qemu import VmStarter, emulators
from tests.ui.harness import ScreenHarness, ScreenSetup, connect_to, running_screen

LINE = "blockdev-add driver=raw node-name=r0 file=d0"
QUIET_SECONDS = 0.3
"""how long nothing may be called before a key counts as handled"""
_PACKAGE = f"{Path(qmpsh.__file__).parent}/"
_STAND_IN = f"{_PACKAGE}light_typing.py"
"""makes records in place of `typing`, whose calls would not count either"""
_SCAN = "language/scanner.py:Scanner.__init__"
_PARSE = "language/parser.py:line_statements"
_CHECK = "complete/hints.py:find_faults"
_FRAME = "ui/common/driver.py:FrameLimiter.on_frame"
_FIRST_BYTE = "client/connect.py:SocketStream.send"


class Counts(NamedTuple):
    """What was counted between two moments.

    turns, moves: how often a call is in another file, or another top-level folder, than the last
    runs: the folders in turn, each with the calls that it has before the next
    """

    calls: int
    functions: int
    files: int
    turns: int
    moves: int
    scans: int
    parses: int
    checks: int
    frames: int
    runs: list[tuple[str, int]]
    by_function: Counter[str]

    def __str__(self) -> str:
        return ", ".join(f"{name} {getattr(self, name)}" for name in self._fields[:-2])

    def details(self) -> str:
        """Return what the numbers are made of: the folders in turn, the files, the functions."""
        by_file: Counter[str] = Counter()
        for call, count in self.by_function.items():
            by_file[call.partition(":")[0]] += count
        return "\n".join(
            [
                " > ".join(f"{folder} {count}" for folder, count in self.runs),
                *(f"{count:6} {file}" for file, count in by_file.most_common()),
                *(f"{count:6} {call}" for call, count in self.by_function.most_common(40)),
            ]
        )


class CallCounter:
    """Counts the calls into the package while it is on, up to a call of the last function."""

    def __init__(self, last: str = "") -> None:
        self.trail: list[str] = []
        self.has_ended = False
        self._last = last

    def __enter__(self) -> CallCounter:
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def counts(self) -> Counts:
        """Return what was counted so far."""
        files = [call.partition(":")[0] for call in self.trail]
        runs = [(name, len(list(run))) for name, run in groupby(files, key=_folder)]
        found = Counter(self.trail)
        return Counts(
            calls=len(self.trail),
            functions=len(found),
            files=len(set(files)),
            turns=sum(one != other for one, other in pairwise(files)),
            moves=len(runs) - 1,
            scans=found[_SCAN],
            parses=found[_PARSE],
            checks=found[_CHECK],
            frames=found[_FRAME],
            runs=runs,
            by_function=found,
        )

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        file = code.co_filename
        if event != "call" or self.has_ended or not file.startswith(_PACKAGE) or file == _STAND_IN:
            return
        call = f"{file.removeprefix(_PACKAGE)}:{code.co_qualname}"
        self.trail.append(call)
        self.has_ended = call == self._last


def _folder(file: str) -> str:
    return file.partition("/")[0]


def trace_enter(path: str, line: str = LINE) -> Counts:
    """Return the counts from Enter on a line to the first byte on the socket."""

    async def run(screen: ScreenHarness) -> Counts:
        await _type(screen, line)
        with CallCounter(last=_FIRST_BYTE) as counter:
            screen.keys("\r")
            await screen.until(lambda: counter.has_ended)
        return counter.counts()

    return _on_screen(path, run)


def trace_key(path: str, line: str = LINE) -> Counts:
    """Return the counts for the last key of a line, until all that it causes is done."""

    async def run(screen: ScreenHarness) -> Counts:
        await _type(screen, line[:-1])
        with CallCounter() as counter:
            screen.keys(line[-1])
            await _quiet(counter)
        return counter.counts()

    return _on_screen(path, run)


def _on_screen(path: str, run: Callable[[ScreenHarness], Awaitable[Counts]]) -> Counts:
    keep.cache_clear()

    async def counted() -> Counts:
        async with running_screen(ScreenSetup((100, 24), connect=connect_to(path))) as screen:
            # A frame draws each row that is shown: those of the banner alone are counted.
            screen.screen.session.preferences.change("overview", "off")
            await screen.sees(" events · Tab completes")  # the schema is there
            return await run(screen)

    return asyncio.run(counted())


async def _type(screen: ScreenHarness, text: str) -> None:
    """Type all but the last key, then that: what is loaded at first use is not counted."""
    screen.keys(text)
    await screen.sees(text[-10:])
    with CallCounter() as counter:
        await _quiet(counter)


async def _quiet(counter: CallCounter) -> None:
    """Wait until nothing was called for a while."""
    seen = -1
    while seen < len(counter.trail):
        seen = len(counter.trail)
        await asyncio.sleep(QUIET_SECONDS)


def main() -> None:
    """Print the counts, and with a word on the command line what they are made of."""
    starter = VmStarter(emulators()[0])
    try:
        vm = starter("-S", machine="q35")
        for what, trace in (("Enter", trace_enter), ("a key", trace_key)):
            found = trace(vm.path)
            print(f"{what}: {found}")  # noqa: T201 - it is a program for people
            if sys.argv[1:]:
                print(found.details())  # noqa: T201 - as above
    finally:
        starter.close()


if __name__ == "__main__":
    main()
