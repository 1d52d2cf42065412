"""One-shots and scripts at the HMP monitors of a QEMU: unix, TCP and telnet."""

from __future__ import annotations

import sys

import pytest

from tests.conftest import RunQmpsh
from tests.ports import free_port
from tests.qemu import Vm, VmStarter

WAY_OUT = "start QEMU with -qmp unix:PATH,server=on,wait=off as well"


@pytest.fixture
def human(start_vm: VmStarter) -> tuple[Vm, list[str]]:
    """A VM that has no QMP monitor, and the addresses of those that it has."""
    plain, telnet = free_port(), free_port()
    vm = start_vm(
        "-S",
        "-monitor", "unix:{folder}/h,server=on,wait=off",
        "-monitor", f"tcp:127.0.0.1:{plain},server=on,wait=off",
        "-monitor", f"telnet:127.0.0.1:{telnet},server=on,wait=off",
        qmp=False, name="(qemu) vm1",
    )  # fmt: skip
    return vm, [f"{vm.folder}/h", f"127.0.0.1:{plain}", f"127.0.0.1:{telnet}"]


def test_one_shots(human: tuple[Vm, list[str]], run_qmpsh: RunQmpsh) -> None:
    for address in human[1]:
        assert run_qmpsh(address, "info", "name").stdout == "(qemu) vm1\n"
    run = run_qmpsh(human[1][0], "info status")
    assert (run.stdout, run.stderr, run.returncode) == ("VM status: paused (prelaunch)\n", "", 0)
    run = run_qmpsh(human[1][0], "nonsense")
    assert (run.stdout, run.returncode) == ("", 1)
    assert run.stderr == "qmpsh: unknown command: 'nonsense'\n"
    run = run_qmpsh(human[1][0], '{"execute": "stop"}')
    assert (run.stdout, run.returncode) == ("", 2)
    assert run.stderr.endswith(f"{WAY_OUT}\n")


def test_scripts(human: tuple[Vm, list[str]], run_qmpsh: RunQmpsh) -> None:
    script = "# start\ncont\ninfo status\nstop\ninfo status\n.wait STOP\ncont\n"
    for address in human[1]:
        run = run_qmpsh(address, stdin=script)
        assert run.stdout == "VM status: running\nVM status: paused\n"
        assert run.stderr == f"stdin:6: .wait needs QMP, and this is an HMP monitor; {WAY_OUT}\n"
        assert run.returncode == 2


def test_long_lines_and_long_outputs(human: tuple[Vm, list[str]], run_qmpsh: RunQmpsh) -> None:
    address = human[1][0]
    run = run_qmpsh(address, f"print {'1+' * 2000}1")
    assert (run.stdout, run.returncode) == ("0x7d1\n", 0)
    run = run_qmpsh(address, f"print {'1+' * 2050}1")
    assert (run.stdout, run.returncode) == ("", 2)
    run = run_qmpsh(address, *["help"])
    assert run.stdout.count("\n") > 150


def test_other_ways_to_it(human: tuple[Vm, list[str]], run_qmpsh: RunQmpsh) -> None:
    address = human[1][0]
    run = run_qmpsh("share", address, "--listen", f"{address}.share")
    assert run.stderr == f"qmpsh: qmpsh share needs QMP, and this is an HMP monitor; {WAY_OUT}\n"
    assert run.returncode == 2
    run = run_qmpsh("--guest-agent", address, "guest-info")
    assert run.stderr.endswith("is an HMP monitor, no guest agent; leave out --guest-agent\n")
    assert run.returncode == 3
    run = run_qmpsh("top", address, "--once")
    assert "(qemu) vm1" in run.stdout
    assert " prelaunch " in run.stdout


def test_a_recording_is_an_hmp_monitor_too(
    human: tuple[Vm, list[str]], run_qmpsh: RunQmpsh
) -> None:
    vm, addresses = human
    script = "info name\nnonsense\ninfo status\n"
    record = f"{vm.folder}/r.jsonl"
    run = run_qmpsh("-k", "--record", record, addresses[0], stdin=script)
    again = run_qmpsh("replay", record, "--", sys.executable, "-m", "qmpsh", "-k", stdin=script)
    assert again.stdout == run.stdout == "(qemu) vm1\nVM status: paused (prelaunch)\n"
    assert again.returncode == run.returncode == 1


def test_the_end(human: tuple[Vm, list[str]], run_qmpsh: RunQmpsh) -> None:
    vm, addresses = human
    run = run_qmpsh(addresses[0], "quit", "now")
    assert (run.stdout, run.returncode) == ("", 1)
    run = run_qmpsh(addresses[0], "quit")
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)
    assert vm.process.wait(60) == 0
