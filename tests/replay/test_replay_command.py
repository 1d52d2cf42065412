"""`--record` and `qmpsh replay`, as a user and other programs use them."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmpsh.jsontypes import JsonObject
from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.qemu import Vm, VmStarter, new_folder
from tests.replay.samples import returned, sample, sent, text_of
from tests.waiting import PATIENCE

SESSION = """query-status
query-name
device_add driver=virtio-rng-pci id=rng0 bus=rp0
qom-get path=/machine/peripheral/rng0 property=type
device_add driver=nonsense id=x
object-add qom-type=secret id=sec0 data=hunter2
query-status
cont
query-status
stop
query-status
device_del id=rng0 --wait
blockdev-add driver=null-co node-name=n0 size=1073741824
blockdev-mirror job-id=m device=disk0 target=n0 sync=none --wait=BLOCK_JOB_READY
block-job-cancel device=m --wait
.status
query-block
quit --yes
"""


class Replay:
    """A `qmpsh replay` that serves. path: where; said: what it printed on stderr"""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", "replay", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.path = self.process.stdout.readline().rstrip("\n")

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it; its exit code and what it printed on stderr."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@pytest.fixture
def served() -> Iterator[list[Replay]]:
    """Replays that are ended with the test."""
    replays: list[Replay] = []
    yield replays
    for one in replays:
        if one.process.poll() is None:
            one.end()


@pytest.fixture
def recorded(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A recording of SESSION, and what it printed."""
    path = Path(new_folder(), "bug.jsonl")
    done = run_qmpsh("-k", "--record", str(path), fresh_q35.path, stdin=SESSION)
    return path, done


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_same_bytes_and_the_same_exit_code(
    recorded: tuple[Path, subprocess.CompletedProcess[str]], with_qmpsh: dict[str, str]
) -> None:
    path, done = recorded
    script = path.with_name("session.qmp")
    script.write_text(SESSION)
    replay = [sys.executable, "-m", "qmpsh", "replay", str(path)]
    command = ["--", "sh", "-c", f"qmpsh -k < {script}"]
    assert done.returncode == 1
    assert done.stderr.startswith(f"qmpsh: recording to {path}: all commands, replies and events")
    for options in ((), ("--strict", "--speed", "0")):
        again = subprocess.run(
            [*replay, *options, *command],
            capture_output=True,
            text=True,
            env=with_qmpsh,
            timeout=PATIENCE,
        )
        assert again.stdout == done.stdout
        assert again.stderr == done.stderr.partition("\n")[2]
        assert again.returncode == done.returncode


def test_what_a_recording_holds(
    recorded: tuple[Path, subprocess.CompletedProcess[str]],
    served: list[Replay],
    run_qmpsh: RunQmpsh,
) -> None:
    path, _ = recorded
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "hunter2" not in path.read_text()
    found = records(path)
    assert found[0]["direction"] == "meta"
    assert found[0]["message"] == {"format": 1, "qmpsh": found[0]["message"]["qmpsh"]}
    assert "QMP" in found[1]["message"]
    [schema] = [one["message"]["schema"] for one in found if "schema" in one["message"]]
    assert 20_000 < len(schema["gz"]) < 60_000
    sent = {(one["message"].get("execute"), one["by"]) for one in found if "by" in one}
    assert {("query-status", "user"), ("cont", "user"), ("query-commands", "shell")} <= sent
    assert ("query-commands", "user") not in sent
    # What is there already is not recorded again.
    replay = Replay(str(path))
    served.append(replay)
    done = run_qmpsh("--record", str(path), replay.path, "query-status")
    assert (done.returncode, done.stdout[:24]) == (0, '{"status": "prelaunch", ')
    more = records(path)[len(found) :]
    assert {one["session"] for one in more} == {2}
    assert [one["message"]["schema"] for one in more if "schema" in one["message"]] == [
        {"sha256": schema["sha256"]}
    ]


def test_listening_and_its_end(served: list[Replay], run_qmpsh: RunQmpsh) -> None:
    own = Replay(str(sample("qemu-qmp.log")))
    named = Replay(str(sample("qemu-qmp.log")), "--listen", f"{new_folder()}/r.sock")
    served += [own, named]
    for one in served:
        assert stat.S_IMODE(os.stat(one.path).st_mode) == 0o600
        assert '"running": false' in run_qmpsh(one.path, "query-status").stdout
        refused = run_qmpsh(one.path, "device_add", "driver=x")
        assert "replay: device_add was recorded 2 times, the last time with" in refused.stderr
    assert stat.S_IMODE(os.stat(os.path.dirname(own.path)).st_mode) == 0o700
    code, said = own.end()
    assert (code, said) == (
        0,
        "qmpsh: replaying QEMU 7.2.22: 7 commands in 1 connection; Ctrl-C ends it\n",
    )
    assert not os.path.exists(os.path.dirname(own.path))
    assert named.end(signal.SIGTERM)[0] == 128 + signal.SIGTERM
    assert not os.path.exists(named.path)


def test_one_client_at_a_time(served: list[Replay]) -> None:
    replay = Replay(str(sample("qemu-qmp.log")))
    served.append(replay)
    first, second = (socket.socket(socket.AF_UNIX) for _ in range(2))
    with first, second:
        first.connect(replay.path)
        assert b'"replay": "recording"' in first.recv(4096)
        second.connect(replay.path)
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)
        first.close()
        second.settimeout(PATIENCE)
        assert second.recv(4096).startswith(b'{"QMP"')


