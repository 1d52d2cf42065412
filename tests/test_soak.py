"""The soak in its short form: a few seconds of mixed load, kills and restarts."""

from __future__ import annotations

import gc

import pytest

from qmpsh.client.client import Client, Pending
from qmpsh.shell.session import reconnect
from qmpsh.shell.session.session import RunningLine
from tests.faults.server import closed, learnt, server
from tests.growth import Sample, events, grown
from tests.qemu import emulators
from tests.shell.harness import SessionHarness
from tests.soak import Soak

STEPS = 160
SOME_EVENTS = 20_000
CONNECTIONS = 40


@pytest.mark.qemu
def test_mixed_load_leaves_nothing_behind() -> None:
    load = Soak(emulators())
    try:
        samples = []
        for _ in range(4):
            for _ in range(STEPS // 4):
                load.step()
            samples.append(load.rest())
    finally:
        load.close()
    assert load.done["kill"]
    assert load.person.told["exit 0"]
    assert load.person.told["exit 4"] >= load.done["kill"]
    assert load.person.told["events"]
    assert load.person.told["strays"] == 0
    assert grown(samples) == ""


def test_what_grew_is_told() -> None:
    def sample(memory: float, descriptors: int) -> Sample:
        return Sample(0.0, memory, descriptors, {})

    assert grown([sample(50, 9)] * 8) == ""
    assert grown([sample(50 + n, 9) for n in range(40)]).startswith("memory grew from")
    assert grown([sample(50, n) for n in range(40)]).startswith("descriptors grew from")
    assert grown([sample(90, 20), *[sample(50, 9)] * 7]) == ""


@pytest.mark.parametrize("front", ["w", "p"])
def test_many_events_leave_nothing_behind(front: str) -> None:
    grown = events(front, SOME_EVENTS)
    assert grown.is_bounded, grown


def test_connections_that_ended_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "FIRST_PAUSE_SECONDS", 0.0)
    # What other tests of this process have left is theirs.
    before = {id(each) for each in gc.get_objects() if type(each) in (Client, Pending, RunningLine)}
    with server(*[(learnt, closed)] * CONNECTIONS) as served:
        harness = SessionHarness(served.path)
        harness.poll_until(lambda: len(harness.listener.losses) == CONNECTIONS)
        harness.poll_until(lambda: harness.session.machine.connected)
        harness.listener.losses.clear()
        gc.collect()
        ours = [
            type(each)
            for each in gc.get_objects()
            if type(each) in (Client, Pending, RunningLine) and id(each) not in before
        ]
        harness.session.close()
    assert len(ours) < 10, ours
