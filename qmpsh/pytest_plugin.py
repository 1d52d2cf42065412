"""The plugin for pytest: the fixtures `qemu` and `qmp_replay`.

Registered as an entry point, so that an installed qmpsh provides it. pytest imports this module in
each of its runs: everything else is imported by the fixture.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from qmpsh.errors import shortened
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmpsh.testing import LaunchedVM, ReplayedVM

_SHOWN_LINES, _SHOWN_COLUMNS = 30, 400
"""how much of a log the report of a failed test shows"""


class StartQemu(Protocol):
    """Starts a QEMU with these arguments and returns its VM."""

    def __call__(self, *arguments: str, emulator: str | None = None) -> LaunchedVM: ...


class StartReplay(Protocol):
    """Replays a recording and returns its VM."""

    def __call__(
        self,
        file: str | os.PathLike[str],
        *,
        speed: float = 0,
        strict: bool = False,
        session: int | None = None,
        guest_agent: bool = False,
    ) -> ReplayedVM: ...


_STARTED: pytest.StashKey[list[tuple[LaunchedVM, Path]]] = pytest.StashKey()


@pytest.fixture
def qemu_emulator() -> str | None:
    """The program that `qemu` starts, None for the installed QEMU; override it to choose."""
    return None


@pytest.fixture
def qemu(
    request: pytest.FixtureRequest, tmp_path: Path, qemu_emulator: str | None
) -> Iterator[StartQemu]:
    """`qemu(*arguments)` starts a QEMU for this test and returns its VM.

    All of them end with the test. If it fails, its report shows the last messages of each VM and
    what QEMU printed.
    """
    # Imported here: most tests of most projects start no QEMU.
    from qmpsh.testing import launch

    started = request.node.stash.setdefault(_STARTED, [])

    def start(*arguments: str, emulator: str | None = None) -> LaunchedVM:
        log = tmp_path / f"qemu-{len(started)}.jsonl"
        vm = launch(*arguments, emulator=emulator or qemu_emulator, logfile=log)
        started.append((vm, log))
        return vm

    yield start
    with contextlib.ExitStack() as stack:  # each, even if the end of another one fails
        for vm, _ in started:
            stack.callback(vm.close)


@pytest.fixture
def qmp_replay() -> Iterator[StartReplay]:
    """`qmp_replay(file)` replays a recording for this test and returns its VM.

    With strict=True the test fails at its end if it did not send what was recorded, all of it and
    nothing else.
    """
    # Imported here: most tests of most projects replay nothing.
    from qmpsh.testing import replay

    started: list[ReplayedVM] = []

    def start(
        file: str | os.PathLike[str],
        *,
        speed: float = 0,
        strict: bool = False,
        session: int | None = None,
        guest_agent: bool = False,
    ) -> ReplayedVM:
        vm = replay(file, speed=speed, strict=strict, session=session, guest_agent=guest_agent)
        started.append(vm)
        return vm

    yield start
    with contextlib.ExitStack() as stack:
        for vm in started:
            stack.callback(vm.close)
    found = [line for vm in started for line in vm.differences]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what happened in its VMs to the report of a failed test."""
    report = yield
    if report.when == "call" and report.failed:
        started = item.stash.get(_STARTED, None) or []
        for number, (vm, log) in enumerate(started):
            report.sections.append((f"QEMU {number}: last messages", _tail(log.read_text())))
            report.sections.append((f"QEMU {number}: output", _tail(vm.output)))
    return report


def _tail(text: str) -> str:
    return "\n".join(shortened(line, _SHOWN_COLUMNS) for line in text.splitlines()[-_SHOWN_LINES:])
