"""The small pieces of the shell: HMP text, secrets, history, the machine's state, tasks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from qmpsh.errors import ReplyTimeout
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Command, Event, Greeting, classify
from qmpsh.secrets.masker import mask_line
from qmpsh.secrets.rules import mask_json
from qmpsh.shell.history import HistoryFile, is_kept
from qmpsh.shell.hmp import hmp_text
from qmpsh.shell.machine import ConnectionState, Machine
from qmpsh.shell.policy import question_before
from qmpsh.shell.settings import list_paths
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Steps, Task, WaitFor


@pytest.mark.parametrize(
    "value,text",
    [
        ("VM status: running\r\n", "VM status: running"),
        ("", ""),
        ("a\r\nb\r\n\r\n", "a\nb"),
    ],
)
def test_hmp_text(value: str, text: str) -> None:
    assert hmp_text(value) == text


def test_hmp_that_answers_no_string() -> None:
    assert hmp_text({"a": 1}) is None


@pytest.mark.parametrize(
    "value,masked",
    [
        ({"password": "p", "protocol": "vnc"}, {"password": "********", "protocol": "vnc"}),
        ({"qom-type": "secret", "data": "p"}, {"qom-type": "secret", "data": "********"}),
        ({"qom-type": "secret_keyring", "data": "p"}, None),
        ({"qom-type": "iothread", "data": "p"}, {"qom-type": "iothread", "data": "p"}),
        ([{"a": {"password": "p"}}], [{"a": {"password": "********"}}]),
        ({"password": 5}, {"password": "********"}),
        ({"command-line": "set_password vnc p"}, {"command-line": "set_password vnc ********"}),
        ({"command-line": "info status"}, {"command-line": "info status"}),
    ],
)
def test_secrets_are_masked(value: Json, masked: Json) -> None:
    found = mask_json(value)
    assert "p" not in _strings(found) or masked == value
    assert masked is None or found == masked


def _strings(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    "line,masked",
    [
        ("set_password vnc hunter2 keep", "set_password vnc ******** keep"),
        ("change vnc password hunter2", "change vnc password ********"),
        ("object_add secret,id=s,data=hunter2", "object_add secret,id=s,data=********"),
        (
            "object_add qom-type=secret,id=s,data=hunter2,format=raw",
            "object_add qom-type=secret,id=s,data=********,format=raw",
        ),
        ("info status", "info status"),
    ],
)
def test_hmp_secrets_are_masked(line: str, masked: str) -> None:
    assert mask_line(line, hmp=True) == masked


@pytest.mark.parametrize(
    "line",
    [
        "object-add qom-type=secret id=s data=hunter2",
        "object-add {qom-type: secret, data: 'hunter2'}",
        'object-add qom-type=secret id=s data="hunter2 and more"',
        "set_password protocol=vnc password=hunter2",
        'change-vnc-password password="hunter2"',
        '{"execute": "set_password", "arguments": {"password": "hunter2", "protocol": "vnc"}}',
        ".hmp set_password vnc hunter2",
        'human-monitor-command command-line="set_password vnc hunter2"',
        "human-monitor-command command-line='change vnc password hunter2'",
        ".json object-add qom-type=secret data=hunter2",
    ],
)
def test_secrets_of_a_line_are_masked(line: str) -> None:
    masked = mask_line(line)
    assert "hunter2" not in masked
    assert "********" in masked
    assert masked.split("*")[0] == line[: len(masked.split("*")[0])]


def test_lines_without_secrets_stay() -> None:
    line = "transaction actions=[{type: abort, data: {}}]"
    assert mask_line(line) == line
    assert mask_line("") == ""


def test_history_is_private_and_keeps_entries_whole(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = HistoryFile(str(path))
    assert history.load() == []
    for entry in ("query-status", "a={\n+b: 1\n}", "# no comment"):
        history.append(entry)
    assert HistoryFile(str(path)).load() == ["query-status", "a={\n+b: 1\n}", "# no comment"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_history_that_cannot_be_written_forgets(tmp_path: Path) -> None:
    history = HistoryFile(str(tmp_path / "no" / "such" / "folder"))
    history.append("x")
    assert history.load() == []


def test_a_leading_blank_keeps_a_line_out_of_the_history() -> None:
    assert is_kept("stop")
    assert not is_kept(" stop")
    assert not is_kept("")


def event(name: str, data: JsonObject | None = None) -> Event:
    return Event(name, data or {}, 0.0, {})


def test_the_machine_follows_events_and_replies() -> None:
    machine = Machine("./s", None)
    assert (machine.state, machine.long_state) == ("", "")
    machine.set_status({"status": "prelaunch", "running": False})
    machine.set_name({"name": "vm1"})
    machine.set_commands([{"name": "stop"}, {"nonsense": 1}, 5])
    assert (machine.long_state, machine.name) == ("paused (prelaunch)", "vm1")
    assert machine.commands == ("stop",)
    machine.on_event(event("RESUME"))
    assert (machine.state, machine.stale) == ("running", True)
    machine.on_event(event("STOP"))
    assert machine.long_state == "paused"
    machine.on_event(event("SHUTDOWN", {"reason": "guest-shutdown"}))
    assert machine.shutdown_reason == "SHUTDOWN guest-shutdown"
    machine.connection = ConnectionState.WAITING
    assert machine.state == "ended"


@pytest.mark.parametrize("value", [None, [], 5, {"name": 5}, {"status": [], "running": "no"}])
def test_replies_of_another_shape_are_left_alone(value: Json) -> None:
    machine = Machine("./s", None)
    machine.set_name(value)
    machine.set_status(value)
    machine.set_commands(value)
    assert (machine.name, machine.state, machine.commands) == ("", "", ())


@pytest.mark.parametrize(
    "command,question",
    [
        (Command("quit"), "quit ends the VM."),
        (Command("system_reset"), "Reset the VM?"),
        (Command("query-status"), None),
        (Command("human-monitor-command", {"command-line": " q "}), "quit ends the VM."),
        (Command("human-monitor-command", {"command-line": "system_reset"}), "Reset the VM?"),
        (Command("human-monitor-command", {"command-line": "info status"}), None),
        (Command("human-monitor-command", {"command-line": ""}), None),
        (Command("human-monitor-command", {"command-line": 5}), None),
        (Command("human-monitor-command"), None),
    ],
)
def test_what_ends_or_resets_the_vm_asks_first(command: Command, question: str | None) -> None:
    found = question_before(command)
    assert (found.question if found else None) == question


def test_a_task_waits_asks_shows_and_ends() -> None:
    ready = False
    shown: list[Answer | Note] = []

    def steps() -> Steps:
        yield Note("first")
        yield WaitFor(lambda: ready)
        choice = yield Ask("Really?", (("n", "no"), ("y", "yes")))
        yield Note(choice)
        return Outcome(5)

    task = Task(steps(), shown.append)
    assert not task.advance(0.0)
    assert shown == [Note("first")]
    ready = True
    assert not task.advance(0.0)
    assert task.asking is not None
    assert not task.advance(0.0)
    task.reply("y")
    assert task.advance(0.0)
    assert shown[1:] == [Note("y")]
    assert task.outcome == Outcome(5)


def test_a_deadline_lets_the_steps_go_on() -> None:
    def steps() -> Steps:
        yield WaitFor(lambda: False, deadline=10.0)
        raise ReplyTimeout("too late")

    task = Task(steps(), lambda _: None)
    assert not task.advance(9.0)
    assert task.timeout(9.0) == 1.0
    assert task.advance(10.0)
    assert task.outcome is not None
    assert task.outcome.exit_code == 124
    assert str(task.outcome.error) == "too late"


def test_a_task_with_a_fault_of_ours_has_ended_when_it_raises() -> None:
    def steps() -> Steps:
        yield Note("first")
        raise ZeroDivisionError

    task = Task(steps(), lambda _: None)
    with pytest.raises(ZeroDivisionError):
        task.advance(0.0)
    assert task.advance(0.0)
    assert task.outcome is not None


def test_a_cancelled_task_has_ended() -> None:
    def steps() -> Steps:
        yield WaitFor(lambda: False)
        return Outcome()

    task = Task(steps(), lambda _: None)
    task.advance(0.0)
    task.cancel()
    assert task.advance(0.0)
    assert task.outcome == Outcome(130)


def test_paths_of_this_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    (place / "folder").mkdir(parents=True)
    (place / "file").touch()
    (place / ".hidden").touch()
    here = str(place)
    assert list_paths(f"{here}/f") == [f"{here}/file", f"{here}/folder/"]
    assert list_paths(f"{here}/.h") == [f"{here}/.hidden"]
    assert list_paths(f"{here}/none/x") == []
    monkeypatch.chdir(place)
    assert list_paths("") == ["file", "folder/"]
    assert "tmp/" in [path.removeprefix("/") for path in list_paths("/t")]


def test_names_that_a_server_made_long_are_cut() -> None:
    long, cut = "x" * 1_000_000, f"{'x' * 200}..."
    greeting = classify({"QMP": {"version": {"package": long}, "capabilities": []}}, 1)
    assert isinstance(greeting, Greeting)
    machine = Machine("s", greeting)
    machine.set_name({"name": long})
    machine.set_uuid({"UUID": long})
    machine.set_status({"status": long})
    machine.set_commands({"version": long})
    machine.on_event(Event("SHUTDOWN", {"reason": long}, None, {}))
    said = (machine.package, machine.name, machine.uuid, machine.status, machine.version)
    assert said == (cut,) * 5
    assert machine.shutdown_reason == f"SHUTDOWN {cut}"
