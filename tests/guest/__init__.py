"""A small Linux in a VM with a display: what is typed into it, and what its screen shows of that.

`scripts/guest.sh` builds it into .guest; without it the tests are skipped, and in CI fail.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import qmpsh
from tests.programs import unavailable
from tests.qemu import ROOT, Vm, VmStarter

FOLDER: Final = ROOT / ".guest"
BOOT_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 20.0
CONSOLES: Final = {"text": "", "framebuffer": "vga=791"}
"""The consoles of Linux that a VGA can have, and what the kernel is told for each."""

_marks = count(1)


class Guest(NamedTuple):
    """A VM that runs the small Linux, at the prompt of its root shell on the display.

    font: what `.screen` is told to read its console with
    """

    vm: Vm
    font: tuple[str, ...]

    def serial(self) -> str:
        """What the guest has written to ttyS0 so far."""
        return Path(self.vm.folder, "serial").read_text(errors="replace").replace("\r", "")

    def screen(self, vm: qmpsh.VM) -> list[str]:
        """The rows of the screen."""
        return str(vm.run(".screen", "--text", *self.font)).split("\n")

    def run(self, vm: qmpsh.VM, command: str) -> list[str]:
        """Type a command on a cleared screen, and return the rows that it has left there."""
        mark = f"={next(_marks)}="
        vm.type(f"clear; {command}; echo {mark}\n")
        vm.run(".screen", "--until", f"^{mark}$", *self.font, timeout=ANSWER_SECONDS)
        rows = self.screen(vm)
        return rows[: rows.index(mark)]


def boot(start: VmStarter, console: str) -> Guest:
    """Start the small Linux and wait for its prompt."""
    if not (FOLDER / "built-by").exists():
        unavailable("there is no guest to run (`make guest` builds one)")
    words = f"console=tty0 console=ttyS0 quiet panic=0 tsc=unstable {CONSOLES[console]}"
    vm = start(
        *("-m", "256", "-no-user-config", "-device", "VGA"),
        *("-kernel", str(FOLDER / "vmlinuz"), "-initrd", str(FOLDER / "initrd"), "-append", words),
        *("-chardev", "file,id=serial,path={folder}/serial", "-serial", "chardev:serial"),
        machine="q35",
        name=console,
    )
    font = ("--font", str(FOLDER / "font.psf.gz")) if console == "framebuffer" else ()
    with qmpsh.connect(vm.path) as monitor:
        monitor.run(".screen", "--until", "^/ #$", *font, timeout=BOOT_SECONDS)
    return Guest(vm, font)
