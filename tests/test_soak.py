"""The soak in its short form: a few seconds of mixed load, kills and restarts."""

from __future__ import annotations

import pytest

from tests.growth import events
from tests.qemu import emulators
from tests.soak import Sample, Soak, grown

STEPS = 300


@pytest.mark.qemu
def test_mixed_load_leaves_nothing_behind() -> None:
    load = Soak(emulators())
    try:
        samples = []
        for _ in range(4):
            for _ in range(STEPS // 4):
                load.step()
            load.settle()
            samples.append(load.sample(0.0))
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
    grown = events(front)
    assert grown.is_bounded, grown
