"""Pipes: which program gets the terminal, and the server that is listened to meanwhile."""

from __future__ import annotations

import pytest

from qmpsh.lang.syntax import Redirect
from qmpsh.link.address import parse_address
from qmpsh.link.client import Client
from qmpsh.shell.pipes import run_pipe
from qmpsh.shell.redirects import wants_terminal
from qmpsh.wire.messages import Command, Event
from tests.conftest import RunQmpsh
from tests.qemu import Vm


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


def test_a_command_that_reads_nothing(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-qmp-schema | true")
    assert (done.returncode, done.stderr) == (0, "")
