"""What a guest does with its devices: `device_del --wait` of each kind, balloon and tray."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

import qmpsh
from qmpsh.jsontypes import as_dicts
from tests.conftest import RunQmpsh
from tests.guest import Guest
from tests.waiting import PATIENCE, wait_until

MIB = 1 << 20

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(guest: Guest, run_qmpsh: RunQmpsh) -> Run:
    """Runs a line at the monitor of the guest's VM."""

    def one(*words: str) -> subprocess.CompletedProcess[str]:
        return run_qmpsh(guest.vm.path, *words)

    return one


def unplugged(run: Run, id: str) -> None:
    """Take a device out, which the guest releases."""
    done = run("device_del", f"id={id}", "--wait", "--timeout", "60")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"device": id, "path": f"/machine/peripheral/{id}"}


def test_a_virtio_device(run: Run, guest: Guest) -> None:
    assert run("device_add", "driver=virtio-rng-pci", "id=r0", "bus=rp0").returncode == 0
    guest.sh("until grep -q virtio /sys/class/misc/hw_random/rng_available; do sleep 1; done")
    unplugged(run, "r0")
    assert guest.sh("cat /sys/class/misc/hw_random/rng_available") == ""


def test_a_usb_device(run: Run, guest: Guest) -> None:
    find = "grep -q 'QEMU USB Tablet' /proc/bus/input/devices"
    assert run("device_add", "driver=usb-tablet", "id=u0", "bus=xhci.0").returncode == 0
    guest.sh(f"until {find}; do sleep 1; done")
    unplugged(run, "u0")
    guest.sh(f"while {find}; do sleep 1; done")


def plug_memory(run: Run, guest: Guest, id: str, zone: str) -> None:
    """Put a memory module in, and wait until the guest uses it."""
    guest.sh(f"echo {zone} >/sys/devices/system/memory/auto_online_blocks")
    total = "$(awk '/MemTotal/ { print $2 }' /proc/meminfo)"
    before = guest.sh(f"echo {total}")
    run("object-add", "qom-type=memory-backend-ram", f"id={id}-memory", "size=128M")
    assert run("device_add", "driver=pc-dimm", f"id={id}", f"memdev={id}-memory").returncode == 0
    guest.sh(f"until [ {total} -gt {before} ]; do sleep 1; done")


def test_a_memory_module(run: Run, guest: Guest) -> None:
    plug_memory(run, guest, "d0", "online_movable")
    unplugged(run, "d0")
    assert run("object-del", "id=d0-memory").returncode == 0


def test_a_memory_module_that_the_kernel_itself_uses(run: Run, guest: Guest) -> None:
    plug_memory(run, guest, "d1", "online")
    guest.sh("for i in $(seq 20); do sleep 1000 >/dev/null 2>&1 & done")  # stacks and page tables
    done = run("device_del", "id=d1", "--wait", "--timeout", "60")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "qmpsh: device_del d1: the guest refused: the device is busy (ACPI status 130)\n"
    )
    guest.sh("killall sleep")


def test_a_balloon(run: Run, guest: Guest) -> None:
    for size in (224 * MIB, 256 * MIB):
        done = run("balloon", f"value={size}", "--wait", "--timeout", "60")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout) == {"actual": size}


def test_a_balloon_for_which_the_guest_has_no_memory(fresh_guest: Guest) -> None:
    text = fresh_guest.waits_in_vain("balloon", "value=8M", seconds=2)
    said, _, size = text.removesuffix(" bytes").rpartition(" ")
    assert said == "balloon: waited 2 s for BALLOON_CHANGE; the guest has"
    assert 8 * MIB < int(size) <= 256 * MIB


def test_a_tray(run: Run, guest: Guest) -> None:
    """It is locked while a program of the guest reads the disc, and opens for who has waited."""
    guest.sh("sleep 1000 </dev/sr0 >/dev/null 2>&1 & echo $!")
    with qmpsh.connect(guest.vm.path) as vm:

        def is_locked() -> bool:
            drives = as_dicts(vm.execute("query-block"))
            return any(drive["locked"] is True for drive in drives)

        wait_until(is_locked, what="the tray is locked")
    assert guest.waits_in_vain("blockdev-open-tray", "id=cd0", seconds=0.5) == (
        "blockdev-open-tray: waited 0.5 s for DEVICE_TRAY_MOVED of cd0;"
        " the guest has not unlocked the tray"
    )
    done = run("eject", "id=cd0")
    assert (done.returncode, done.stderr) == (
        1,
        "qmpsh: GenericError: Device 'cd0' is locked and force was not specified,"
        " wait for tray to open and try again\n",
    )
    guest.sh("killall sleep")
    done = run("blockdev-open-tray", "id=cd0", "--wait", "--timeout", "60")
    assert (done.returncode, json.loads(done.stdout)["tray-open"]) == (0, True)
    assert run("blockdev-close-tray", "id=cd0").returncode == 0


def test_a_cpu(fresh_guest: Guest, run_qmpsh: RunQmpsh) -> None:
    path = fresh_guest.vm.path
    plug = ("driver=qemu64-x86_64-cpu", "id=cpu1", "socket-id=0", "core-id=1", "thread-id=0")
    assert run_qmpsh(path, "device_add", *plug).returncode == 0
    online = "/sys/devices/system/cpu/cpu1/online"
    fresh_guest.sh(f"until [ -e {online} ]; do sleep 1; done; echo 1 >{online}")
    assert fresh_guest.sh("nproc") == "2"
    done = run_qmpsh(path, "device_del", "id=cpu1", "--wait", "--timeout", f"{PATIENCE}")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["device"] == "cpu1"
    assert fresh_guest.sh("nproc") == "1"
