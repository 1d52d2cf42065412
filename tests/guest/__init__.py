"""A small Linux in a VM: what it does with its devices, its memory, its power and its screen.

`scripts/guest.sh` builds it into .guest; without it the tests are skipped, and in CI fail. It takes
10 s to boot with a core of its own. So it boots once for each QEMU, the state of that VM is kept in
.guest, and the VMs of the tests begin there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import qmpsh
from qmpsh.errors import ReplyTimeout
from qmpsh.jsontypes import Json, as_dict
from tests.programs import unavailable
from tests.qemu import ROOT, Vm, VmStarter
from tests.waiting import PATIENCE, wait_until

FOLDER: Final = ROOT / ".guest"
BOOT_SECONDS: Final = 300.0
ANSWER_SECONDS: Final = PATIENCE
CONSOLES: Final = {"text": "", "framebuffer": "vga=791"}
"""The consoles of Linux that a VGA can have, and what the kernel is told for each."""

FONTS: Final = {"text": (), "framebuffer": ("--font", str(FOLDER / "font.psf.gz"))}
"""What `.screen` is told to read each with."""

MACHINE: Final = (
    *("-accel", "tcg", "-no-user-config", "-device", "VGA"),
    *("-m", "256,slots=2,maxmem=1G", "-smp", "1,maxcpus=2"),
    *("-chardev", "file,id=serial,path={folder}/serial", "-serial", "chardev:serial"),
    *("-device", "pcie-root-port,id=rp0,chassis=1,slot=1"),
    *("-device", "virtio-serial-pci", "-device", "virtio-balloon-pci,id=balloon0"),
    *("-chardev", "socket,id=ga,path={folder}/ga,server=on,wait=off"),
    *("-device", "virtserialport,chardev=ga,name=org.qemu.guest_agent.0"),
    *("-device", "pvpanic-pci", "-device", "i6300esb", "-device", "qemu-xhci,id=xhci"),
    *("-blockdev", "driver=null-co,node-name=medium,size=1048576,read-zeroes=on,read-only=on"),
    *("-device", "ide-cd,id=cd0,bus=ide.1,drive=medium"),
)
"""What a VM has beside the machine itself; in {folder} the agent listens at `ga`."""

_marks = count(1)


class Guest(NamedTuple):
    """A VM that runs the small Linux, at the prompt of its root shell on the display.

    font: what `.screen` is told to read its console with
    """

    vm: Vm
    font: tuple[str, ...] = ()

    @property
    def agent(self) -> str:
        """The socket of its guest agent."""
        return f"{self.vm.folder}/ga"

    def serial(self) -> str:
        """What the guest has written to ttyS0 so far."""
        return Path(self.vm.folder, "serial").read_text(errors="replace").replace("\r", "")

    def screen(self, vm: qmpsh.VM) -> list[str]:
        """The rows of the screen."""
        return str(vm.run(".screen", "--text", *self.font)).split("\n")

    def run(self, vm: qmpsh.VM, command: str) -> list[str]:
        """Type a command on a cleared screen, and return the rows that it has left there."""
        mark = f"={next(_marks)}="
        vm.type(f"clear; {command}; echo {mark}\n", rate=key_seconds())
        vm.run(".screen", "--until", f"^{mark}$", *self.font, timeout=ANSWER_SECONDS)
        rows = self.screen(vm)
        return rows[: rows.index(mark)]

    def sh(self, script: str) -> str:
        """Run a script in the guest, by its agent, and return what it wrote."""
        with qmpsh.connect(self.agent, guest_agent=True, timeout=PATIENCE) as agent:
            written = agent.run(".exec", "sh", "-c", script)
        return written.decode().strip() if isinstance(written, bytes) else ""

    def waits_in_vain(self, *words: str, seconds: float) -> str:
        """What a line says whose end does not come; only the wait for that has so little time."""
        with qmpsh.connect(self.vm.path) as monitor:
            monitor.run("qom-list", "path=/", timeout=PATIENCE)  # reads the types of arguments
            with pytest.raises(ReplyTimeout) as caught:
                monitor.run(*words, "--wait", timeout=seconds)
        return str(caught.value)

    def status(self) -> Json:
        """The run state of the VM."""
        with qmpsh.connect(self.vm.path) as monitor:
            return as_dict(monitor.execute("query-status"))["status"]


def key_seconds() -> float:
    """The time from key to key: a guest that gets little of the processor loses faster ones."""
    is_busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    return 0.15 if is_busy else 0.03


def boot(start: VmStarter, console: str) -> Guest:
    """Start the small Linux and wait for its prompt."""
    need_guest()
    words = f"console=tty0 console=ttyS0 quiet panic=0 tsc=unstable {CONSOLES[console]}"
    vm = start(
        *(*MACHINE, "-kernel", str(FOLDER / "vmlinuz"), "-initrd", str(FOLDER / "initrd")),
        *("-append", words),
        machine="q35",
        name=console,
    )
    guest = Guest(vm, FONTS[console])
    with qmpsh.connect(vm.path) as monitor:
        monitor.run(".screen", "--until", "^/ #$", *guest.font, timeout=BOOT_SECONDS)
    return guest


def need_guest() -> None:
    """Skip a test where there is no guest to run, or fail it in CI."""
    if not (FOLDER / "built-by").exists():
        unavailable("there is no guest to run (`make guest` builds one)")


def booted(emulator: str, console: str) -> Path:
    """The state of a VM that has booted, saved by the first who asks in place of an old one."""
    need_guest()
    name = f"booted-{console}-{_hashed(emulator)}-"
    state = FOLDER / f"{name}{_hashed(_identity(emulator))}"
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            for old in FOLDER.glob(f"{name}*"):
                old.unlink()
            _save(emulator, console, state)
    return state


def _identity(emulator: str) -> str:
    """What a saved state depends on: the emulator, the machine and the guest."""
    version = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True)
    return f"{version.stdout} {MACHINE} {(FOLDER / 'initrd').stat().st_mtime_ns}"


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _save(emulator: str, console: str, state: Path) -> None:
    new = state.with_suffix(".new")
    with closing(VmStarter(emulator)) as starter:
        guest = boot(starter, console)
        with qmpsh.connect(guest.vm.path) as monitor:
            monitor.run("migrate", f"uri=exec:cat >'{new}'", "--wait", timeout=BOOT_SECONDS)
    new.rename(state)


def waiting_machine(start: VmStarter) -> Vm:
    """Start a VM of the same kind that waits for a state."""
    return start(*MACHINE, "-incoming", "defer", machine="q35", name="guest")


def restore(start: VmStarter, console: str = "text") -> Guest:
    """Start a VM that goes on where the small Linux has booted."""
    state = booted(start.emulator, console)
    guest = Guest(waiting_machine(start), FONTS[console])
    with qmpsh.connect(guest.vm.path) as monitor:
        monitor.run("migrate-incoming", f"uri=exec:cat '{state}'", "--wait", timeout=PATIENCE)
    wait_until(lambda: guest.status() == "running", what="the guest goes on")
    return guest
