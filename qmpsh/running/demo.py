"""The machine that `qmpsh run` starts by default, and the emulator it chooses.

It is paused and boots from no disk; it has a data disk that takes no space, a network card, and a
free PCIe port for trying hot-plug. `make demo` and the tests use the same machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from qmpsh.errors import CannotConnect

NAME = "demo"

_ARCHITECTURES = {"arm64": "aarch64"}
"""uname's name of a machine to QEMU's, where they differ."""

_OTHERS = ("qemu-system-x86_64", "qemu-system-i386", "qemu-system-aarch64", "kvm", "qemu-kvm")

_NOT_IN_PATH = "/usr/libexec/qemu-kvm"
"""Where Fedora and its derivatives keep it."""

_UNPLUG = "acpi-pci-hotplug-with-bridge-support"


def find_emulator() -> str:
    """Return an installed emulator, preferably of the host's own architecture.

    Raises CannotConnect if there is none.
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
    """Return the arguments of the demo machine, adapted to what this emulator supports."""
    machine = "q35" if "\nq35 " in _ask(emulator, "-machine", "help") else "virt"
    # QEMU may be built without user networking; a hub port always exists and leads nowhere.
    has_user = "user" in _ask(emulator, "-netdev", "help").split()
    network = "user" if has_user else "hubport,hubid=0"
    arguments = []
    if machine == "q35" and _UNPLUG in _ask(emulator, "-device", "ICH9-LPC,help"):
        # With ACPI the guest must unplug a device, and no guest runs here. With native PCIe
        # hot-plug, a port that no guest ever powered on releases it at once (DEVICE_DELETED).
        arguments = ["-global", f"ICH9-LPC.{_UNPLUG}=off"]
    arguments += ["-machine", machine, "-nodefaults", "-display", "none", "-m", "64", "-S"]
    arguments += ["-blockdev", "driver=null-co,node-name=disk0,size=1073741824,read-zeroes=on"]
    arguments += ["-device", "virtio-blk-pci,id=vda,drive=disk0"]
    # romfile=: the card's boot ROM comes in a separate package, and nothing boots here.
    arguments += ["-netdev", f"{network},id=net0"]
    arguments += ["-device", "virtio-net-pci,id=nic0,netdev=net0,romfile="]
    return [*arguments, "-device", "pcie-root-port,id=rp0,chassis=1"]


def _ask(emulator: str, *words: str) -> str:
    """Return what an emulator prints; "" if it cannot run, since starting it will report why."""
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
