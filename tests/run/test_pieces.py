"""The VM's process, what it prints and what leaving asks, each without a front end."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.cli.run import vm
from qmpsh.cli.run import vm as log
from qmpsh.cli.run.vm import VmOutput, VmProcess
from qmpsh.client.client import Client
from qmpsh.protocol.messages import Command, Event
from qmpsh.shell.machine import ConnectionState, Machine
from qmpsh.shell.session import owned_vm
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Steps, Task
from qmpsh.system.peer import peer_pid
from tests.qemu import VmStarter
from tests.waiting import wait_until

EMPTY = ("-M", "none", "-display", "none", "-nodefaults")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Ending a VM ignores some signals from then on: a process of ours ends with it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# ---------------------------------------------------------------------------- the process


def start(command: list[str]) -> VmProcess:
    started = VmProcess(command)
    started.start()
    return started


def test_the_peer_is_the_program_that_was_started(emulator: str) -> None:
    started = start([emulator, *EMPTY])
    client = Client.connect(parse_address(started.path))
    try:
        assert peer_pid(client.fileno()) == started.pid
        assert os.stat(os.path.dirname(started.path)).st_mode & 0o777 == 0o700
    finally:
        started.end(client)
        client.close()
    assert started.has_ended
    assert not os.path.exists(os.path.dirname(started.path))


def test_accepting_a_client_that_another_thread_took_does_not_block(tmp_path: Path) -> None:
    # Two threads of QEMU accept the first client now and then: docs/dev/wire.md, section 1.
    program = tmp_path / "shows-blocking"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, re, sys\n"
        "print(os.get_blocking(int(re.search(r',fd=(\\d+),', ' '.join(sys.argv))[1])))\n"
    )
    program.chmod(0o700)
    started = start([str(program)])
    wait_until(lambda: started.has_ended)
    assert started.words() == "False\n"
    started.end()


def test_a_vm_that_is_stopped_is_ended_all_the_same(
    emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm, "QUIT_SECONDS", 0.1)
    started = start([emulator, *EMPTY])
    client = Client.connect(parse_address(started.path))
    os.kill(started.pid, signal.SIGSTOP)
    started.end(client)
    client.close()
    assert started.has_ended
    assert not os.path.exists(os.path.dirname(started.path))


def test_a_program_that_does_not_want_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm, "TERMINATE_SECONDS", 0.1)
    started = start(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"])
    wait_until(lambda: started.words() == "up\n")
    started.end()
    assert started.has_ended


def test_left_running_it_stays_with_its_folder(emulator: str) -> None:
    started = start([emulator, *EMPTY])
    client = Client.connect(parse_address(started.path))
    started.leave_running()
    started.end(client)
    client.close()
    assert not started.has_ended
    again = Client.connect(parse_address(started.path))
    assert again.execute(Command("query-status"), 10).value
    again.close()
    assert os.path.exists(started.log_path)
    os.killpg(started.pid, signal.SIGKILL)
    wait_until(lambda: started.has_ended)
    shutil.rmtree(os.path.dirname(started.path))


def test_a_runtime_folder_that_is_too_long_or_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    for folder in (str(long), str(tmp_path / "none"), "relative"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        started = start(["true"])
        assert started.path.startswith("/tmp/qmpsh-run-")
        started.end()


# ---------------------------------------------------------------------------- what it prints


@pytest.fixture
def written(tmp_path: Path) -> Iterator[VmOutput]:
    made = VmOutput(str(tmp_path / "log"))
    yield made
    made.close()


def test_whole_lines_as_they_come(written: VmOutput) -> None:
    os.write(written.fileno(), b"one\r\ntw")
    assert written.take() == "one\n"
    assert written.take() == ""
    os.write(written.fileno(), b"o\nlogin: \xff")
    assert written.take() == "two\n"
    assert written.take(rest=True) == "login: \N{REPLACEMENT CHARACTER}"
    assert written.take(rest=True) == ""


def test_of_a_flood_the_end(written: VmOutput) -> None:
    os.write(written.fileno(), b"lost\n" * 20_000 + b"end\n")
    said = written.take()
    assert said.startswith(f"({20_000 * 5 + 4 - log.MAX_READ_BYTES} bytes more are not shown)\n")
    assert said.endswith("lost\nend\n")
    assert written.take() == ""


def test_a_line_without_an_end_is_cut(written: VmOutput) -> None:
    os.write(written.fileno(), b"x" * log.MAX_READ_BYTES)
    assert written.take() == ""
    os.write(written.fileno(), b"y")
    assert written.take() == "x" * log.MAX_READ_BYTES + "y"


def test_the_file_does_not_grow_for_ever(written: VmOutput) -> None:
    written_so_far = 0
    while written_so_far <= log.MAX_OUTPUT_BYTES:
        written_so_far += os.write(written.fileno(), b"line\n" * 10_000)
        assert written.take()
    assert os.stat(written.path).st_size == 0
    os.write(written.fileno(), b"on\n")
    assert written.take() == "on\n"


@pytest.mark.parametrize(
    "printed, last",
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("one\ntwo", "two"),
        ("x" * 100_000 + "\nlast\n", "last"),
        ("y" * 100_000, "y" * 200 + "..."),
    ],
)
def test_the_last_line(written: VmOutput, printed: str, last: str) -> None:
    os.write(written.fileno(), printed.encode())
    written.take()
    assert written.last_line() == last


def test_what_came_before_the_session_is_no_last_line(written: VmOutput) -> None:
    os.write(written.fileno(), b"warning: at the start\n")
    written.session_begins()
    assert written.last_line() == ""
    os.write(written.fileno(), b"Assertion failed\n")
    assert written.last_line() == "Assertion failed"


# ---------------------------------------------------------------------------- leaving


class Kept:
    """A VM of ours that is none of ours."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.keeps = keeps
        self.has_ended = False
        self.is_left = False

    def words(self) -> str:
        return ""

    def last_words(self) -> str:
        return ""

    def leave_running(self) -> None:
        self.is_left = True


def machine(*, running: bool = True) -> Machine:
    known = Machine("./s", None)
    known.running = running
    known.commands = ("quit", "system_powerdown")
    return known


def answered(steps: Steps, *keys: str) -> tuple[Outcome | None, list[Answer | Note]]:
    """How the steps end, with these answers to their questions, and what they show.

    For whatever they wait, the time has run out.
    """
    shown: list[Answer | Note] = []
    task = Task(steps, shown.append)
    task.advance(math.inf)
    for key in keys:
        assert isinstance(task.asking, Ask)
        assert key in dict(task.asking.choices)
        task.reply(key)
        task.advance(math.inf)
    return task.outcome, shown


def keys_of(question: Ask) -> str:
    return "".join(key for key, _ in question.choices)


def test_enter_leaves_what_is_worth_it_and_quits_the_demo() -> None:
    assert keys_of(owned_vm.question(Kept(), machine())) == "lpqc"
    assert keys_of(owned_vm.question(Kept(keeps=False), machine())) == "qplc"
    assert keys_of(owned_vm.question(Kept(), machine(running=False))) == "lqc"


def test_the_choices() -> None:
    kept = Kept()
    assert answered(owned_vm.leave_shell(kept, None, machine()), "c") == (Outcome(), [])
    assert not kept.is_left
    assert answered(owned_vm.leave_shell(kept, None, machine()), "l") == (Outcome(leave=True), [])
    assert kept.is_left
    kept = Kept()
    assert answered(owned_vm.leave_shell(kept, None, machine()), "q") == (Outcome(leave=True), [])
    assert not kept.is_left


def test_nothing_is_asked_once_it_has_ended() -> None:
    kept = Kept()
    kept.has_ended = True
    assert answered(owned_vm.leave_shell(kept, None, machine())) == (Outcome(leave=True), [])
    gone = machine()
    gone.on_event(Event("SHUTDOWN", {"reason": "guest-shutdown"}, None, {}))
    gone.connection = ConnectionState.WAITING
    assert answered(owned_vm.leave_shell(Kept(), None, gone)) == (Outcome(leave=True), [])


def test_a_guest_that_does_not_listen(start_vm: VmStarter) -> None:
    client = Client.connect(parse_address(start_vm().path))
    outcome, shown = answered(owned_vm.leave_shell(Kept(), client, machine()), "p", "c")
    client.close()
    assert outcome == Outcome()
    assert isinstance(shown[-1], Note)
    assert shown[-1].text.startswith("the guest has not powered down within")


def test_a_guest_that_ends_while_it_is_waited_for(start_vm: VmStarter) -> None:
    class Ending(Kept):
        """Ended by the time that the wait is over."""

        def __init__(self) -> None:
            super().__init__()
            self._looks = iter([False])

        @property
        def has_ended(self) -> bool:
            return next(self._looks, True)

        @has_ended.setter
        def has_ended(self, value: bool) -> None:
            """Known better."""

    client = Client.connect(parse_address(start_vm().path))
    outcome, shown = answered(owned_vm.leave_shell(Ending(), client, machine()), "p")
    client.close()
    assert outcome == Outcome(leave=True)
    assert [note.text[:11] for note in shown if isinstance(note, Note)] == ["waiting for"]
