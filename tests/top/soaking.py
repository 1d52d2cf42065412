"""The live table over VMs that are killed, frozen and started again, and that cause many events.

Now and then all of them run: the table must say so, and hold no more memory or descriptors than
before.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from tests.console import console
from tests.growth import Sample, sample_of
from tests.qemu import ROOT, Vm, VmStarter, new_folder
from tests.waiting import PATIENCE

SEED = 7
VMS = 20
FREEZE_SECONDS = 1.5
"""longer than the table waits for an answer before it asks the others"""
CHANGES = "stop\ncont\n" * 10
"""a script for one VM, which makes events"""
REDRAW = "\x0c"
"""Ctrl-L: of a number only the digits are drawn that have changed"""


class TopLoad:
    """The table over so many VMs, of each emulator in turn.

    done: disturbances so far, by name
    """

    def __init__(self, count: int, emulators: list[str]) -> None:
        self.done: Counter[str] = Counter()
        self._started = time.monotonic()
        self._dice = random.Random(SEED)
        self._starters = [VmStarter(path) for path in emulators]
        self._stack = ExitStack()
        self._folder = new_folder()
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        for starter in self._starters:
            self._stack.callback(starter.close)
        self._vms = [self._start(number) for number in range(count)]
        self._table = self._stack.enter_context(
            console("top", f"{self._folder}/*.sock", shows="qmpsh top")
        )
        self.rest()  # as it starts, they are counted up digit by digit

    @property
    def _all_run(self) -> str:
        return f"{len(self._vms)} running"

    def _start(self, number: int) -> Vm:
        monitor = f"unix:{self._path(number)},server=on,wait=off"
        starter = self._starters[number % len(self._starters)]
        return starter("-qmp", monitor, qmp=False, machine="none", name=f"web{number}")

    def _path(self, number: int) -> str:
        return f"{self._folder}/vm{number}.sock"

    def close(self) -> None:
        """End all that was started."""
        self._stack.close()

    def step(self) -> None:
        """Let the table go on for a moment, and then perhaps disturb one VM."""
        self._table.read(0.2)
        chosen = self._dice.choices([None, *self._deeds()], [20, 2, 1, 2])[0]
        if chosen is not None:
            chosen(self._dice.randrange(len(self._vms)))

    def disturb(self) -> None:
        """Do each of what disturbs, once."""
        for number, deed in enumerate(self._deeds()):
            deed(number)

    def _deeds(self) -> list[Callable[[int], None]]:
        return [self._restart, self._freeze, self._use]

    def _restart(self, number: int) -> None:
        self._vms[number].kill()
        self._read(1.0)
        self._vms[number] = self._start(number)
        self.done["killed"] += 1

    def _freeze(self, number: int) -> None:
        with self._vms[number].stopped():
            self._read(FREEZE_SECONDS)
        self.done["frozen"] += 1

    def _use(self, number: int) -> None:
        """Send many commands through the table, which holds the monitor."""
        words = [sys.executable, "-m", "qmpsh", "-k", "-f", "-", self._path(number)]
        with subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, text=True,
        ) as script:  # fmt: skip
            if script.stdin is not None:
                script.stdin.write(CHANGES)
                script.stdin.close()
            while script.poll() is None:
                self._table.read(0.05)
        self.done["used"] += 1

    def _read(self, seconds: float) -> None:
        """Take in what is drawn for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._table.read(left)

    def rest(self) -> Sample:
        """Wait until the table says that all run, and look at its process."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self._table.keys(REDRAW)
            self._read(0.5)
            if self._all_run in self._table.drawn():
                break
            assert time.monotonic() < deadline, self._table.drawn()[-2000:]
        return sample_of(self._table.process.pid, self._started, self.done)
