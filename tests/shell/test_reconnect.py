"""When it is tried again, as tables; the clock is an argument."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.shell.session.reconnect import (
    FIRST,
    MOST,
    PATIENCE,
    STEADY,
    Phase,
    ReconnectPlan,
    VmIdentity,
    who,
)

Call = Callable[[ReconnectPlan], object]

CALLS: dict[str, Call] = {
    "lost": lambda plan: plan.lost(100.0),
    "want": lambda plan: plan.want(100.0),
    "part": lambda plan: plan.part(),
    "dialled": lambda plan: plan.dialled(100.0),
    "failed": lambda plan: plan.failed(100.0),
    "appeared": lambda plan: plan.appeared(100.0),
    "met": lambda plan: plan.met(),
}


@pytest.mark.parametrize(
    "calls, phase, wait",
    [
        ("", Phase.CONNECTED, None),
        ("lost", Phase.WAITING, FIRST),
        ("want", Phase.WAITING, 0.0),
        ("part", Phase.APART, None),
        ("lost part", Phase.APART, None),
        ("part want", Phase.WAITING, 0.0),
        ("lost dialled", Phase.GREETING, PATIENCE),
        ("lost dialled met", Phase.CONNECTED, None),
        ("lost dialled failed", Phase.WAITING, 0.5),
        ("lost failed failed", Phase.WAITING, 1.0),
        ("lost failed failed failed failed failed failed failed", Phase.WAITING, MOST),
        ("lost failed failed failed appeared", Phase.WAITING, 0.0),
        ("lost failed failed appeared failed", Phase.WAITING, FIRST),
        ("lost failed failed failed met lost", Phase.WAITING, 2 * FIRST),
        ("lost met lost met lost", Phase.WAITING, 4 * FIRST),
        ("lost met lost met lost met lost met lost met lost met lost", Phase.WAITING, MOST),
        ("lost failed failed want failed", Phase.WAITING, 0.5),
        ("appeared", Phase.CONNECTED, None),
        ("failed", Phase.CONNECTED, None),
        ("dialled", Phase.CONNECTED, None),
        ("part appeared", Phase.APART, None),
        ("part failed", Phase.APART, None),
        ("part dialled", Phase.APART, None),
    ],
)
def test_phases(calls: str, phase: Phase, wait: float | None) -> None:
    plan = ReconnectPlan()
    for call in calls.split():
        CALLS[call](plan)
    assert (plan.phase, plan.wait(100.0)) == (phase, wait)


def test_it_is_due_when_the_time_has_come() -> None:
    plan = ReconnectPlan()
    plan.lost(100.0)
    assert not plan.is_due(100.0)
    assert plan.is_due(100.0 + FIRST)
    plan.dialled(101.0)
    assert not plan.is_due(200.0)


def test_silence_is_told_once_in_an_outage() -> None:
    plan = ReconnectPlan()
    plan.lost(100.0)
    plan.dialled(101.0)
    assert not plan.is_silent(101.5)
    assert plan.is_silent(102.0)
    assert plan.wait(102.0) is None
    assert not plan.is_silent(103.0)
    plan.failed(104.0)
    plan.dialled(105.0)
    assert not plan.is_silent(107.0)
    plan.met()
    plan.lost(110.0)
    plan.dialled(111.0)
    assert plan.is_silent(113.0)


@given(st.lists(st.sampled_from(sorted(CALLS)), max_size=20))
def test_there_is_always_a_next_step(calls: list[str]) -> None:
    """Waiting has an end, and what waits for nothing says so."""
    plan = ReconnectPlan()
    for call in calls:
        CALLS[call](plan)
    wait = plan.wait(100.0)
    if plan.phase is Phase.WAITING:
        assert wait is not None
        assert 0.0 <= wait <= MOST
        assert plan.is_due(100.0 + wait)
    if plan.phase in (Phase.CONNECTED, Phase.APART):
        assert wait is None


@given(st.integers(1, 40))
def test_the_waits_grow_and_end_growing(failures: int) -> None:
    plan = ReconnectPlan()
    plan.lost(0.0)
    waits = [plan.wait(0.0) or 0.0]
    for _ in range(failures):
        plan.failed(0.0)
        waits.append(plan.wait(0.0) or 0.0)
    assert all(a <= b <= MOST for a, b in itertools.pairwise(waits))


NONE = "00000000-0000-0000-0000-000000000000"


def test_who_it_is() -> None:
    uuid = "d1b0e1a0-0000-4000-8000-000000000001"
    assert who({"name": "vm1"}, {"UUID": NONE}) == VmIdentity("vm1", NONE)
    assert who(None, None) == VmIdentity()
    assert who({}, {"UUID": uuid}).shown == f"uuid {uuid}"
    assert who({}, {"UUID": NONE}).shown == "without a name"
    assert who({"name": "vm1"}, {"UUID": uuid}).shown == "vm1"


def test_a_loss_long_after_the_last_is_the_first_again() -> None:
    plan = ReconnectPlan()
    for now in (100.0, 101.0, 102.0 + STEADY):
        plan.lost(now)
        plan.met()
    plan.lost(103.0 + 2 * STEADY)
    assert plan.wait(103.0 + 2 * STEADY) == FIRST
