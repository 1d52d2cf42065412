"""Fixtures for all tests: a private home for each, private QEMUs, the command as a process.

What a test needs and this machine lacks skips it, and in CI (CI=true) fails it (programs.py). The
run ends with a list of what was not tested.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from tests.agents import Agent, AgentStarter, agents
from tests.measuring import Measuring, save_measured, stop_measuring
from tests.programs import find_program, missing, unavailable
from tests.qemu import (
    ROOT,
    Vm,
    VmStarter,
    emulators,
    new_folder,
    remove_folders,
    serving,
    storage_daemon,
)
from tests.signals import give_children_the_defaults
from tests.ui.tmux import Terminal, terminal
from tests.waiting import PATIENCE

# This checkout's, installed or not; and the profiles of hypothesis.
pytest_plugins = ["qmpsh.pytest_plugin", "tests.fuzzing"]

CLEARED = (
    "QMP_SOCKET",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "PAGER",
    "EDITOR",
    "VISUAL",
    "PYTHONDONTWRITEBYTECODE",
    # Measuring the command in each of its many runs would take longer than all tests do.
    "COVERAGE_PROCESS_CONFIG",
)
PRIVATE = {
    "HOME": "home",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_STATE_HOME": "home/.local/state",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_RUNTIME_DIR": "runtime",
}


# ------------------------------------------------------------------------ what a test needs


GC_THRESHOLD = 100_000
"""Objects between two collections, as in the command. A full one takes a second: tests and what
prompt_toolkit remembers of each screen are millions of objects. Python's 700 made a twelfth of the
run of it."""

_measuring = pytest.StashKey[Measuring]()
"""Made once: Python drops a tracer in which the stack ends, as in tests of deep nesting, and each
later test of the process would not be measured."""


def pytest_configure(config: pytest.Config) -> None:
    """Whoever started the run, the processes that tests start meet signals as usual."""
    give_children_the_defaults()
    gc.set_threshold(GC_THRESHOLD)
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        stop_measuring()  # this process runs no tests, it hands them out
    config.stash[_measuring] = Measuring()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what uses a VM as `qemu`, so that nobody has to."""
    if "emulator" in getattr(item, "fixturenames", ()):
        item.add_marker("qemu")


ONE_IS_ENOUGH = {"tab", "inspect", "ui"}
"""folders of tests about what is the same with every emulator: terminals, processes, /proc"""
ALTERNATING = {
    *("api", "batch", "client", "faults", "guest", "many", "replay", "run", "share", "system"),
    *("top", "test_connection", "test_first_overview", "test_recipes", "test_redirects"),
    *("test_session", "test_source", "test_wait_rules", "test_wirelog"),
}
"""Folders, and files of others, where every second test has the second emulator, the rest the first
one: the ways to a VM, what goes wrong on them, what is done with many, what a Linux in a VM does,
and what a session does with whatever VM. QMPSH_TEST_EVERY=1 runs them with both."""


def is_of(item: pytest.Item, names: AbstractSet[str]) -> bool:
    """Whether the folder or the file of a test is one of these."""
    return not names.isdisjoint((item.path.parent.name, item.path.stem))


def is_enough_with_one(item: pytest.Item) -> bool:
    """Whether a test is about what is the same with every emulator."""
    folder = item.path.parent.name
    return folder in ONE_IS_ENOUGH or any(map(item.get_closest_marker, ("tmux", "one_emulator")))


def emulator_of(item: pytest.Item) -> str:
    """The one emulator with which a test is enough; "" for all."""
    found = emulators()
    if is_enough_with_one(item):
        return found[0] if found else ""
    if not (is_of(item, ALTERNATING) and found) or os.environ.get("QMPSH_TEST_EVERY"):
        return ""
    # By name and row, so that it is the same one in every run.
    row = re.sub(r"qemu-system-\w+", "", item.nodeid)
    return found[zlib.crc32(row.encode()) % len(found)]


