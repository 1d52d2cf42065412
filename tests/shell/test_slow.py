"""A line that waits for its reply says why, once; nothing is said where nobody reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.client import session_errors
from qmpsh.client.client import Client
from qmpsh.client.discovery import Monitor
from qmpsh.client.session_errors import no_reply
from qmpsh.client.transports.libvirt import LibvirtAddress
from qmpsh.shell import interpreter
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Task, WaitFor, WaitingNote
from tests.client.fakes import line
from tests.qemu import Vm
from tests.shell.scripted import OK, ScriptedShell, event
from tests.waiting import wait_until

UNKNOWN = "no reply yet: the VM is stopped or busy, or the way to it is slow; Ctrl-C ends the wait"
PROMPT = Settings(interactive=True)
TERMINAL = Settings(bar=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "SLOW_SECONDS", 0.01)


class SlowShell(ScriptedShell):
    """Its server answers no command until it is told to."""

    def __init__(self, settings: Settings) -> None:
        super().__init__({"query-status": [[]], "stop": [[]]}, settings=settings)

    def begin(self, text: str) -> Task:
        return Task(run_line(self.context, text), self.said.append)

    def turn(self, task: Task) -> None:
        """What a front end does until the line wants to sleep, and once after."""
        task.advance(time.monotonic())
        self.client.poll(task.timeout(time.monotonic()) or 0.0)
        task.advance(time.monotonic())

    @property
    def notes(self) -> list[str]:
        return [item.text for item in self.said if isinstance(item, Note)]


def say_why(shell: SlowShell, task: Task) -> None:
    def has_said() -> bool:
        shell.turn(task)
        return bool(shell.notes)

    wait_until(has_said)


@pytest.mark.parametrize("settings", [PROMPT, TERMINAL])
def test_it_is_said_once(settings: Settings) -> None:
    shell = SlowShell(settings)
    task = shell.begin("query-status")
    say_why(shell, task)
    for _ in range(5):
        shell.turn(task)
    assert shell.notes == [UNKNOWN]
    assert isinstance(shell.said[0], WaitingNote)
    assert task.until is not None
    assert task.until.deadline is None
    task.cancel()


def test_once_for_a_line_of_a_line(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("query-status\n")
    shell = SlowShell(PROMPT)
    task = shell.begin(f".source {script}")
    say_why(shell, task)
    for _ in range(5):
        shell.turn(task)
    assert shell.notes == [UNKNOWN]
    task.cancel()


def test_nothing_is_said_to_a_program() -> None:
    shell = SlowShell(Settings())
    task = shell.begin("query-status")
    task.advance(time.monotonic())
    assert task.until is not None
    assert (task.until.for_reply, task.until.deadline) == (True, None)
    task.cancel()


def test_a_limit_of_the_line_comes_first() -> None:
    shell = SlowShell(PROMPT)
    outcome = shell.run("query-status --timeout 5ms")
    assert (outcome.exit_code, shell.notes) == (124, [])


def test_who_says_something_is_not_silent() -> None:
    shell = SlowShell(PROMPT)
    steps = run_line(shell.context, "query-status")
    for _ in range(3):
        wish = next(steps)
        assert isinstance(wish, WaitFor)
        assert wish.deadline is not None
        shell.stream.received.append(line(event("RTC_CHANGE", offset=1)))
        shell.client.poll(0)
    assert isinstance(next(steps), WaitFor)
    assert isinstance(next(steps), WaitingNote)
    steps.close()


def test_a_fault_there_costs_the_reason_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SlowShell(PROMPT)
    monkeypatch.setattr(shell.context.front_end, "advised", lambda kind, make: "")
    task = shell.begin("stop")
    say_why(shell, task)
    assert shell.notes == ["no reply yet"]
    task.cancel()


# ---------------------------------------------------------------------------- what is said


@pytest.fixture
def reason(vm: Vm) -> Iterator[Callable[[], str]]:
    """What is said of a VM that a client of ours is connected to."""
    client = Client.connect(UnixAddress(vm.path))
    yield lambda: no_reply(client.address, client.fileno())
    client.close()


def test_a_stopped_vm_and_a_busy_one(vm: Vm, reason: Callable[[], str]) -> None:
    with vm.stopped():
        said = reason()
        assert f"(pid {vm.pid}) is stopped; continue it with kill -CONT {vm.pid}" in said
    wait_until(lambda: "is stopped" not in reason())
    assert f"(pid {vm.pid}) is running, but its main loop is busy with" in reason()


def test_elsewhere_nothing_is_known() -> None:
    assert no_reply(TcpAddress("192.0.2.1", 4444), -1) == UNKNOWN


def test_a_domain_of_libvirt(vm: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = Monitor("libvirt:web", name="web", pid=vm.pid)
    monkeypatch.setattr("qmpsh.client.discovery.maybe_domain", lambda address: domain)
    with vm.stopped():
        assert "is stopped" in session_errors.no_reply(LibvirtAddress("", "web"), -1)


def test_an_answer_that_comes_is_shown_after_it() -> None:
    shell = SlowShell(PROMPT)
    task = shell.begin("query-status")
    say_why(shell, task)
    (id,) = shell.client._inbox._pendings
    shell.stream.received.append(line({**OK, "id": id}))

    def has_ended() -> bool:
        shell.turn(task)
        return task.outcome is not None

    wait_until(has_ended)
    assert [type(item) for item in shell.said] == [WaitingNote, Answer]
