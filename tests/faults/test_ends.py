"""At the end of a wait, and what is no end: a loss before the last question, a quit never sent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.errors import ConnectionLost
from qmpsh.protocol.messages import Command
from qmpsh.shell.execute import Request, execute
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Outcome, Task
from tests.faults import fronts
from tests.faults.server import Act, Served, closed, greet, server, silent, told
from tests.faults.test_batch import BEGIN
from tests.qemu import ROOT
from tests.shell.harness import SessionHarness

CREATE = "blockdev-create job-id=j options={} --wait"
ENDED = "blockdev-create: job j: no space"


def begun(peer: Served) -> None:
    """A job is made, and concludes; how is still to be asked."""
    greet(peer)
    peer.attend("blockdev-create")
    peer.reply(peer.request)
    for status in ("created", "running", "aborting", "concluded"):
        peer.send({"event": "JOB_STATUS_CHANGE", "data": {"id": "j", "status": status}})


def concluded(peer: Served) -> None:
    """How it ended is told; that it may go is still to be said."""
    begun(peer)
    peer.attend("query-jobs")
    peer.reply(peer.request, [{"id": "j", "status": "concluded", "error": "no space"}])


def dismissed(peer: Served) -> None:
    concluded(peer)
    peer.attend("job-dismiss")


@pytest.mark.parametrize(
    "reach, fault, code, says",
    [
        (begun, closed, 4, "job j to end; j is concluded: the server closed the connection"),
        (begun, silent, 124, "job j to end; j is concluded"),
        (concluded, closed, 1, ENDED),
        (dismissed, closed, 1, ENDED),
        (dismissed, silent, 1, ENDED),
    ],
)
def test_a_fault_near_the_end_of_a_job(reach: Act, fault: Act, code: int, says: str) -> None:
    with server((reach, fault)) as served:
        said = BEGIN["1"](served.path, ["-t", "500ms"], [CREATE]).end()
    assert (said.code, said.out) == (code, "")
    assert said.err.endswith(f"{says}\n")
    assert said.err.count("\n") == 1


def asked(peer: Served) -> None:
    greet(peer)
    peer.attend("system_powerdown")
    peer.reply(peer.request)


def test_hanging_up_is_no_end_of_the_vm() -> None:
    with server((asked, silent)) as served:
        harness = SessionHarness(served.path)
        outcomes: list[Outcome] = []
        harness.session.start(
            "system_powerdown --wait --yes", harness.shown.append, outcomes.append
        )
        harness.poll_until(lambda: "system_powerdown" in served.got)
        harness.session.interrupt()
        harness.run(".disconnect")
        harness.poll_until(lambda: outcomes)
        harness.session.close()
    assert outcomes[0].exit_code == 4


def shut(peer: Served) -> None:
    """Gone before the next command is written."""
    peer.connection.shutdown(socket.SHUT_RDWR)
    told(peer)
    peer.server.released.wait(fronts.LONGEST)


def asked_of_many(peer: Served) -> None:
    """A window of commands came and none was answered."""
    greet(peer)
    peer.attend("query-status")
    told(peer)
    peer.server.may_fail.wait(fronts.LONGEST)


@pytest.mark.parametrize("reach", [(greet, shut), (asked_of_many,)], ids=["gone", "queued"])
def test_a_quit_that_was_never_written_is_no_success(reach: tuple[Act, ...]) -> None:
    with server(reach) as served:
        client = Client.connect(parse_address(served.path))
        if reach == (asked_of_many,):
            for _ in range(client.dialect.window):
                client.submit(Command("query-status"))
        assert served.faulted.wait(fronts.LONGEST)
        task = Task(execute(client, Request(Command("quit")), Settings()), print)
        task.advance(time.monotonic())
        served.may_fail.set()
        while not task.advance(time.monotonic()):
            client.poll(fronts.LONGEST)
        served.released.set()
    assert task.outcome is not None
    assert isinstance(task.outcome.error, ConnectionLost)
    assert str(task.outcome.error).startswith("quit was not sent")
    assert "quit" not in served.got


# ------------------------------------------------------------------------ nobody reads stderr

CODES = {"stop": 0, "nonesuch": 1, "stop stop": 2, ".wait SHUTDOWN --timeout 1ms": 124}


def without_stderr(*argv: str, closed: bool) -> int:
    """The exit code. closed: the descriptor is, else its reader went away"""
    words = [sys.executable, "-m", "qmpsh", *argv]
    if closed:
        words = ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *words]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            words,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=writer,
            timeout=fronts.LONGEST,
        ).returncode
    finally:
        os.close(writer)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "reader-gone"])
def test_without_stderr_the_exit_code_stays(closed: bool) -> None:
    for line, code in CODES.items():
        with server() as served:
            assert without_stderr(served.path, line, closed=closed) == code, line
    assert without_stderr(f"{served.path}/gone", "stop", closed=closed) == 3
