"""Real QEMUs that are killed, stopped, started again, replaced: no hang, no leak, nothing twice."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from qmpsh.cli.main import run
from qmpsh.errors import QmpshError
from qmpsh.shell.session import reconnect
from qmpsh.shell.steps import Outcome
from tests.conftest import RunQmpsh
from tests.faults.test_batch import BEGIN
from tests.qemu import Vm, VmStarter
from tests.shell.harness import SessionHarness
from tests.waiting import wait_until

ROUNDS = 12
ONE_SHOTS = 100
KILLS = 6


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped-first", "killed"])
def test_a_script_on_stdin_whose_vm_is_killed(vm: Vm, stopped: bool) -> None:
    running = BEGIN["s"](vm.path, [], [])
    stdin, stdout = running.process.stdin, running.process.stdout
    assert stdin is not None
    assert stdout is not None
    stdin.write("query-status\n")
    stdin.flush()
    assert '"running": true' in stdout.readline()
    if stopped:
        # Killed with the command unread, which is a reset (wire.md section 8).
        vm.stop_process()
        stdin.write("stop\n")
        stdin.flush()
    vm.kill()
    said = running.end("stop\n")
    assert (said.code, said.out) == (4, "")
    assert said.err.count("\n") == 1


def test_a_stopped_vm_runs_into_the_time_limit(vm: Vm) -> None:
    running = BEGIN["s"](vm.path, ["-t", "300ms"], [])
    stdin, stdout = running.process.stdin, running.process.stdout
    assert stdin is not None
    assert stdout is not None
    stdin.write("query-status\n")
    stdin.flush()
    assert '"running": true' in stdout.readline()
    vm.stop_process()
    said = running.end("stop\n")
    vm.continue_process()
    assert (said.code, said.out) == (124, "")
    assert "no answer to stop within 0.3 s" in said.err


# ------------------------------------------------------------------------ found again


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reconnect, "MAX_PAUSE_SECONDS", 0.05)


@contextlib.contextmanager
def harness_at(path: str) -> Iterator[SessionHarness]:
    harness = SessionHarness(path)
    try:
        harness.wait("the schema", learnt=True)
        yield harness
    finally:
        harness.session.close()


def a_file(vm: Vm, start_vm: VmStarter) -> None:
    Path(vm.path).write_text("not a socket")


STRANGERS: list[tuple[Callable[[Vm, VmStarter], None], str]] = [
    (a_file, "is a regular file, not a socket"),
]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("put, says", STRANGERS, ids=[put.__name__ for put, _ in STRANGERS])
def test_what_stands_in_the_place_of_the_vm_is_told_once(
    start_vm: VmStarter, put: Callable[[Vm, VmStarter], None], says: str
) -> None:
    vm = start_vm(name="vm1")
    with harness_at(vm.path) as harness:
        vm.kill()
        harness.poll_until(lambda: not harness.session.machine.connected)
        os.unlink(vm.path)
        put(vm, start_vm)
        harness.poll_until(lambda: harness.listener.remarks)
        os.unlink(vm.path)
        start_vm(name="vm1", folder=vm.folder)
        harness.poll_until(lambda: harness.session.machine.connected)
        stranger, back = harness.listener.remarks
    assert stranger.startswith(f"{vm.path} {says}")
    assert stranger.endswith("; still waiting for the VM")
    assert back.startswith("reconnected to vm1")


def test_one_shots_before_and_after_an_upgrade(
    run_qmpsh: RunQmpsh, two_emulators: tuple[str, str]
) -> None:
    """The cached schema is the other binary's: what it does not have is not taken from there."""
    older, newer = (VmStarter(path) for path in two_emulators)
    try:
        vm = older()
        line = ["-n", vm.path, "migrate uri=tcp:h:1 blk=true"]
        assert run_qmpsh(*line).returncode == 0
        vm.kill()
        newer(folder=vm.folder)
        assert run_qmpsh(*line).returncode == 2
    finally:
        newer.close()
        older.close()


# ------------------------------------------------------------------------ for long


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.usefixtures("quick")
def test_many_reconnects_leak_no_descriptor(vm: Vm) -> None:
    with harness_at(vm.path) as harness:
        before = descriptors()
        for _ in range(ROUNDS):
            harness.run(".disconnect")
            assert harness.run(".reconnect") == Outcome(), harness.listener.remarks
            harness.poll_until(lambda: harness.session.machine.connected)
            assert harness.run("query-status").exit_code == 0
        assert descriptors() == before
        assert harness.listener.losses == []


def has_grown_to(codes: list[int], count: int) -> bool:
    return len(codes) >= count


def test_one_shots_while_the_vm_comes_and_goes(
    start_vm: VmStarter, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each ends with a code of the table and leaves nothing open, whenever the VM is killed."""
    vm = start_vm()
    before = descriptors()
    codes: list[int] = []

    def kill_and_start() -> None:
        for kill in range(KILLS):
            wait_until(partial(has_grown_to, codes, len(codes) + 1 + kill))
            running = start_vm.running()
            assert running is not None
            running.kill()
            start_vm(folder=vm.folder)

    restarting = threading.Thread(target=kill_and_start)
    restarting.start()
    while restarting.is_alive() or len(codes) < ONE_SHOTS:
        try:
            codes.append(run([vm.path, "query-status"]))
        except QmpshError as error:
            codes.append(error.exit_code)
    restarting.join()
    assert {0, 3} <= set(codes) <= {0, 3, 4}
    assert "Traceback" not in capsys.readouterr().err
    assert descriptors() == before


@pytest.mark.usefixtures("quick")
def test_a_human_monitor_in_the_place_of_the_vm_is_another_vm(start_vm: VmStarter) -> None:
    vm = start_vm(name="vm1")
    with harness_at(vm.path) as harness:
        vm.kill()
        harness.poll_until(lambda: not harness.session.machine.connected)
        os.unlink(vm.path)
        start_vm("-monitor", "unix:{folder}/s,server=on,wait=off", qmp=False, folder=vm.folder)
        harness.poll_until(lambda: harness.listener.remarks)
    (remark,) = harness.listener.remarks
    assert "this is another VM: without a name (HMP monitor of QEMU" in remark
    assert harness.session.context.hmp
