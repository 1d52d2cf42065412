"""What every family of rows gets: the installed commands, a private VM, a private home."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.qemu import Vm, VmStarter, emulators


class Bench(NamedTuple):
    """vm: paused, q35; folder: for files, removed at the end; env: of every process measured."""

    vm: Vm
    folder: Path
    env: Mapping[str, str]

    @property
    def python(self) -> str:
        return sys.executable

    @property
    def emulator(self) -> str:
        """The QEMU that the VM runs in."""
        match self.vm.process.args:
            case [emulator, *_]:
                return str(emulator)
            case _:
                raise RuntimeError("the VM was started without arguments")

    def script(self, name: str) -> str:
        """The path of a command installed beside this interpreter."""
        return str(Path(sys.executable).with_name(name))


@contextlib.contextmanager
def open_bench() -> Iterator[Bench]:
    """Start the VM; end it afterwards. Raises SystemExit when there is no QEMU."""
    found = emulators()
    if not found:
        raise SystemExit("benchmarks: no qemu-system-x86_64 in PATH")
    starter = VmStarter(found[0])
    try:
        vm = starter("-S", machine="q35", name="bench")
        folder = Path(vm.folder)
        yield Bench(vm, folder, private_environment(folder))
    finally:
        starter.close()


def private_environment(folder: Path) -> dict[str, str]:
    """This process's environment with a home of its own: no user's history or settings count."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "QMP", "PYTHON"))
    }
    return {**kept, "HOME": str(folder), "TERM": "xterm-256color"}
