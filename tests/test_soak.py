"""The soak in its short form: a few seconds of mixed load, kills and restarts."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from qmpsh.client.client import Client, Pending
from qmpsh.shell.session import reconnect
from qmpsh.shell.session.session import RunningLine
from tests.faults.server import closed, learnt, server
from tests.growth import Sample, closing_line, events, grown
from tests.qemu import emulators
from tests.shell.harness import SessionHarness
from tests.soak import Soak, relay

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
    def sample(memory: float, descriptors: int, threads: int = 1) -> Sample:
        return Sample(7.0, memory, descriptors, threads, {"kill": 1000})

    assert grown([sample(50, 9)] * 8) == ""
    assert grown([sample(50 + n, 9) for n in range(40)]).startswith("memory grew from")
    assert grown([sample(50, n) for n in range(40)]).startswith("descriptors grew from")
    assert grown([sample(50, 9, n) for n in range(40)]).startswith("threads grew from")
    assert grown([sample(90, 20), *[sample(50, 9)] * 7]) == ""
    assert closing_line("top", [sample(50 + n / 10, 9) for n in range(8)]) == (
        "top: memory 50.3 -> 50.6 MB, descriptors 9 -> 9, threads 1 -> 1, 7 s: flat (kill 1,000)"
    )


@pytest.mark.parametrize(
    "program, figures, code",
    [
        ("print('  1.0 s  5 MB'); print('top: memory 1 -> 1 MB: flat')", ["top: memory 1"], 0),
        ("print('top: memory 1 -> 9 MB: grew'); exit(1)", ["top: memory 1"], 1),
        ("exit(3)", ["top: it ended early, with 3"], 3),
    ],
)
def test_what_a_load_comes_to(program: str, figures: list[str], code: int) -> None:
    words = [sys.executable, "-c", program]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as load:
        lines, ended = relay("top", load)
    assert [line[: len(begin)] for line, begin in zip(lines, figures, strict=True)] == figures
    assert ended == code


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
