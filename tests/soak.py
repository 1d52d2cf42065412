"""`python -m tests.soak MINUTES [session|sharing|top [VMS]|events]`: long loads, with VMs killed.

`session` is one session at which everything is typed, `sharing` the clients of a shell that shares
its monitor (tests/share/soaking.py), `top` the live table of so many VMs (tests/top/soaking.py),
`events` very many of them at both front ends (tests/growth.py). Without a word all of them run side
by side, each in a process of its own.

Every line must end, exactly once; memory, descriptors and threads must be as many at the end as
they were once everything had happened. A sample is printed every few seconds, and at the end a line
of figures for each load; exit 1, with the reason, when something grew. The short forms run in the
test suite.
"""

from __future__ import annotations

import gc
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from qmpsh.address import parse_address
from qmpsh.advice import UNGUARDED
from qmpsh.client.client import Client
from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome
from tests.growth import LOADS, Load, Sample, closing_line, grown, sample_of, soak_load
from tests.qemu import Vm, VmStarter, emulators, new_folder
from tests.share.soaking import CLIENTS, SharingLoad
from tests.top.soaking import VMS, TopLoad

SEED = 7
WAIT = 30.0
"""seconds after which a line that has not ended counts as lost"""

LINES = (
    ("query-status", 20),
    ("query-qmp-schema", 1),
    ("qom-list path=/machine", 8),
    ("qom-get path=/machine property=type", 8),
    ("device_add driver=virtio-rng-pci id=rng0 bus=rp0", 4),
    ("device_del id=rng0", 4),
    ("object-add qom-type=iothread id=io0", 4),
    ("object-del id=io0", 4),
    ("blockdev-add driver=null-co node-name=n0 size=1M", 3),
    ("blockdev-del node-name=n0", 3),
    ("stop", 5),
    ("cont", 5),
    ("nope", 3),
    ("qom-get path=/nowhere property=x", 3),
    ("object-add qom-type=", 3),
    ("a = b {", 3),
    ('{"execute": "query-name", "id": {"a": 1}}', 3),
    (".hmp info qtree", 3),
    (".help blockdev-add", 2),
    (".json stop", 2),
    ("transaction( abort )", 2),
    ("query-block | cat > /dev/null", 1),
    (".disconnect", 1),
    (".reconnect", 1),
)
TYPED = (
    "blockdev-add driver=q",
    "device_add driver=",
    "qom-get path=/ma",
    "object-add ",
    "quer",
    "",
)


