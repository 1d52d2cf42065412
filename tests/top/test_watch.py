"""VMs under watch: one that is at rest costs nothing, and is not at rest while anything is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import ClientOptions, Pending
from qmpsh.client.poll import READ, wait_for
from qmpsh.jsontypes import JsonObject
from qmpsh.many.targets import Target
from qmpsh.protocol.messages import Command
from qmpsh.shell.settings import Settings
from qmpsh.top.probe import Probe, ProbePlan
from qmpsh.top.record import VmRecord
from qmpsh.top.watch import Watch
from tests.qemu import Vm
from tests.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.qemu, pytest.mark.one_emulator]


@contextmanager
def watch_of(vm: Vm, seconds: float) -> Iterator[tuple[Watch, Probe]]:
    """A watch that holds one VM, and has heard all that it asks at first."""
    plan = ProbePlan(ClientOptions(connect_timeout=PATIENCE), Settings(), holds=True)
    watch = Watch(plan, seconds)
    try:
        watch.set_targets([Target(UnixAddress(vm.path), vm.path)])
        (probe,) = watch.probes
        until(watch, lambda: probe.record.is_up and probe.is_at_rest)
        yield watch, probe
    finally:
        watch.close()


def until(watch: Watch, predicate: Callable[[], object]) -> None:
    """Let the watch go on until something holds."""

    def holds() -> bool:
        wait_for({watch.fileno(): READ}, min(0.05, watch.wait()))
        watch.poll()
        return bool(predicate())

    wait_until(holds)


def test_one_at_rest_is_not_turned(vm: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[Probe] = []
    turn = Probe.turn

    def counted(probe: Probe, now: float, fd: int = -1) -> None:
        turned.append(probe)
        turn(probe, now, fd)

    with watch_of(vm, 3600.0) as (watch, probe):
        monkeypatch.setattr(Probe, "turn", counted)
        for _ in range(3):
            watch.poll()
            watch._next_care = 0.0  # as if its time had passed
        assert not turned

        answers: list[Pending] = []

        def note(record: VmRecord, pending: Pending) -> None:
            answers.append(pending)

        probe.order(Command("query-name"), note, 0.0)
        assert not probe.is_at_rest
        until(watch, lambda: answers)
        assert turned
        assert probe.is_at_rest


def test_work_is_followed(vm: Vm) -> None:
    """Of a job only the list says how far it is."""
    drive: JsonObject = {"driver": "null-co", "node-name": "n", "size": 1 << 30}
    job: JsonObject = {"job-id": "j", "device": "n", "target": "m", "sync": "full", "speed": 1}
    with watch_of(vm, 3600.0) as (watch, probe):
        for command in (
            Command("blockdev-add", drive),
            Command("blockdev-add", {**drive, "node-name": "m"}),
            Command("blockdev-backup", job),
        ):
            probe.order(command, lambda record, pending: None, 0.0)
        progress = probe.record.progress
        until(watch, lambda: any(work.fraction is not None for work in progress.works()))
        assert not probe.is_at_rest
        probe.order(Command("job-cancel", {"id": "j"}), lambda record, pending: None, 0.0)
        until(watch, lambda: probe.is_at_rest)


def test_a_freeze_is_noticed(vm: Vm) -> None:
    with watch_of(vm, 0.1) as (watch, probe):
        with vm.stopped():
            until(watch, lambda: probe.record.is_hung(time.monotonic()))
        until(watch, lambda: probe.is_at_rest and not probe.record.is_hung(time.monotonic()))
