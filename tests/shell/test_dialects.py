"""A session on servers that are no emulator; commands that go out of band by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.client.dialect import STORAGE_DAEMON, STRATOVIRT
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.introspection import load_all
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.queries import RATE_SHARE, BackgroundQuery, QueryQueue
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Task
from tests.qemu import Vm
from tests.shell.harness import SessionHarness
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def open_session() -> Iterator[Callable[[str], SessionHarness]]:
    harnesses: list[SessionHarness] = []

    def start(path: str) -> SessionHarness:
        harnesses.append(SessionHarness(path))
        return harnesses[-1]

    yield start
    for harness in harnesses:
        harness.session.close()


def has_learnt(harness: SessionHarness) -> Callable[[], bool]:
    def learnt() -> bool:
        harness.session.poll()
        return bool(harness.session.catalog.commands) and harness.session.queries.is_idle

    return learnt


# ------------------------------------------------------------------------ StratoVirt


def test_stratovirt(open_session: Callable[[str], SessionHarness], stratovirt: str) -> None:
    harness = open_session(stratovirt)
    session = harness.session
    wait_until(has_learnt(harness), PATIENCE)
    assert session.client.dialect is STRATOVIRT
    assert len(session.catalog.commands) == 69
    assert session.catalog.schema is None
    assert session.machine.state == "running"
    assert (session.machine.server, session.machine.version) == ("StratoVirt", "2.5.0")
    line = "device_add driver=virtio-net-pci id=a mq=on"
    assert session.faults(line) == []
    assert harness.run(line).exit_code == 0
    assert session.wait() is None, "nothing is left to be done"
    assert harness.listener.strays == []


def test_questions_are_spread_where_requests_are_bounded(stratovirt: str) -> None:
    client = Client.connect(parse_address(stratovirt))
    rate = client.dialect.rate
    assert rate is not None
    background = QueryQueue(client)
    answers: list[object] = []
    for name in ("query-status", "query-kvm"):
        background.ask(BackgroundQuery(Command(name), answers.append))
    assert not background.tick(10.0)
    while client.in_flight:
        client.poll(PATIENCE)
    assert background.tick(10.0)
    assert len(answers) == 1
    assert background.due(10.0) == pytest.approx(RATE_SHARE / rate)
    assert not background.tick(10.0 + RATE_SHARE / rate)
    assert background.due(99.0) is None, "it is on its way"
    client.close()


# ------------------------------------------------------------------------ storage daemon


def test_storage_daemon(open_session: Callable[[str], SessionHarness], daemon: str) -> None:
    harness = open_session(daemon)
    session = harness.session
    wait_until(has_learnt(harness), PATIENCE)
    assert session.client.dialect is STORAGE_DAEMON
    assert session.context.introspection.manual_name == "qemu-storage-daemon-qmp-ref"
    assert session.catalog.schema is not None
    assert (session.machine.state, session.machine.status) == ("", "")
    outcomes = [harness.run(line) for line in (".hmp", ".hmp info block", "query-jobs")]
    assert [outcome.exit_code for outcome in outcomes] == [2, 2, 0]
    assert not session.context.hmp


# ------------------------------------------------------------------------ out of band


def learnt_shell(client: Client) -> Context:
    """A shell that knows the schema."""
    shell = Context(client, Settings(), Machine("", client.connection.greeting))
    finish(client, Task(load_all(shell.introspection), lambda _: None))
    return shell


def finish(client: Client, task: Task) -> None:
    while not task.advance(0.0):
        client.poll(PATIENCE)


def test_what_may_goes_out_of_band_by_itself(vm: Vm) -> None:
    client = Client.connect(parse_address(vm.path))
    shell = learnt_shell(client)
    sent: list[str] = []
    order: list[str] = []

    def trace(direction: str, message: JsonObject) -> None:
        if direction == "->":
            sent.append(next(key for key in message if key.startswith("exec")))
        else:
            order.append(str(message.get("id")))

    client.tracer = trace
    shown: list[Answer | Note] = []
    finish(client, Task(run_line(shell, "query-yank"), shown.append))
    assert sent == ["execute"], "nothing was in its way"
    slow = [client.submit(Command("query-qmp-schema")) for _ in range(20)]
    order.clear()
    finish(client, Task(run_line(shell, "query-yank"), shown.append))
    while not all(pending.done for pending in slow):
        client.poll(PATIENCE)
    assert sent.count("exec-oob") == 1
    (oob,) = [id for id in order if id not in {pending.id for pending in slow}]
    assert order.index(oob) < 7
    assert [isinstance(item, Answer) and not item.failed for item in shown] == [True, True]
    client.close()


def test_in_band_what_the_schema_does_not_mark(vm: Vm) -> None:
    client = Client.connect(parse_address(vm.path))
    shell = learnt_shell(client)
    slow = client.submit(Command("query-qmp-schema"))
    task = Task(run_line(shell, "query-name"), lambda _: None)
    finish(client, task)
    assert slow.done
    assert task.outcome is not None
    assert task.outcome.exit_code == 0
    client.close()
