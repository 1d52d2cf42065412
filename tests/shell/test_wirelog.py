"""The log of the wire: what stands in it, and what becomes of a log that cannot be written."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from qmpsh.errors import UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.shell.wirelog import WireLog, WireTracer
from tests.conftest import RunQmpsh
from tests.qemu import Vm, VmStarter
from tests.shell.scripted import ScriptedShell
from tests.ui.tmux import Terminal
from tests.waiting import PATIENCE, wait_until


def records(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def make(path: Path) -> tuple[WireLog, list[str]]:
    said: list[str] = []
    return WireLog(str(path), "/m.sock", said.append), said


def test_both_ways_with_times_and_names(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name="vm1")
    log = f"{vm.folder}/log.jsonl"
    script = "query-name\nstop\n"
    assert run_qmpsh(vm.path, "-l", log, "-f", "-", stdin=script).returncode == 0
    found = records(log)
    assert [record["direction"] for record in found[:3]] == ["received", "sent", "received"]
    messages = [record["message"] for record in found]
    assert "QMP" in messages[0]
    names = [message.get("execute", message.get("event")) for message in messages]
    assert [name for name in names if name] == ["qmp_capabilities", "query-name", "stop", "STOP"]
    assert {record["address"] for record in found} == {vm.path}
    assert "vm" not in found[0]
    assert found[-1].get("vm") == "vm1"
    times = [record["monotonic"] for record in found]
    assert times == sorted(times)
    assert all(len(record["time"]) == len("2026-01-01T00:00:00.000000Z") for record in found)
    assert stat.S_IMODE(os.stat(log).st_mode) == 0o600


def test_a_fifo_has_a_reader_or_is_refused(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    fifo = f"{vm.folder}/fifo"
    os.mkfifo(fifo)
    done = run_qmpsh("-l", fifo, vm.path, "stop")
    assert done.stderr == f"qmpsh: cannot write the log {fifo}: it is a pipe without a reader\n"
    assert done.returncode == 2
    assert '"running": true' in run_qmpsh(vm.path, "query-status").stdout
    copy = Path(vm.folder, "copy")
    with copy.open("w") as file, subprocess.Popen(["cat", fifo], stdout=file) as reader:
        # What opens for writing waits for the reader, and lets qmpsh find one.
        with open(fifo, "w"):
            done = run_qmpsh("-l", fifo, vm.path, "query-qmp-schema")
        assert reader.wait(timeout=PATIENCE) == 0
    assert (done.stderr, done.returncode) == ("", 0)
    assert "return" in records(copy)[-1]["message"]


def test_it_is_appended_to_and_holds_no_secret(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    log = f"{vm.folder}/log.jsonl"
    run_qmpsh(vm.path, "-l", log, "query-status")
    before = len(records(log))
    line = ["object-add", "qom-type=secret", "id=s0", "data=hunter2"]
    assert run_qmpsh(vm.path, "-l", log, *line).returncode == 0
    assert len(records(log)) > before
    assert "hunter2" not in Path(log).read_text()
    assert "********" in Path(log).read_text()


def test_a_file_that_cannot_be_opened_is_told_before_connecting(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("./no-such.sock", "-l", "/nowhere/log", "query-status")
    assert done.returncode == 2
    assert "cannot write the log /nowhere/log: No such file or directory" in done.stderr


def test_a_full_disk_ends_the_log_and_not_the_work(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "-l", "/dev/full", "query-status")
    assert done.returncode == 0
    assert '"running"' in done.stdout
    assert done.stderr.count("the log is off: No space left on device") == 1


def test_the_name_is_forgotten_with_the_connection(tmp_path: Path) -> None:
    log, said = make(tmp_path / "log")
    log("->", {"execute": "query-name", "id": "1"})
    log("<-", {"return": {"name": "a"}, "id": "1"})
    log("<-", {"QMP": {}})
    assert [record.get("vm") for record in records(tmp_path / "log")] == [None, "a", None]
    assert said == []


def test_odd_answers_to_query_name(tmp_path: Path) -> None:
    log, _ = make(tmp_path / "log")
    answers: list[JsonObject] = [{"return": {}}, {"return": []}, {"return": {"name": 5}}]
    for answer in answers:
        log("->", {"execute": "query-name", "id": "1"})
        log("<-", {**answer, "id": "1"})
    log("<-", [])
    assert not any("vm" in record for record in records(tmp_path / "log"))


def test_sinks_get_the_same_without_secrets() -> None:
    heard: list[object] = []
    tracing = WireTracer(lambda *told: heard.append(told))
    arguments: JsonObject = {"protocol": "vnc", "password": "hunter2"}
    tracing("->", {"execute": "set_password", "arguments": arguments})
    tracing("<-", {"error": {"desc": "no hunter2 here"}})
    assert "hunter2" not in repr(heard)
    assert len(heard) == 2


def test_unopened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        make(tmp_path)


def test_the_verb_in_a_script(vm: Vm, run_qmpsh: RunQmpsh, private_home: Path) -> None:
    script = ".log\n.log on\nstop\n.log off\ncont\n.log on\nquery-status\n"
    done = run_qmpsh(vm.path, "-f", "-", stdin=script)
    assert done.returncode == 0, done.stderr
    log = private_home / ".local/state/qmpsh/wire.log"
    assert f"the log is on: {log}" in done.stderr
    sent = [record["message"].get("execute") for record in records(log)]
    assert [name for name in sent if name] == ["stop", "query-status"]
    assert run_qmpsh(vm.path, ".log", "maybe").returncode == 2


def test_a_recording_begun_in_a_script(
    vm: Vm, run_qmpsh: RunQmpsh, private_home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bug.jsonl"
    script = f".record\nstop\n.record {path}\ncont\n.record\n.record off\nstop\n.record\n"
    done = run_qmpsh(vm.path, "-f", "-", stdin=script)
    assert done.returncode == 0, done.stderr
    nothing = "nothing is recorded; .record FILE begins, and qmpsh --record FILE from the start"
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == [
        nothing,
        f"recording to {path}: all commands, replies and events, with the paths, names and MAC"
        " addresses in them; secrets are masked",
        f"recording to {path}; .record off ends it",
        nothing,
        nothing,
    ]
    found = records(path)
    assert [one["direction"] for one in found[:2]] == ["meta", "received"]
    assert "QMP" in found[1]["message"]
    schemas = [one["message"]["schema"] for one in found if "schema" in one["message"]]
    assert ["gz" in schema for schema in schemas] == [True]
    sent = [one["message"].get("execute") for one in found if one.get("by") == "user"]
    assert sent == ["cont"]
    assert run_qmpsh(vm.path, ".record", "a", "b").returncode == 2
    assert run_qmpsh(vm.path, ".record", "/nowhere/a").returncode == 2


def test_a_recording_goes_on_where_the_next_cannot_begin(tmp_path: Path) -> None:
    path = tmp_path / "bug.jsonl"
    shell = ScriptedShell()
    shell.run(f".record {path}")
    assert isinstance(shell.run(".record /nowhere/a").error, UsageError)
    shell.run("stop")
    sent = [one["message"].get("execute") for one in records(path) if one["direction"] == "sent"]
    assert sent == ["stop"]


@pytest.mark.tmux
def test_the_log_goes_on_over_a_reconnection(screen: Terminal, start_vm: VmStarter) -> None:
    vm = start_vm(name="vm1")
    log = f"{vm.folder}/log.jsonl"
    screen.qmpsh("-l", log, vm.path)
    screen.sees("vm1 ")
    vm.kill()
    screen.sees("killed or crashed")
    start_vm(name="vm1", folder=vm.folder)
    screen.sees("reconnected to vm1")
    screen.keys("query-uuid", "Enter")
    wait_until(lambda: "query-uuid" in Path(log).read_text())
    greetings = [record for record in records(log) if "QMP" in record["message"]]
    assert len(greetings) == 2


def test_a_file_that_is_no_recording_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(b"QFI\xfb")
    outcome = ScriptedShell().run(f".record {path}")
    assert (outcome.exit_code, str(outcome.error)) == (
        2,
        f"cannot record to {path}: it is there, and no recording; name a new file, or one to go on"
        " with",
    )
    assert path.read_bytes() == b"QFI\xfb"


def test_an_ended_recording_holds_no_descriptor(tmp_path: Path) -> None:
    shell = ScriptedShell()
    for number in range(3):
        shell.run(f".record {tmp_path / str(number)}")
    shell.run(".record off")
    held = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    assert not [path for path in held if path.startswith(str(tmp_path))]
    shell.run("stop")
    assert '"stop"' not in (tmp_path / "2").read_text()
