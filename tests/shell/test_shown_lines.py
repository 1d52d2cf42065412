"""`.json` and `.export` as lines: what is shown, what is masked, and that nothing is sent."""

from __future__ import annotations

import json

import pytest

from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note
from tests.shell.scripted import ScriptedShell

SECRET = "set_password protocol=vnc password=hunter2"


def test_json_shows_what_would_be_sent() -> None:
    shell = ScriptedShell()
    assert shell.run(".json device_del id=d0").exit_code == 0
    sent = json.loads(str(shell.answers[-1].text))
    assert sent == {"execute": "device_del", "arguments": {"id": "d0"}}
    assert shell.names == []


@pytest.mark.parametrize("verb", [".json", ".export bash", ".export python", ".export virsh"])
def test_a_secret_is_masked_and_dry_run_prints_it(verb: str) -> None:
    shell = ScriptedShell()
    shell.run(f"{verb} {SECRET}")
    assert "hunter2" not in str(shell.answers[-1].text)
    assert Note("secrets are masked; `qmpsh -n` prints them") in shell.said
    dry = ScriptedShell(settings=Settings(dry_run=True))
    dry.run(f"{verb} {SECRET}")
    assert "hunter2" in str(dry.answers[-1].text)


def test_virsh_takes_the_name_of_the_vm() -> None:
    shell = ScriptedShell({"query-name": [[{"return": {"name": "vm1"}}]]})
    assert shell.run(".export virsh stop").exit_code == 0
    assert str(shell.answers[-1].text).startswith("virsh qemu-monitor-command vm1 ")


def test_what_a_tool_cannot_express_is_noted() -> None:
    shell = ScriptedShell()
    shell.run(".export bash stop --wait=RESUME --timeout 5")
    notes = [item.text for item in shell.said if isinstance(item, Note)]
    assert notes == [
        "--wait is left out: it cannot be expressed in bash",
        "--timeout is left out: it cannot be expressed in bash",
    ]


@pytest.mark.parametrize(
    "line, says",
    [
        (".json", "expected a command"),
        (".json .help", "such a line sends nothing on its own"),
        (".export", "no tool named"),
        (".export perl stop", "no tool perl"),
    ],
)
def test_what_cannot_be_shown(line: str, says: str) -> None:
    outcome = ScriptedShell().run(line)
    assert outcome.exit_code == 2
    assert says in str(outcome.error)
