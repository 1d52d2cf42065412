"""The programs of docs/api.md, as they stand there, on every QEMU; and the VM killed under them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import qmpsh
from qmpsh.replay.demo import DEMO_FILE
from tests.qemu import ROOT, Vm, VmStarter
from tests.waiting import PATIENCE, wait_until

PAGE = (ROOT / "docs" / "api.md").read_text()
SUBCOMMANDS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
INTRODUCTION, BACKUP, WATCH, HOTPLUG, STATE, FEATURE, REPLAYED = SUBCOMMANDS


def disk(size: int) -> tuple[str, ...]:
    return ("-blockdev", f"driver=null-co,node-name=disk0,size={size},read-zeroes=on")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_program(text: str, *, vm: Vm) -> None:
    """Run a program in this process, `./vm.sock` being the VM's."""
    os.symlink(vm.path, "vm.sock")
    exec(compile(text, "docs/api.md", "exec"), {})


def run_test(text: str, emulator: str) -> subprocess.CompletedProcess[str]:
    """Run a program that is a test, with pytest, as in another project."""
    Path("test_it.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QMPSH_QEMU": emulator}
    # A folder of its own: at its end pytest removes those of older runs from the common one.
    words = ("-q", "--basetemp=temporary", "-p", "qmpsh.pytest_plugin", "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, "test_it.py"],
        env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


# ------------------------------------------------------------------------ as they stand


def test_introduction(vm: Vm, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_program(INTRODUCTION, vm=vm)
    assert capsys.readouterr().out.endswith(" running\n")


def test_backup(start_vm: VmStarter, here: Path) -> None:
    run_program(BACKUP, vm=start_vm(*disk(1 << 20)))
    assert (here / "backup.raw").stat().st_size == 1 << 20


def test_watch(vm: Vm, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.symlink(vm.path, "vm.sock")
    watched = WATCH.replace("    for event", "    vm.execute('quit')\n    for event")
    exec(compile(watched, "docs/api.md", "exec"), {})
    assert re.fullmatch(r"\d+\.\d+ SHUTDOWN \{.*'reason': 'host-qmp-quit'\}\n",
                        capsys.readouterr().out)  # fmt: skip


@pytest.mark.parametrize("program", [HOTPLUG, STATE])
def test_with_the_fixture(program: str, emulator: str, here: Path) -> None:
    ran = run_test(program, emulator)
    assert (ran.returncode, ran.stdout.splitlines()[-1].startswith("1 passed")) == (0, True)


def test_with_a_recording(here: Path) -> None:
    shutil.copy(DEMO_FILE, "bug.jsonl")
    ran = run_test(REPLAYED, "none")
    assert (ran.returncode, ran.stdout.splitlines()[-1].startswith("1 passed")) == (0, True)
    ran = run_test(REPLAYED.replace('"bug.jsonl"', '"bug.jsonl", strict=True'), "none")
    assert ran.returncode == 1
    assert "--strict: never asked for: device_add" in ran.stdout


def test_feature(vm: Vm, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_program(FEATURE, vm=vm)
    with qmpsh.connect(vm.path) as known:
        is_old = known.version.startswith("7.")
    said = capsys.readouterr().out
    assert said.startswith("QEMU 7." if is_old else "discard without")


def test_the_report_of_a_failed_test(emulator: str, here: Path) -> None:
    program = "def test_it(qemu):\n    vm = qemu('-S')\n    vm.execute('query-nope')\n"
    ran = run_test(program, emulator)
    assert ran.returncode == 1
    assert "QEMU 0: last messages" in ran.stdout
    assert '"execute":"query-nope"' in ran.stdout.replace(" ", "")


# ------------------------------------------------------------------------ the VM killed under them


@contextlib.contextmanager
def killed_when(vm: Vm, ready: Callable[[], bool]) -> Iterator[None]:
    """Kill the VM meanwhile, as soon as that holds."""

    def kill() -> None:
        wait_until(ready, PATIENCE)
        vm.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


def test_a_kill_ends_a_wait_for_a_job(start_vm: VmStarter, here: Path) -> None:
    second = ("-qmp", "unix:{folder}/second,server=on,wait=off")
    vm = start_vm(*disk(64 << 30), *second)
    slow = BACKUP.replace("sync=full", "sync=full speed=1")
    with (
        qmpsh.connect(f"{vm.folder}/second") as other,
        killed_when(vm, lambda: bool(other.execute("query-jobs"))),
        pytest.raises(qmpsh.ConnectionLost),
    ):
        run_program(slow, vm=vm)


def test_a_kill_ends_a_wait_for_events(vm: Vm, here: Path) -> None:
    watched = WATCH.replace("    for event", "    open('connected', 'x').close()\n    for event")
    with (
        killed_when(vm, (here / "connected").exists),
        pytest.raises(qmpsh.ConnectionLost, match="while waiting for events"),
    ):
        run_program(watched, vm=vm)


def test_a_kill_is_lost_and_not_repeated(emulator: str, here: Path) -> None:
    ran = run_test(
        "import pytest, qmpsh\n"
        "def test_it(qemu):\n"
        "    vm = qemu('-S')\n"
        "    vm.kill()\n"
        "    for _ in range(2):\n"
        "        with pytest.raises(qmpsh.ConnectionLost):\n"
        "            vm.run('query-status')\n"
        "        with pytest.raises(qmpsh.ConnectionLost):\n"
        "            vm.schema\n"
        "    assert vm.closed\n",
        emulator,
    )
    assert ran.returncode == 0, ran.stdout
