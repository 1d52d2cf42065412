"""Lines at an HMP monitor: what runs there, and what is refused with the way to QMP."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, refusal_of
from qmpsh.client.dialect import HMP_MONITOR
from qmpsh.errors import CannotConnect, ConnectionLost
from qmpsh.language.verbs import VERBS
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.without_qmp import verbs_without_qmp
from tests.hmp import BANNER, FakeMonitor
from tests.shell.scripted import DrivenShell
from tests.waiting import PATIENCE

QMP = "; start QEMU with -qmp unix:PATH,server=on,wait=off as well"


class HmpShell(DrivenShell):
    """A shell at an HMP monitor."""

    def __init__(
        self, answers: Mapping[str, str | None] | None = None, settings: Settings | None = None
    ) -> None:
        self.monitor = FakeMonitor(answers)
        client = Client(self.monitor, UnixAddress("/h"))
        while not client.ready:
            client.poll(0)
        machine = Machine("/h", client.connection.greeting)
        super().__init__(client, Context(client, settings or Settings(), machine))

    @property
    def texts(self) -> list[str | None]:
        return [item.text for item in self.said]


def test_it_is_recognised_by_its_banner() -> None:
    shell = HmpShell()
    assert shell.client.dialect is HMP_MONITOR
    assert shell.context.machine.version == "7.2.22"
    assert (shell.context.hmp, shell.context.prompt) == (True, "(qemu) ")


def test_lines() -> None:
    shell = HmpShell({"info name": "vm1\r\n", "stop": ""})
    assert shell.run("info name").exit_code == 0
    assert shell.run("stop").exit_code == 0
    assert shell.run("nonsense").exit_code == 1
    assert shell.texts == ["vm1", "", "unknown command: 'nonsense'"]
    assert shell.monitor.lines == ["info name", "stop", "nonsense"]


def test_words_are_joined_and_hmp_may_stand_before_them() -> None:
    shell = HmpShell({"info name": "vm1\r\n"})
    assert shell.run_words("info", "name").exit_code == 0
    assert shell.run_words(".hmp info name").exit_code == 0
    assert shell.run(".hmp info name").exit_code == 0
    assert shell.run_words("info", "name", "--json", ">", "f").exit_code == 1
    assert shell.monitor.lines == ["info name"] * 3 + ["info name --json > f"]


def test_an_output_that_holds_a_prompt() -> None:
    shell = HmpShell({"info name": "(qemu) odd\r\n(qemu) "})
    shell.run("info name")
    assert shell.texts == ["(qemu) odd\n(qemu) "]


@pytest.mark.parametrize(
    "line, said",
    [
        ('{"execute": "stop"}', f"raw JSON needs QMP, and this is an HMP monitor{QMP}"),
        (".events STOP", f".events needs QMP, and this is an HMP monitor{QMP}"),
        (".wait STOP", f".wait needs QMP, and this is an HMP monitor{QMP}"),
        (".json info name", f".json needs QMP, and this is an HMP monitor{QMP}"),
        (".hmp", ".hmp: this is an HMP monitor: every line is one of the human monitor"),
        ("info\tname", "the line holds '\\t', which is a key to an HMP monitor; write a line"),
    ],
)
def test_what_is_refused(line: str, said: str) -> None:
    shell = HmpShell()
    outcome = shell.run(line)
    assert outcome.exit_code == 2
    assert str(outcome.error).startswith(said)
    if line != ".hmp":
        assert str(shell.run_words(line).error) == str(outcome.error)
    assert shell.monitor.lines == []


def test_a_wait() -> None:
    shell = HmpShell(settings=Settings(wait="", one_shot=True))
    outcome = shell.run_words("cont")
    assert str(outcome.error) == f"--wait needs QMP, and this is an HMP monitor{QMP}"


@pytest.mark.parametrize(
    "line, hint",
    [
        (
            "query-block",
            f"; query-block is QMP, and this is an HMP monitor: try info block, or{QMP[1:]}",
        ),
        ("blockdev-add", f"; if it is QMP, this is an HMP monitor{QMP}"),
        ("blockdev", ""),
    ],
)
def test_a_command_of_qmp_is_explained(line: str, hint: str) -> None:
    shell = HmpShell()
    assert shell.run(line).exit_code == 1
    assert shell.texts == [f"unknown command: '{line}'{hint}"]


def test_help() -> None:
    shell = HmpShell({"help stop": "stop|s  -- stop emulation\r\n"})
    shell.run(".help stop")
    shell.run(".help .exit")
    shell.run(".help")
    assert shell.texts[0] == "stop|s  -- stop emulation"
    assert shell.texts[1] == ".exit\n    " + VERBS["exit"].summary
    assert ".events" not in (shell.texts[2] or "")
    assert "This is an HMP monitor: help lists its own commands" in (shell.texts[2] or "")


def test_the_verbs_that_work() -> None:
    works = set(verbs_without_qmp())
    assert {"help", "hmp", "watch", "source", "set", "exit", "log", "history"} <= works
    assert works.isdisjoint({"json", "export", "events", "wait", "jobs", "status", "add-fd", "cat"})


def test_what_the_shell_asks_by_itself() -> None:
    shell = HmpShell({"info status": "VM status: paused (prelaunch)\r\n"})
    assert shell.client.execute(Command("query-status"), PATIENCE).value == {
        "status": "prelaunch",
        "running": False,
    }
    traced: list[object] = []
    shell.client.tracer = lambda arrow, message: traced.append((arrow, message))
    shell.run("x 0")
    assert traced[0] == (
        "->",
        {
            "execute": "human-monitor-command",
            "arguments": {"command-line": "x 0"},
            "id": "2",
            "by": "user",
        },
    )


def test_a_line_that_was_not_sent_in_time() -> None:
    shell = HmpShell({"info name": "vm1\r\n"})
    shell.monitor.hold()
    slow = shell.client.submit(hmp_command("stop"))
    late = shell.client.submit(hmp_command("cont"))
    assert "was not sent" in str(shell.client.overdue(late, 1.0))
    shell.monitor.release()
    while not slow.done:
        shell.client.poll(0)
    shell.run("info name")
    assert shell.texts == ["vm1"]
    assert shell.monitor.lines == ["stop", "info name"]


def test_a_question_for_a_password_ends_the_connection() -> None:
    shell = HmpShell({"block_passwd d": None})
    assert shell.run("block_passwd d").exit_code == 1
    assert "the monitor asks for a password, and takes the next line for it" in str(shell.texts)
    with pytest.raises(ConnectionLost):
        shell.client.execute(Command("query-status"), PATIENCE)
    assert shell.monitor.lines == ["block_passwd d"]


def test_a_question_that_an_earlier_client_has_left() -> None:
    monitor = FakeMonitor(before=BANNER + b"Password: ")
    monitor._editor.stars = True
    client = Client(monitor, UnixAddress("/h"))
    while not client.closed:
        client.poll(0)
    error = refusal_of(client)
    assert isinstance(error, CannotConnect)
    assert "asks for a password" in str(error)
    assert monitor.lines == []