def test_the_exit_codes_of_a_command(run_qmpsh: RunQmpsh) -> None:
    path = str(sample("qemu-qmp.log"))
    for words, code in ((["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill $$"], 143)):
        assert run_qmpsh("replay", path, "--", *words).returncode == code
    done = run_qmpsh("replay", path, "--strict", "--", "sh", "-c", 'test -S "$QMP_SOCKET"')
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "qmpsh: --strict: never asked for: query-status"
    assert len(done.stderr.splitlines()) == 7
    assert run_qmpsh("replay", path, "--strict", "--", "sh", "-c", "exit 7").returncode == 7


def test_a_command_runs_where_no_descriptor_reports_its_end() -> None:
    """As on macOS."""
    code = "import os; del os.pidfd_open; from qmpsh.__main__ import main; raise SystemExit(main())"
    words = ["replay", str(sample("qemu-qmp.log")), "--", "sh", "-c", "exit 7"]
    process = subprocess.run([sys.executable, "-c", code, *words], check=False, timeout=PATIENCE)
    assert process.returncode == 7


def test_what_was_never_asked_for_is_masked(tmp_path: Path, run_qmpsh: RunQmpsh) -> None:
    path = tmp_path / "others.log"
    secret: JsonObject = {"qom-type": "secret", "id": "s0", "data": "hunter2"}
    path.write_text(text_of(sent("object-add", secret), returned({})))
    done = run_qmpsh("replay", str(path), "--strict", "--", "true")
    assert done.stderr == (
        "qmpsh: --strict: never asked for: object-add"
        ' {"qom-type": "secret", "id": "s0", "data": "********"}\n'
    )


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "Missing argument 'FILE'"),
        (("no-such",), "cannot read no-such: No such file or directory"),
        (("{file}", "--"), "-- is followed by a command"),
        (("{file}", "--", "./no-such"), "./no-such was not found"),
        (("{file}", "--speed", "-1"), "--speed"),
        (("{file}", "--speed", "nan"), "--speed: nan is not a speed"),
        (("{file}", "--session", "2"), "are numbered from 1 to 1"),
        (("{file}", "--schema", "{file}"), "is not a JSON file"),
        (("{file}", "--listen", "/nowhere/r"), "cannot listen on /nowhere/r"),
        (("/dev/zero",), "it is a device, not a file"),
    ],
)
def test_refusals(words: tuple[str, ...], said: str, run_qmpsh: RunQmpsh) -> None:
    file = str(sample("qemu-qmp.log"))
    done = run_qmpsh("replay", *(word.format(file=file) for word in words))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_times_are_kept_and_renewed(served: list[Replay], run_qmpsh: RunQmpsh) -> None:
    for options, year in (((), 2026), (("--now",), None)):
        replay = Replay(str(sample("logfile-0.1.jsonl")), *options)
        served.append(replay)
        done = run_qmpsh(replay.path, "-v", "-f", "-", stdin="cont\n")
        line = next(one for one in done.stderr.splitlines() if '"RESUME"' in one)
        seconds = json.loads(line.removeprefix("<- "))["timestamp"]["seconds"]
        recorded = [
            one["message"]["timestamp"]["seconds"]
            for one in records(sample("logfile-0.1.jsonl"))
            if one["message"].get("event") == "RESUME"
        ]
        assert (seconds in recorded) == (year is not None)


def test_a_guest_agent(
    agent: Agent, served: list[Replay], run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    lines = (
        "guest-ping\nguest-get-host-name\nguest-sync id=77\nguest-sync-delimited id=78\n"
        "guest-exec path=/bin/echo arg=[hi] capture-output=true\nguest-nonsense\n"
    )
    path = str(tmp_path / "agent.jsonl")
    done = run_qmpsh("--guest-agent", "-k", "--record", path, agent.path, stdin=lines)
    replay = Replay(path)
    served.append(replay)
    again = run_qmpsh("--guest-agent", "-k", replay.path, stdin=lines)
    assert "\n77\n78\n" in again.stdout
    assert (again.stdout, again.returncode) == (done.stdout, done.returncode)
    assert again.stderr == done.stderr.partition("\n")[2]
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(replay.path)
        raw.sendall(b'\xff{"execute": "guest-sync-delimited", "arguments": {"id": 5}}\n')
        assert raw.recv(4096) == b'\xff{"return": 5}\r\n'


def test_a_recording_is_appended_where_it_cannot_be_read(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    done = run_qmpsh(vm.path, "--record", "/dev/full", "query-status")
    assert done.returncode == 0
    assert "the log is off: No space left on device" in done.stderr
    done = run_qmpsh("--record", "/nowhere/x", vm.path, "query-status")
    assert (done.returncode, "cannot write the log /nowhere/x" in done.stderr) == (2, True)


def test_a_vm_that_ends_takes_the_connection_with_it(
    start_vm: VmStarter, served: list[Replay], run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    path, script = tmp_path / "bug.jsonl", "quit\nquery-status\n"
    done = run_qmpsh("--record", str(path), start_vm().path, stdin=script)
    assert done.returncode == 4
    assert records(path)[-1]["message"].keys() == {"ended"}
    replay = Replay(str(path))
    served.append(replay)
    assert run_qmpsh(replay.path, stdin=script).returncode == 4