def is_for_another_emulator(item: pytest.Item) -> bool:
    """Whether a test is enough with one emulator, and this is not the one."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    emulator = item.callspec.params.get("emulator")
    return emulator is not None and emulator_of(item) not in ("", emulator)


LONG = (
    *("tests/guest/", "tests/test_soak.py", "tests/conformance/"),
    *("tests/share/test_soaking.py", "tests/many/test_hosts.py"),
)
"""Few tests that take long. They begin first: no core should be left with one at the end."""


def in_turn(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests of a run, the long files first, then those with the most tests."""
    counts = Counter(item.nodeid.partition("::")[0] for item in items)

    def place(item: pytest.Item) -> tuple[bool, int]:
        return not item.nodeid.startswith(LONG), -counts[item.nodeid.partition("::")[0]]

    return sorted(items, key=place)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What does not depend on the emulator is tested with one of them; what takes long is first."""
    again = [item for item in items if is_for_another_emulator(item)]
    if again:
        config.hook.pytest_deselected(items=again)
    left = {*items} - {*again}
    items[:] = in_turn([item for item in items if item in left])


NOT_MEASURED = {
    *("faults", "guest"),
    *("test_contrast", "test_growth", "test_json_schema", "test_soak"),
    *("test_imports", "test_layers", "test_repository", "test_theme"),
}
"""Folders, and files of others, about faults and guests, about much of everything, and about the
sources: each line that they reach has a test that means it."""


def is_measured(item: pytest.Item) -> bool:
    """Whether what a test runs counts as covered.

    A property does not: what examples drawn by chance reach is not covered, each line has a test
    that means it. Neither does a test that is run once more, with another emulator.
    """
    if is_of(item, NOT_MEASURED):
        return False
    return not any(map(item.get_closest_marker, ("hypothesis", "mutation"))) and not is_again(item)


def is_again(item: pytest.Item) -> bool:
    """Whether a test is run with each emulator, and this is not the first."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    emulator = parameters.get("emulator", "")
    return emulator_of(item) == "" and emulator not in ("", *emulators()[:1])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure what tests call, not what pytest does around it, nor what fixtures prepare."""
    with item.config.stash[_measuring].paused():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure the tests that are to be measured."""
    if not is_measured(item):
        return (yield)
    with item.config.stash[_measuring].on():
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, or fail it in CI."""
    if item.get_closest_marker("qemu") and not emulators():
        missing("QEMU")
    if item.get_closest_marker("tmux") and not find_program("tmux"):
        missing("tmux")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep what was measured; a run in which every test was skipped tested nothing, and fails."""
    remove_folders()
    if hasattr(session.config, "workerinput"):
        save_measured()  # a worker that takes 10 s more is killed, as on a busy machine
        gc.freeze()  # or pytest and Python would search all that is left for garbage, seven times
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(reporter, pytest.TerminalReporter) or session.config.option.collectonly:
        return
    if exitstatus == pytest.ExitCode.OK and not reporter.stats.get("passed"):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


IN_ORDER = ("a page without block devices",)
"""reasons of skips that no program could end: such a page of QEMU's manual says too little"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in red what was not tested; `make test` repeats the list as its last words."""
    counts = Counter(skip_reason(report) for report in terminalreporter.stats.get("skipped", []))
    lines = [
        f"NOT TESTED: {why} ({number} skipped)"
        for why, number in counts.most_common()
        if why not in IN_ORDER
    ]
    cache: pytest.Cache | None = getattr(terminalreporter.config, "cache", None)
    if cache is not None:
        (cache.mkdir("not-tested") / "list").write_text("".join(f"{line}\n" for line in lines))
    if lines:
        terminalreporter.section("not tested", red=True, bold=True)
        for line in lines:
            terminalreporter.line(line, red=True, bold=True)


