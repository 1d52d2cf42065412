"""Ctrl-C, SIGTERM, a closed stdout and a time limit, while a server says nothing."""

from __future__ import annotations

import signal

import pytest

from tests.faults import fronts
from tests.faults.server import REACH, State, greet, server, silent, told
from tests.faults.test_batch import BEGIN

STATES = [state for state in State if state not in (State.IDLE, State.BETWEEN)]
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name.lower())
def test_a_signal_ends_it_at_once_and_quietly(state: State, number: signal.Signals) -> None:
    line = "quit" if state is State.QUIT else "stop"
    for front in BEGIN:
        with server((*REACH[state], told, silent)) as served:
            running = BEGIN[front](served.path, [], [line])
            if front == "s" and running.process.stdin is not None:
                running.process.stdin.write(f"{line}\n")
                running.process.stdin.flush()
            assert served.faulted.wait(fronts.LONGEST)
            if state is State.BEFORE_GREETING:
                # Nothing was sent yet that would tell that it waits; the remark on that does.
                assert running.process.stderr is not None
                assert "no greeting" in running.process.stderr.readline()
            running.process.send_signal(number)
            said = running.end()
        assert (said.code, said.out) == (SIGNALS[number], ""), front
        assert "Traceback" not in said.err, front
        assert served.got.count(line) <= 1


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_while_the_next_line_is_waited_for(number: signal.Signals) -> None:
    with server() as served:
        running = BEGIN["s"](served.path, ["--json"], [])
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        running.process.stdin.write("stop\n")
        running.process.stdin.flush()
        assert running.process.stdout.readline() == '{"return": {}}\n'
        running.process.send_signal(number)
        said = running.end()
    assert (said.code, said.err) == (SIGNALS[number], "")


def test_a_stdout_that_is_closed_while_it_waits() -> None:
    for front in "1s":
        with server((*REACH[State.UNANSWERED], told, lambda peer: peer.answer(peer.request))) as on:
            running = BEGIN[front](on.path, ["--json"], ["stop"])
            assert running.process.stdout is not None
            running.process.stdout.close()
            said = running.end("stop\n" if front == "s" else "")
        assert (said.code, said.err) == (141, ""), front
        assert on.got.count("stop") == 1


@pytest.mark.parametrize(
    "line",
    ["device_add driver=e1000e --timeout 300ms", ".help stop --timeout 300ms", ".help", "stop a=1"],
)
def test_what_a_line_must_know_first_is_limited_too(line: str) -> None:
    with server((greet, silent)) as served:
        said = BEGIN["1"](served.path, ["-t", "300ms"], [line]).end()
    assert (said.code, said.out) == (124, "")
    assert "no answer within 0.3 s" in said.err
    assert not {"stop", "device_add"} & set(served.got)


def test_a_script_that_only_ends_is_told_nothing_of_a_loss_while_it_was_idle() -> None:
    """Every command of it has succeeded."""
    with server((*REACH[State.BETWEEN], told)) as served:
        running = BEGIN["s"](served.path, [], [])
        assert running.process.stdin is not None
        running.process.stdin.write("stop\n")
        running.process.stdin.flush()
        assert served.faulted.wait(fronts.LONGEST)
        said = running.end()
    assert said == (0, "", "")
