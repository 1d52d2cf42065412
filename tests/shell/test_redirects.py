"""Pipes: which program gets the terminal, and the server that is listened to meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.language.syntax import Redirect
from qmpsh.protocol.messages import Command, Event
from qmpsh.shell.pipes import run_pipe, wants_terminal
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm
from tests.ui.tmux import Terminal
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    "target, expected",
    [
        ("less", True),
        ("/usr/bin/less -R", True),
        ("LESS=-R less", True),
        ("jq '.[]' | less", True),
        ("sort|less", True),
        ("less | wc", False),
        ("grep less", False),
        ("jq '.[] | less'", False),
        ("echo 'open", False),
        ("lesser", False),
        ("mypager -x", True),
        ("", False),
    ],
)
def test_who_gets_the_terminal(target: str, expected: bool) -> None:
    environ = {"PAGER": "/opt/mypager --quit"}
    assert wants_terminal(Redirect("|", target, (0, 1)), environ) is expected
    assert not wants_terminal(Redirect(">", target, (0, 1)), environ)


def test_the_server_is_read_while_a_pipe_runs(vm: Vm) -> None:
    client = Client.connect(parse_address(vm.path))
    events: list[object] = []
    client.subscriber = events.append
    client.submit(Command("stop"))
    assert run_pipe("cat > /dev/null; exec sleep 0.2", b"text\n", client) == 0
    assert [event.name for event in events if isinstance(event, Event)] == ["STOP"]
    client.close()


def test_the_status_of_a_pipe_is_told(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-status | exit 3")
    assert done.returncode == 1
    assert "| exit 3 ended with 3" in done.stderr
    done = run_qmpsh(vm.path, "query-status | kill -9 $$")
    assert "was ended by signal 9" in done.stderr


def test_a_pipe_into_a_program_that_is_not_there(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-status | no-such-pager -S")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "qmpsh: | no-such-pager -S: no-such-pager was not found; install it, or pipe into another"
        " program",
    )


def test_a_command_that_reads_nothing(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-qmp-schema | true")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1)]
)
def test_what_ends_us_ends_the_pipe(vm: Vm, number: signal.Signals, code: int) -> None:
    """Nothing of it is left that would hold the streams of whoever started us."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", vm.path, "query-status | echo begun; sleep 300 | cat"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # away from the terminal that the tests may have
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == code


@pytest.mark.parametrize("name, code", [("INT", 130), ("TERM", -15)])
def test_a_signal_while_the_pipe_is_being_started(vm: Vm, name: str, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", vm.path, f"query-status | kill -{name} $PPID; sleep 300"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == code


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_the_shell_keeps_its_signals() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    assert run_pipe("exit 3", b"", None) == 3
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.tmux
def test_a_pipe_in_front_of_a_terminal_may_read_it(screen: Terminal, vm: Vm) -> None:
    command = "read answer < /dev/tty; echo got $answer; exec sleep 300"
    screen.start(sys.executable, "-m", "qmpsh", vm.path, f"query-status | echo ask; {command}")
    screen.sees("ask")
    screen.keys("word", "Enter")
    screen.sees("got word")
    screen.keys("C-c")
    screen.sees("exit 130")