class Person:
    """Who sits before the session: counts what is shown, answers questions with yes."""

    advice = UNGUARDED

    def __init__(self, path: str) -> None:
        self.told: Counter[str] = Counter()
        self.session = Session(
            Client.connect(parse_address(path)), Settings(timeout=WAIT / 2), self, path
        )

    def event(self, event: Event) -> None:
        self.told["events"] += 1

    def stray(self, reply: Reply | ErrorReply) -> None:
        self.told["strays"] += 1

    def refresh(self) -> None: ...

    def facts(self) -> None: ...

    def filter_events(self, patterns: tuple[str, ...]) -> None: ...

    def open_jobs(self) -> bool:
        return False

    def connection_lost(self, error: QmpshError) -> None:
        self.told["losses"] += 1

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        self.told["remarks"] += 1

    def columns(self) -> int:
        return 80

    def turn(self, seconds: float) -> None:
        """Wait for the descriptor as an event loop does, and let the session go on."""
        due = self.session.wait()
        limit = seconds if due is None else min(seconds, due)
        fd = self.session.connection.fileno()
        writing = [fd] if fd >= 0 and self.session.connection.wants_write else []
        select.select([fd] if fd >= 0 else [], writing, [], limit)
        self.session.poll()

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Take turns until something holds. Raises AssertionError when it takes too long."""
        deadline = time.monotonic() + WAIT
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {WAIT:g} s: {what}")
            self.turn(0.05)

    def run(self, line: str) -> None:
        """Type a line and wait for its end, which must come exactly once."""
        ends: list[Outcome] = []
        self.session.start(line, self._show, ends.append)

        def ended() -> bool:
            running = self.session.running
            if running is not None and running.task.asking is not None:
                running.task.reply("y")
            return bool(ends) and self.session.running is None

        self.until(ended, line)
        if len(ends) != 1:
            raise AssertionError(f"{line} ended {len(ends)} times")
        self.told[f"exit {ends[0].exit_code}"] += 1

    def _show(self, item: Answer | Note) -> None:
        self.told["answers" if isinstance(item, Answer) else "notes"] += 1


class Soak:
    """emulators: each restart takes the next one, so that versions change under the session."""

    def __init__(self, emulators: list[str]) -> None:
        self._dice = random.Random(SEED)
        self._starters = [VmStarter(path) for path in emulators]
        self._restarts = 0
        self._folder = new_folder()
        self.done: Counter[str] = Counter()
        self._started = time.monotonic()
        self._vm = self._start()
        self.person = Person(self._vm.path)
        self._deeds: list[tuple[Callable[[], None], int]] = [
            (self._line, 80),
            (self._type, 10),
            (self._flood, 3),
            (self._kill, 1),
            (self._freeze, 1),
        ]

    def close(self) -> None:
        """End all that was started."""
        self.person.session.close()
        for starter in self._starters:
            starter.close()

    def step(self) -> None:
        """Do one thing."""
        deeds, weights = zip(*self._deeds, strict=True)
        deed = self._dice.choices(deeds, weights)[0]
        deed()
        self.done[deed.__name__.strip("_")] += 1

    def rest(self) -> Sample:
        """What the process holds in a state that can be compared: connected, nothing on its way."""
        person = self.person
        if not person.session.machine.connected:
            self._come_back()
        person.until(lambda: not person.session.client.in_flight, "quiet")
        gc.collect()
        return sample_of(os.getpid(), self._started, self.done + person.told)

    # ------------------------------------------------------------------ deeds

    def _line(self) -> None:
        lines, weights = zip(*LINES, strict=True)
        self.person.run(self._dice.choices(lines, weights)[0])

    def _type(self) -> None:
        """Somebody types, a key at a time, with Tab and the hint at each."""
        text = self._dice.choice(TYPED)
        for end in range(len(text) + 1):
            self.person.session.complete(text[:end], end)
            self.person.session.hint(text[:end], end)
            self.person.turn(0.0)

    def _flood(self) -> None:
        """Somebody else lets the VM raise events as fast as it can."""
        other = Client.connect(parse_address(f"{self._folder}/second"))
        for _ in range(50):
            other.submit(Command("stop"))
            other.submit(Command("cont"))
        self.person.until(lambda: other.poll(0) or not other.in_flight, "a flood")
        while other.in_flight:
            other.poll(1.0)
        other.close()

    def _kill(self) -> None:
        """The VM is killed, a line is typed into the void, and it comes back."""
        self._vm.kill()
        person = self.person
        person.until(lambda: not person.session.machine.connected, "the loss")
        person.run("query-status")
        self._vm = self._start()
        self._come_back()

    def _freeze(self) -> None:
        """The process stands still for a moment while a line is on its way."""
        self._vm.stop_process()
        ends: list[Outcome] = []
        self.person.session.start("query-status", lambda _: None, ends.append)
        for _ in range(5):
            self.person.turn(0.01)
        self.person.session.interrupt()
        self._vm.continue_process()
        self.person.until(lambda: ends, "the reply that was let go of")

    def _start(self) -> Vm:
        starter = self._starters[self._restarts % len(self._starters)]
        self._restarts += 1
        second = f"unix:{self._folder}/second,server=on,wait=off"
        return starter("-qmp", second, machine="demo", name="soak", folder=self._folder)

    def _come_back(self) -> None:
        machine = self.person.session.machine
        if machine.disconnected_by_user:
            self.person.run(".reconnect")
        self.person.until(lambda: machine.connected and machine.status, "the reconnection")


NAMES = ("session", "sharing", "top", "events")
SAMPLES = 60
LEAST_SECONDS = 10.0
"""between two samples, for which everything must come to rest"""


def main(words: list[str]) -> int:
    minutes = float(words[0]) if words else 30.0
    match words[1:]:
        case []:
            return soak_all(minutes)
        case ["events"]:
            return soak_events()
        case [name, *count]:
            load = load_named(name, int(count[0]) if count else VMS)
    every = max(LEAST_SECONDS, minutes * 60 / SAMPLES)
    samples = soak_load(load, minutes * 60, every, partial(print, flush=True))
    print(closing_line(name, samples))
    return int(bool(grown(samples)))


def load_named(name: str, count: int) -> Load:
    """Begin a load. count: of VMs of the table"""
    if name == "sharing":
        return SharingLoad(CLIENTS, emulators())
    return TopLoad(count, emulators()) if name == "top" else Soak(emulators())


def soak_events() -> int:
    """Return 0 if a session holds little more after very much of each kind."""
    found = {name: measure() for name, measure in LOADS.items()}
    for name, grown_by in found.items():
        flat = "flat" if grown_by.is_bounded else "grown"
        print(f"{name}: memory {grown_by.before:.1f} -> {grown_by.after:.1f} MB: {flat}")
    return int(not all(grown_by.is_bounded for grown_by in found.values()))


def soak_all(minutes: float) -> int:
    """Run all loads side by side; print their samples, and at the end their figures."""
    words = (sys.executable, "-m", "tests.soak", str(minutes))
    with ExitStack() as stack:
        loads = {
            name: stack.enter_context(
                subprocess.Popen([*words, name], stdout=subprocess.PIPE, text=True)
            )
            for name in NAMES
        }
        stack.callback(end_all, loads.values())
        with ThreadPoolExecutor() as threads:
            ends = dict(zip(loads, threads.map(relay, loads, loads.values()), strict=True))
    print("\n".join(f"soak: {line}" for lines, _ in ends.values() for line in lines))
    failed = [name for name, (_, code) in ends.items() if code]
    print(f"soak: {', '.join(failed)} failed" if failed else "soak: all is flat")
    return int(bool(failed))


def relay(name: str, load: subprocess.Popen[str]) -> tuple[list[str], int]:
    """Print what a load says; return its lines of figures, and its exit code."""
    figures: list[str] = []
    for line in load.stdout or ():
        print(f"{name:8}{line}", end="", flush=True)
        if "memory" in line:
            figures.append(line.rstrip())
    code = load.wait()
    return figures or [f"{name}: it ended early, with {code}"], code


def end_all(loads: Iterable[subprocess.Popen[str]]) -> None:
    """End what still runs, as Ctrl-C does: each ends its VMs."""
    for load in loads:
        if load.poll() is None:
            load.send_signal(signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
