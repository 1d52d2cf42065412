"""VMs that end and come back, suspending, a slow command: in a real terminal, on a real QEMU."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from tests.qemu import ROOT, Vm, VmStarter
from tests.ui.tmux import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.tmux

MODES = pytest.mark.parametrize("mode", [[], ["--plain"]], ids=["screen", "plain"])


def with_job_control(screen: Terminal, *argv: str) -> None:
    """Start qmpsh from a shell that can suspend it."""
    screen.start("env", "PS1=shell> ", "bash", "--norc", "--noprofile", "-i")
    screen.sees("shell>")
    command = shlex.join([sys.executable, "-m", "qmpsh", *argv])
    screen.keys(f"PYTHONPATH={shlex.quote(str(ROOT))} {command}", "Enter")
    screen.sees("(QEMU)")


@MODES
def test_killed_and_started_again(screen: Terminal, start_vm: VmStarter, mode: list[str]) -> None:
    vm = start_vm(name="vm1")
    screen.qmpsh(*mode, vm.path)
    screen.sees("vm1 ")
    screen.keys("device_add dri")
    screen.sees("(QEMU) device_add dri")
    vm.kill()
    screen.sees("killed or crashed: the VM has ended.", "(QEMU) device_add dri")
    start_vm("-S", name="vm1", folder=vm.folder)
    screen.sees("reconnected to vm1 (QEMU ")
    screen.keys("C-c", "query-status", "Enter")
    picture = screen.sees('"status": "prelaunch"')
    assert "Traceback" not in picture
    screen.keys("C-d")
    assert "Traceback" not in screen.sees("exit 0")


@MODES
def test_another_vm_asks(screen: Terminal, start_vm: VmStarter, mode: list[str]) -> None:
    vm = start_vm(name="vm1")
    screen.qmpsh(*mode, vm.path)
    screen.sees("vm1 ")
    vm.kill()
    screen.sees("killed or crashed")
    start_vm(name="vm2", folder=vm.folder)
    screen.sees("this is another VM: vm2")
    screen.keys("query-status", "Enter")
    screen.sees("this is another VM: vm2; run it there? [n]o, [y]es")
    screen.keys("y")
    screen.sees('"running": true')


@MODES
def test_suspended_and_resumed(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    with_job_control(screen, *mode, vm.path)
    screen.keys("device_add dri")
    screen.sees("device_add dri")
    screen.keys("C-z")
    picture = screen.sees("Stopped", f"qmpsh: disconnected from {vm.path}; fg reconnects")
    assert "│" not in picture
    Client.connect(parse_address(vm.path)).close()
    screen.keys("fg", "Enter")
    screen.sees("reconnected")
    screen.sees("(QEMU) device_add dri")
    screen.keys("C-c", "query-status", "Enter")
    screen.sees('"running": true')
    screen.keys("C-d")
    screen.sees("shell>")


def test_suspended_while_a_line_runs(screen: Terminal, vm: Vm) -> None:
    with_job_control(screen, "--plain", vm.path)
    # Answered after the shell's own queries: by then it knows which VM it is.
    screen.keys("query-qmp-schema > /dev/null", "Enter", "query-name", "Enter")
    screen.sees("{}")
    vm.stop_process()
    screen.keys("query-uuid", "Enter")
    screen.sees("(QEMU) query-uuid")
    screen.keys("C-z")
    screen.sees("Stopped")
    vm.continue_process()
    screen.keys("fg", "Enter")
    screen.sees("reconnected", "the connection was closed before the reply")
    screen.keys("query-status", "Enter")
    screen.sees('"running": true')


def test_disconnected_by_hand_stays_so_when_resumed(screen: Terminal, vm: Vm) -> None:
    with_job_control(screen, vm.path)
    screen.keys(".disconnect", "Enter")
    screen.sees("the monitor is free for others")
    screen.keys("C-z")
    screen.sees("Stopped")
    screen.keys("fg", "Enter")
    screen.sees("the monitor is free for others")
    screen.keys(".reconnect", "Enter")
    screen.sees("reconnected")


@MODES
def test_ctrl_c_lets_go_of_a_slow_command(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    screen.qmpsh(*mode, vm.path)
    screen.keys("query-name", "Enter")
    screen.sees("{}")
    vm.stop_process()
    screen.keys("query-uuid", "Enter")
    screen.sees("(QEMU) query-uuid")
    screen.keys("C-c")
    screen.sees("detached from query-uuid: its reply is shown when it arrives")
    vm.continue_process()
    picture = screen.sees('"UUID": ')
    assert "error" not in picture


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@MODES
def test_signals_end_it_cleanly(
    screen: Terminal, vm: Vm, mode: list[str], number: signal.Signals
) -> None:
    with_job_control(screen, *mode, vm.path)
    children = wait_until(lambda: qmpsh_processes(vm.path))
    os.kill(children[0], number)
    wait_until(lambda: screen.picture().rstrip().endswith("shell>"))
    screen.keys("stty -a | grep -c ' echo '; echo code $?", "Enter")
    screen.sees("code 0")
    assert "Traceback" not in screen.picture()


def qmpsh_processes(path: str) -> list[int]:
    """Those that were started on this socket."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        if "qmpsh" in words and path in words:
            found.append(int(pid))
    return found
