"""Which commands ask first, and which `--read-only` lets through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmpsh.protocol.messages import Command
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.policy import question_before, reads_only
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm
from tests.ui.tmux import Terminal

READING = [
    "query-status",
    "x-query-irq",
    "qom-list",
    "qom-list-properties",
    "qom-list-get",
    "qom-get",
    "device-list-properties",
    "trace-event-get-state",
    "guest-get-users",
    "guest-network-get-interfaces",
    "guest-fsfreeze-status",
    "guest-info",
    "guest-ping",
    "guest-sync",
    "guest-sync-delimited",
]
WRITING = [
    "cont",
    "quit",
    "qom-set",
    "qom-list-types",
    "trace-event-set-state",
    "transaction",
    "guest-exec",
    "guest-file-open",
    "guest-fsfreeze-freeze",
    "human-monitor-command",
    "Query-status",
    "",
]


@pytest.mark.parametrize("name", READING)
def test_what_reads(name: str) -> None:
    assert reads_only(Command(name))
    assert question_before(Command(name)) is None


@pytest.mark.parametrize("name", WRITING)
def test_what_may_change_something(name: str) -> None:
    assert not reads_only(Command(name))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("info status", True),
        ("  help  ", True),
        ("help info", True),
        ("q", False),
        ("infoo", False),
        ("query-status", False),
        ("", False),
        ("screendump /tmp/a", False),
    ],
)
def test_lines_of_the_human_monitor(text: str, expected: bool) -> None:
    assert reads_only(hmp_command(text)) is expected


@pytest.mark.parametrize("version", ["7.2", "10.0"])
def test_most_of_what_real_servers_offer_to_ask_is_let_through(version: str) -> None:
    text = (ROOT / "tests" / "data" / f"query-commands-qemu-{version}.json").read_text()
    names = [entry["name"] for entry in json.loads(text)["return"]]
    passed = {name for name in names if reads_only(Command(name))}
    assert len(passed) >= 60
    assert not passed & {"query-nothing", "stop", "cont", "device_add", "qom-set", "quit"}


@pytest.mark.parametrize(
    "command",
    [
        Command("quit"),
        Command("system_reset"),
        Command("system_powerdown"),
        Command("inject-nmi"),
        Command("guest-shutdown"),
        Command("guest-suspend-ram"),
        hmp_command("q"),
        hmp_command("quit"),
        hmp_command("nmi"),
        hmp_command("system_reset"),
    ],
)
def test_what_asks_first(command: Command) -> None:
    assert question_before(command) is not None


def test_the_users_own_say() -> None:
    assert question_before(Command("quit"), {"quit": False}) is None
    assert question_before(hmp_command("q"), {"quit": False}) is None
    assert question_before(hmp_command("nmi"), {"inject-nmi": False}) is None
    asked = question_before(Command("stop"), {"stop": True})
    assert asked is not None
    assert asked.question == "Run stop?"
    assert question_before(hmp_command("info status"), {"stop": True}) is None


@pytest.mark.parametrize(
    "line",
    [
        ["system_reset"],
        ["stop"],
        ["object-add", "qom-type=iothread", "id=a"],
        ['{"execute": "stop"}'],
        [".hmp", "stop"],
        ["transaction( abort )"],
    ],
)
def test_refused_before_sending(vm: Vm, run_qmpsh: RunQmpsh, line: list[str]) -> None:
    log = Path(vm.folder, "log.jsonl")
    done = run_qmpsh(vm.path, "--read-only", "-l", str(log), *line)
    assert done.returncode == 2
    assert "--read-only allows only commands that read" in done.stderr
    sent = [json.loads(text)["message"].get("execute") for text in log.read_text().splitlines()]
    assert set(sent) <= {"qmp_capabilities", "query-commands", "query-qmp-schema", None}


def test_let_through(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh(vm.path, "--read-only", "query-status").returncode == 0
    done = run_qmpsh(vm.path, "--read-only", "-H", "info", "status")
    assert done.stdout.startswith("VM status: ")
    done = run_qmpsh(vm.path, "--read-only", "--json", '{"execute": "qmp_capabilities"}')
    assert (json.loads(done.stdout), done.returncode) == ({"return": {}}, 0)
    assert "already negotiated, not sent again" in done.stderr


@pytest.mark.tmux
@pytest.mark.parametrize("mode", [[], ["--plain"]], ids=["screen", "plain"])
def test_at_the_prompt(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    screen.qmpsh(*mode, "--read-only", vm.path)
    screen.keys("stop", "Enter")
    screen.sees("stop was not sent: --read-only")
    screen.keys("query-status", "Enter")
    screen.sees('"status": "running"')
    if not mode:
        screen.sees(" read-only ")
