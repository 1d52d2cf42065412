"""When it is tried again, as tables; the clock is an argument."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.shell.machine import ConnectionState
from qmpsh.shell.session.reconnect import (
    FIRST_PAUSE_SECONDS,
    GREETING_SECONDS,
    MAX_PAUSE_SECONDS,
    STABLE_SECONDS,
    ReconnectPlan,
    VmIdentity,
    vm_identity,
)

Call = Callable[[ReconnectPlan], object]

CALLS: dict[str, Call] = {
    "lost": lambda plan: plan.connection_lost(100.0),
    "want": lambda plan: plan.try_now(100.0),
    "part": lambda plan: plan.stop(),
    "dialled": lambda plan: plan.attempt_started(100.0),
    "failed": lambda plan: plan.attempt_failed(100.0),
    "appeared": lambda plan: plan.server_appeared(100.0),
    "met": lambda plan: plan.connected(),
}


@pytest.mark.parametrize(
    "calls, state, wait",
    [
        ("", ConnectionState.CONNECTED, None),
        ("lost", ConnectionState.WAITING, FIRST_PAUSE_SECONDS),
        ("want", ConnectionState.WAITING, 0.0),
        ("part", ConnectionState.IDLE, None),
        ("lost part", ConnectionState.IDLE, None),
        ("part want", ConnectionState.WAITING, 0.0),
        ("lost dialled", ConnectionState.CONNECTING, GREETING_SECONDS),
        ("lost dialled met", ConnectionState.CONNECTED, None),
        ("lost dialled failed", ConnectionState.WAITING, 0.5),
        ("lost failed failed", ConnectionState.WAITING, 1.0),
        (
            "lost failed failed failed failed failed failed failed",
            ConnectionState.WAITING,
            MAX_PAUSE_SECONDS,
        ),
        ("lost failed failed failed appeared", ConnectionState.WAITING, 0.0),
        ("lost failed failed appeared failed", ConnectionState.WAITING, FIRST_PAUSE_SECONDS),
        ("lost failed failed failed met lost", ConnectionState.WAITING, 2 * FIRST_PAUSE_SECONDS),
        ("lost met lost met lost", ConnectionState.WAITING, 4 * FIRST_PAUSE_SECONDS),
        (
            "lost met lost met lost met lost met lost met lost met lost",
            ConnectionState.WAITING,
            MAX_PAUSE_SECONDS,
        ),
        ("lost failed failed want failed", ConnectionState.WAITING, 0.5),
        ("appeared", ConnectionState.CONNECTED, None),
        ("failed", ConnectionState.CONNECTED, None),
        ("dialled", ConnectionState.CONNECTED, None),
        ("part appeared", ConnectionState.IDLE, None),
        ("part failed", ConnectionState.IDLE, None),
        ("part dialled", ConnectionState.IDLE, None),
    ],
)
def test_states(calls: str, state: ConnectionState, wait: float | None) -> None:
    plan = ReconnectPlan()
    for call in calls.split():
        CALLS[call](plan)
    assert (plan.state, plan.seconds_left(100.0)) == (state, wait)


def test_it_is_due_when_the_time_has_come() -> None:
    plan = ReconnectPlan()
    plan.connection_lost(100.0)
    assert not plan.is_due(100.0)
    assert plan.is_due(100.0 + FIRST_PAUSE_SECONDS)
    plan.attempt_started(101.0)
    assert not plan.is_due(200.0)


def test_silence_is_told_once_in_an_outage() -> None:
    plan = ReconnectPlan()
    plan.connection_lost(100.0)
    plan.attempt_started(101.0)
    assert not plan.should_report_silence(101.5)
    assert plan.should_report_silence(102.0)
    assert plan.seconds_left(102.0) is None
    assert not plan.should_report_silence(103.0)
    plan.attempt_failed(104.0)
    plan.attempt_started(105.0)
    assert not plan.should_report_silence(107.0)
    plan.connected()
    plan.connection_lost(110.0)
    plan.attempt_started(111.0)
    assert plan.should_report_silence(113.0)


@given(st.lists(st.sampled_from(sorted(CALLS)), max_size=20))
def test_there_is_always_a_next_step(calls: list[str]) -> None:
    """Waiting has an end, and what waits for nothing says so."""
    plan = ReconnectPlan()
    for call in calls:
        CALLS[call](plan)
    wait = plan.seconds_left(100.0)
    if plan.state is ConnectionState.WAITING:
        assert wait is not None
        assert 0.0 <= wait <= MAX_PAUSE_SECONDS
        assert plan.is_due(100.0 + wait)
    if plan.state in (ConnectionState.CONNECTED, ConnectionState.IDLE):
        assert wait is None


@given(st.integers(1, 40))
def test_the_waits_grow_and_end_growing(failures: int) -> None:
    plan = ReconnectPlan()
    plan.connection_lost(0.0)
    waits = [plan.seconds_left(0.0) or 0.0]
    for _ in range(failures):
        plan.attempt_failed(0.0)
        waits.append(plan.seconds_left(0.0) or 0.0)
    assert all(a <= b <= MAX_PAUSE_SECONDS for a, b in itertools.pairwise(waits))


NONE = "00000000-0000-0000-0000-000000000000"


def test_who_it_is() -> None:
    uuid = "d1b0e1a0-0000-4000-8000-000000000001"
    assert vm_identity({"name": "vm1"}, {"UUID": NONE}) == VmIdentity("vm1", NONE)
    assert vm_identity(None, None) == VmIdentity()
    assert vm_identity({}, {"UUID": uuid}).shown == f"uuid {uuid}"
    assert vm_identity({}, {"UUID": NONE}).shown == "without a name"
    assert vm_identity({"name": "vm1"}, {"UUID": uuid}).shown == "vm1"


def test_a_loss_long_after_the_last_is_the_first_again() -> None:
    plan = ReconnectPlan()
    for now in (100.0, 101.0, 102.0 + STABLE_SECONDS):
        plan.connection_lost(now)
        plan.connected()
    plan.connection_lost(103.0 + 2 * STABLE_SECONDS)
    assert plan.seconds_left(103.0 + 2 * STABLE_SECONDS) == FIRST_PAUSE_SECONDS
