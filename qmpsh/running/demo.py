"""The machine that `qmpsh run` starts by itself, and the emulator that it takes for it.

Diskless and paused, with a data disk that takes no room, a network card and a free PCIe port, so
that hot-plug can be tried. `make demo` and the tests have the same machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from qmpsh.errors import CannotConnect

NAME = "demo"

_ARCHITECTURES = {"arm64": "aarch64"}
"""What uname calls a machine, and QEMU's word for it where that is another."""

_OTHERS = ("qemu-system-x86_64", "qemu-system-i386", "qemu-system-aarch64", "kvm", "qemu-kvm")

_NOT_IN_PATH = "/usr/libexec/qemu-kvm"
"""Where Fedora's relatives keep it."""

_UNPLUG = "acpi-pci-hotplug-with-bridge-support"


def find_emulator() -> str:
    """An emulator of this system, of its own architecture where there is one.

    Raises CannotConnect.
    """
    machine = os.uname().machine
    native = f"qemu-system-{_ARCHITECTURES.get(machine, machine)}"
    for name in (native, *_OTHERS, _NOT_IN_PATH):
        found = shutil.which(name)
        if found:
            return found
    raise CannotConnect(
        "no QEMU found here",
        "install it (the package is called qemu-system-x86 or qemu), or name yours, as in qmpsh run"
        " -- /opt/qemu/bin/qemu-system-x86_64 ...",
    )


def demo_arguments(emulator: str) -> list[str]:
    """The arguments of the demo's machine, as this emulator can have it."""
    machine = "q35" if "\nq35 " in _ask(emulator, "-machine", "help") else "virt"
    # QEMU may be built without user networking; a hub port is always there and reaches nobody.
    has_user = "user" in _ask(emulator, "-netdev", "help").split()
    network = "user" if has_user else "hubport,hubid=0"
    arguments = []
    if machine == "q35" and _UNPLUG in _ask(emulator, "-device", "ICH9-LPC,help"):
        # With ACPI a device is unplugged by the guest, and there is none; with PCIe's own hot-plug
        # a port that the guest never switched on lets go at once, and DEVICE_DELETED comes.
        arguments = ["-global", f"ICH9-LPC.{_UNPLUG}=off"]
    arguments += ["-machine", machine, "-nodefaults", "-display", "none", "-m", "64", "-S"]
    arguments += ["-blockdev", "driver=null-co,node-name=disk0,size=1073741824,read-zeroes=on"]
    arguments += ["-device", "virtio-blk-pci,id=vda,drive=disk0"]
    # romfile=: the network card's boot ROM is a package of its own, and nothing boots here.
    arguments += ["-netdev", f"{network},id=net0"]
    arguments += ["-device", "virtio-net-pci,id=nic0,netdev=net0,romfile="]
    return [*arguments, "-device", "pcie-root-port,id=rp0,chassis=1"]


def _ask(emulator: str, *words: str) -> str:
    """What an emulator prints; "" where it cannot be run: its start will tell why."""
    try:
        done = subprocess.run(
            [emulator, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout
