"""The process of a VM, with programs that are no QEMU: its start, its monitor and its end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.cli.run import vm
from qmpsh.cli.run.vm import VmProcess
from qmpsh.client.client import Client
from qmpsh.errors import CannotConnect, ConnectionLost, UsageError
from tests.run.fake import Does, end_all, fake_program, noted
from tests.waiting import PATIENCE, wait_until

LOOKS = f"""#!{sys.executable} -IS
import json, os, re, signal, stat, sys
fd = int(re.search(r",fd=(\\d+),", " ".join(sys.argv))[1])
print(json.dumps({{
    "others": sorted({{*map(int, os.listdir("/proc/self/fd"))}} - {{0, 1, 2, fd}}),
    "stdin": os.readlink("/proc/self/fd/0"),
    "session": os.getsid(0) == os.getpid(),
    "blocked": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
}}))
"""


@pytest.fixture
def started() -> Iterator[list[VmProcess]]:
    """The processes of a test, each of which ends with it."""
    made: list[VmProcess] = []
    yield made
    end_all(made)


def start(started: list[VmProcess], command: Sequence[str]) -> VmProcess:
    made = VmProcess(command)
    started.append(made)
    made.start()
    return made


def session(process: VmProcess) -> Client:
    return Client.connect(parse_address(process.path))


# ---------------------------------------------------------------------------- the start


@pytest.mark.parametrize(
    "program, words",
    [
        (
            "qemu-system-x86_64",
            "-chardev socket,id=qmpsh-monitor,fd=N,server=on,wait=off"
            " -mon chardev=qmpsh-monitor,mode=control",
        ),
        (
            "qemu-storage-daemon",
            "--chardev socket,id=qmpsh-monitor,fd=N,server=on,wait=off"
            " --monitor chardev=qmpsh-monitor",
        ),
    ],
    ids=["qemu", "storage-daemon"],
)
def test_the_monitor_comes_after_the_words_of_the_user(
    started: list[VmProcess], tmp_path: Path, program: str, words: str
) -> None:
    path = fake_program(tmp_path, Does.END, name=program)
    process = start(started, [path, "-m", "64"])
    wait_until(lambda: process.has_ended)
    given = " ".join(json.loads(noted(tmp_path)[0]))
    assert re.sub(r"fd=\d+", "fd=N", given) == f"-m 64 {words}"


@contextlib.contextmanager
def stdin_of(source: socket.socket) -> Iterator[None]:
    """Let our own input come from somewhere else for a while."""
    before = os.dup(0)
    os.dup2(source.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_what_the_program_inherits(started: list[VmProcess], tmp_path: Path) -> None:
    program = tmp_path / "looks"
    program.write_text(LOOKS)
    program.chmod(0o700)
    with socket.socket() as ours, stdin_of(ours):
        os.set_inheritable(ours.fileno(), True)
        process = start(started, [str(program)])
        wait_until(lambda: process.has_ended)
    seen = json.loads(process.words())
    assert seen["stdin"] == "/dev/null"
    assert seen["session"] is True
    assert seen["blocked"] == []
    # Its folder /proc/self/fd, and the script itself where the system opens it for Python.
    assert ours.fileno() not in seen["others"]
    assert len(seen["others"]) <= 1


def test_signals_are_held_back_during_the_start_alone(
    started: list[VmProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = []
    make = vm.socket_folder

    def look(mark: str) -> str:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return str(make(mark))

    monkeypatch.setattr(vm, "socket_folder", look)
    start(started, ["true"])
    assert masks == [{signal.SIGINT, signal.SIGTERM, signal.SIGHUP}]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


@pytest.mark.parametrize("word", ["-daemonize", "--daemonize"])
def test_a_program_that_leaves_by_itself_is_refused(word: str) -> None:
    process = VmProcess(["qemu-system-x86_64", word])
    with pytest.raises(UsageError) as caught:
        process.start()
    assert str(caught.value) == (
        "leave -daemonize out: qmpsh run keeps the VM in the background as it is, and asks at its"
        " end whether to leave it running"
    )
    assert process.path == ""


def test_a_program_that_is_not_there(started: list[VmProcess]) -> None:
    with pytest.raises(CannotConnect) as caught:
        start(started, ["/none/qemu", "-m", "64"])
    assert str(caught.value) == (
        "/none/qemu was not found; the words after -- are QEMU's program and its arguments"
    )
    (process,) = started
    folder = os.path.dirname(process.path)
    assert os.path.exists(folder)
    process.end()
    assert not os.path.exists(folder)


def test_before_the_start_there_is_nothing() -> None:
    process = VmProcess(["/opt/qemu-system-x86_64"])
    assert process.program == "qemu-system-x86_64"
    assert (process.pid, process.has_ended, process.path, process.log_path) == (0, True, "", "")
    assert (process.words(), process.last_words()) == ("", "")
    process.session_begins()
    process.leave_running()
    assert not process.is_left, "what does not run cannot be left running"
    process.end()


def test_the_folder_of_the_runtime_is_used_where_it_is_short(
    started: list[VmProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        process = start(started, ["true"])
        assert re.fullmatch(rf"{runtime}/qmpsh-run-[^/]{{8}}/qmp\.sock", process.path)
        process.end()


# ---------------------------------------------------------------------------- no session


def refused(process: VmProcess, silence: float | None = None) -> str:
    with pytest.raises(CannotConnect) as caught:
        raise process.refusal(ConnectionLost("it is closed"), silence)
    return str(caught.value)


@pytest.mark.parametrize(
    "script, said",
    [
        ("exit 3", "sh ended before its monitor was ready, with exit code 3"),
        ("kill -9 $$", "sh ended before its monitor was ready, with signal 9"),
        (
            "echo one; printf two >&2; exit 0",
            "sh ended before its monitor was ready, with exit code 0; it said:\none\ntwo",
        ),
        *(
            (
                f"echo {words}; exit 1",
                "sh ended before its monitor was ready, with exit code 1; there is no display here:"
                f" add -display none; it said:\n{words}",
            )
            for words in ("gtk initialization failed", "Could not initialize SDL: why")
        ),
    ],
)
def test_why_a_program_that_ended_has_no_session(
    started: list[VmProcess], script: str, said: str
) -> None:
    assert refused(start(started, ["sh", "-c", script])) == said


def test_why_a_program_that_runs_has_no_session(
    started: list[VmProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm, "EXIT_SECONDS", 0.0)
    process = start(started, [fake_program(tmp_path, Does.STAY_SILENT, says="at work")])
    wait_until(lambda: os.path.getsize(process.log_path))
    assert refused(process, 0.25) == (
        "fake-vm is running, but its monitor did not answer within 0.25 s; --connect-timeout"
        " allows more time; it said:\nat work"
    )
    assert refused(process) == (
        "fake-vm is running, but no session could be established: it is closed"
    ), "what was shown once is not shown again"


# ---------------------------------------------------------------------------- the end


def test_the_end_is_asked_for_over_the_monitor(started: list[VmProcess], tmp_path: Path) -> None:
    process = start(started, [fake_program(tmp_path)])
    client = session(process)
    process.end(client)
    client.close()
    assert process.has_ended
    assert noted(tmp_path)[1:] == ["qmp_capabilities", "quit"]
    assert not os.path.exists(os.path.dirname(process.path))


def test_one_that_ignores_quit_gets_a_signal(
    started: list[VmProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm, "QUIT_SECONDS", 0.05)
    process = start(started, [fake_program(tmp_path, Does.IGNORE_QUIT)])
    client = session(process)
    process.end(client)
    client.close()
    assert noted(tmp_path)[1:] == ["qmp_capabilities", "quit", "SIGTERM"]


def test_without_a_connection_it_gets_a_signal_at_once(
    started: list[VmProcess], tmp_path: Path
) -> None:
    process = start(started, [fake_program(tmp_path)])
    client = session(process)
    client.close()
    process.end(client)
    assert noted(tmp_path)[1:] == ["qmp_capabilities", "SIGTERM"]


def test_its_children_end_with_it(started: list[VmProcess]) -> None:
    process = start(started, ["sh", "-c", "sleep 1000 & echo $!; wait"])
    child = int(wait_until(process.words))
    process.end()
    wait_until(lambda: not os.path.exists(f"/proc/{child}/exe"))


def test_an_interrupt_shortens_the_end(
    started: list[VmProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(vm, "TERMINATE_SECONDS", PATIENCE)
    process = start(started, ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"])
    wait_until(lambda: process.words() == "up\n")
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        process.end()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert process.has_ended


def test_one_that_is_left_keeps_all_it_has(started: list[VmProcess], tmp_path: Path) -> None:
    process = start(started, [fake_program(tmp_path)])
    client = session(process)
    process.leave_running()
    assert process.is_left
    process.end(client)
    client.close()
    assert not process.has_ended
    assert noted(tmp_path)[1:] == ["qmp_capabilities"]
    assert os.path.exists(process.path)
    assert Path(process.log_path).read_text() == "up\n"


def test_what_came_before_the_session_explains_no_end(
    started: list[VmProcess], tmp_path: Path
) -> None:
    process = start(started, [fake_program(tmp_path, says="a warning")])
    client = session(process)
    assert process.last_words() == "a warning"
    process.session_begins()
    assert process.last_words() == ""
    assert process.words() == "a warning\n"
    client.close()
