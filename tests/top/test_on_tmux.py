"""The live table in a real terminal: the shell on a row, lines, suspending, signals."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys

import pytest

from qmpsh.system.proc import pids, words_of
from tests.qemu import ROOT, Vm, VmStarter
from tests.ui.tmux import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.tmux

TOP = (sys.executable, "-m", "qmpsh", "top")


@pytest.fixture
def table(screen: Terminal, start_vm: VmStarter) -> tuple[Terminal, Vm]:
    """The table of one VM, which is held."""
    vm = start_vm(name="web1")
    screen.start(*TOP, vm.path)
    screen.sees("web1", "1 VM  1 running")
    return screen, vm


def test_the_shell_on_a_row_and_back(table: tuple[Terminal, Vm]) -> None:
    screen, _ = table
    screen.keys("Enter")
    screen.sees("(QEMU)", "web1")
    screen.keys("C-c", "stop", "Enter")
    screen.sees("paused")
    screen.keys("C-d")
    assert "Traceback" not in screen.sees("1 VM  1 paused", "Enter shell")
    screen.keys("q")
    screen.sees("exit 0")


def test_a_line_for_the_vm(table: tuple[Terminal, Vm]) -> None:
    screen, _ = table
    screen.keys("!", "query-name", "Enter")
    screen.sees("1 ok", "Enter goes back to the table")
    screen.keys("Enter")
    screen.sees("1 VM  1 running", "Enter shell")


def test_no_monitor_is_held_while_it_is_suspended(screen: Terminal, start_vm: VmStarter) -> None:
    vm = start_vm(name="web1")
    screen.start("env", "PS1=shell> ", "bash", "--norc", "--noprofile", "-i")
    screen.sees("shell>")
    screen.keys(f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.join([*TOP, vm.path])}", "Enter")
    screen.sees("1 VM  1 running")
    screen.keys("C-z")
    screen.sees("Stopped")
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(5)
        other.connect(vm.path)
        assert b"QMP" in other.recv(4096)
    screen.keys("fg", "Enter")
    assert "Traceback" not in screen.sees("1 VM  1 running", "Enter shell")
    screen.keys("Enter")
    screen.sees("(QEMU)")
    screen.keys("C-z")
    screen.sees("fg reconnects")
    screen.keys("fg", "Enter")
    screen.sees("(QEMU)", "running")
    screen.keys("C-d")
    screen.sees("1 VM  1 running", "Enter shell")
    screen.keys("q")
    screen.sees("shell>")


def test_a_signal_restores_the_terminal(table: tuple[Terminal, Vm]) -> None:
    screen, vm = table
    [pid] = [one for one in pids() if words_of(one)[1:] == (*TOP[1:], vm.path)]
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: "exit 143" in screen.picture())
    assert "Traceback" not in screen.picture()