def skip_reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, in its own words."""
    where = report.longrepr
    return where[2].removeprefix("Skipped: ") if isinstance(where, tuple) else str(where)


# ------------------------------------------------------------------------ the environment


@pytest.fixture(autouse=True)
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HOME and the XDG folders below tmp_path, and none of the user's own settings."""
    for variable, folder in PRIVATE.items():
        path = tmp_path / folder
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        monkeypatch.setenv(variable, str(path))
    for variable in CLEARED:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def hangup() -> Iterator[None]:
    """What SIGHUP does here: a front end that has lost its terminal ignores it to its end."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


# ------------------------------------------------------------------------ virtual machines


@pytest.fixture(scope="session", params=emulators() or ["none"], ids=os.path.basename)
def emulator(request: pytest.FixtureRequest) -> str:
    """The path of a QEMU; a test that needs one runs once for each of QMPSH_TEST_QEMUS."""
    return str(request.param)


@pytest.fixture
def qemu_emulator(emulator: str) -> str:
    """What `qemu` starts, the fixture of our own plugin."""
    return emulator


@pytest.fixture
def two_emulators() -> tuple[str, str]:
    """The paths of two QEMUs of different versions, the older one first."""
    found = emulators()
    if len(found) < 2:
        unavailable("QMPSH_TEST_QEMUS names no second QEMU (`make qemu-next` unpacks one)")
    return found[0], found[1]


@pytest.fixture
def start_vm(emulator: str) -> Iterator[VmStarter]:
    """`start_vm(*extra_args, machine="none", name=None, qmp=True)` starts a VM for this test."""
    starter = VmStarter(emulator)
    yield starter
    starter.close()


@pytest.fixture
def vm(start_vm: VmStarter) -> Vm:
    """An empty VM (`-machine none`), running, for this test alone."""
    return start_vm()


@pytest.fixture(scope="module")
def q35_starter(emulator: str) -> Iterator[VmStarter]:
    """What keeps `q35` for a module."""
    starter = VmStarter(emulator)
    yield starter
    starter.close()


@pytest.fixture
def q35(q35_starter: VmStarter) -> Vm:
    """The machine of `make demo`, paused, shared by the tests of a module.

    For tests that leave it as it was; a fresh one is started should a test have ended it.
    """
    return q35_starter.running() or q35_starter(machine="demo", name="demo")


@pytest.fixture
def fresh_q35(start_vm: VmStarter) -> Vm:
    """The machine of `make demo`, paused, for this test alone: to change, reset or kill."""
    return start_vm(machine="demo", name="demo")


# ------------------------------------------------------------------------ guest agents


@pytest.fixture(scope="session", params=agents() or ["none"], ids=lambda path: path.lstrip("/"))
def agent_program(request: pytest.FixtureRequest) -> str:
    """The path of a qemu-ga; a test that needs one runs once for each that is here."""
    program = str(request.param)
    if program == "none":
        missing("qemu-ga")
    return program


@pytest.fixture
def start_agent(agent_program: str) -> Iterator[AgentStarter]:
    """`start_agent()` starts a guest agent for this test."""
    starter = AgentStarter(agent_program)
    yield starter
    starter.close()


@pytest.fixture
def agent(start_agent: AgentStarter) -> Agent:
    """A guest agent for this test alone; what it does it does to this machine."""
    return start_agent()


# ------------------------------------------------------------------------ other servers


@pytest.fixture
def stratovirt() -> Iterator[str]:
    """The socket of a monitor that behaves like StratoVirt."""
    folder = new_folder()
    path = f"{folder}/s"
    with serving(sys.executable, "-m", "tests.stratovirt", path, path=path):
        yield path
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def daemon(emulator: str) -> Iterator[str]:
    """The socket of the storage daemon that belongs to the emulator."""
    program = storage_daemon(emulator)
    if not program:
        missing(f"the qemu-storage-daemon of {emulator}")
    folder = new_folder()
    path = f"{folder}/s"
    socket = f"socket,path={path},server=on,wait=off,id=c"
    with serving(program, "--chardev", socket, "--monitor", "chardev=c", path=path):
        yield path
    shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------ the command


@pytest.fixture
def screen() -> Iterator[Terminal]:
    """A real terminal, of tmux; a test that uses it is marked `tmux`."""
    with terminal() as on:
        yield on


class RunQmpsh:
    """Runs the command as a process: `run_qmpsh(vm.path, "query-status").stdout`."""

    def __call__(
        self,
        *argv: str,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = PATIENCE,
        installed: bool = False,
        module: str = "qmpsh",
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m qmpsh ARGV` to its end.

        stdin:     text to feed, None for an empty one
        env:       added to the environment of the test
        timeout:   seconds
        installed: run the script that the installation made instead of the module
        module:    run this one
        Raises subprocess.TimeoutExpired.
        """
        script = Path(sys.executable).with_name("qmpsh")
        if installed and not script.exists():
            missing("qmpsh, beside this Python,")
        command = [str(script)] if installed else [sys.executable, "-m", module]
        return subprocess.run(
            [*command, *argv],
            input=stdin or "",
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def run_qmpsh() -> RunQmpsh:
    """The command as a process, run to its end."""
    return RunQmpsh()


@pytest.fixture
def with_qmpsh(tmp_path: Path) -> dict[str, str]:
    """The environment for a shell whose PATH leads to the command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "qmpsh"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qmpsh "$@"\n')
    command.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
