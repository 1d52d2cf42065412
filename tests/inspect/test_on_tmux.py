"""Picking a monitor in a real terminal, a dumb one: by name, by leaving, by Ctrl-C."""

from __future__ import annotations

import os
import sys

import pytest

from tests.qemu import VmStarter
from tests.ui.tmux import Terminal, terminal

pytestmark = pytest.mark.tmux


def start(on: Terminal) -> None:
    on.start("env", "TERM=dumb", sys.executable, "-m", "qmpsh", columns=120)
    on.sees("\nmonitor")  # other VMs of this machine may leave no room for the heading


def test_picking_by_name(start_vm: VmStarter) -> None:
    name = f"pick{os.getpid()}"
    vm = start_vm(name=name)
    with terminal() as on:
        start(on)
        on.keys(name, "Enter")
        on.sees("Connected to QEMU", f"{name} · running · {vm.path}", "(QEMU)")
        on.keys("C-d")
        on.sees("exit 0")


@pytest.mark.parametrize("key, code", [("C-d", 0), ("C-c", 130)])
def test_leaving(start_vm: VmStarter, key: str, code: int) -> None:
    start_vm(name=f"left{os.getpid()}")
    with terminal() as on:
        start(on)
        on.keys(key)
        assert "Traceback" not in on.sees(f"exit {code}")
