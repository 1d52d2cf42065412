"""`qmpsh top --once` on real QEMUs: some well, one stopped, one killed, one busy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from qmpsh.address import UnixAddress
from qmpsh.jsontypes import JsonObject
from qmpsh.system.queues import MonitorQueues
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter, new_folder
from tests.top.exposition import parse
from tests.waiting import wait_until

SHORT = ("--connect-timeout", "0.5", "-i", "0.2")


class Machines(NamedTuple):
    """Three VMs whose sockets are in one folder."""

    folder: str
    vms: list[Vm]

    @property
    def glob(self) -> str:
        return f"{self.folder}/*.sock"


@pytest.fixture
def machines(emulator: str) -> Iterator[Machines]:
    starter, folder = VmStarter(emulator), new_folder()
    vms = [
        starter("-qmp", f"unix:{folder}/vm{number}.sock,server=on,wait=off", qmp=False, name=name)
        for number, name in enumerate(("web1", "web2", "db"), 1)
    ]
    yield Machines(folder, vms)
    starter.close()
    shutil.rmtree(folder, ignore_errors=True)


def rows_of(run: subprocess.CompletedProcess[str]) -> dict[str, JsonObject]:
    rows: list[JsonObject] = [json.loads(line) for line in run.stdout.splitlines()]
    return {str(row["vm"]): row for row in rows}


def test_all_well(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("top", "--once", "--json", *SHORT, machines.glob)
    rows = rows_of(run)
    assert (run.returncode, run.stderr) == (0, "")
    assert [*rows] == ["db", "web1", "web2"]
    web1 = rows["web1"]
    assert (web1["up"], web1["pid"]) == (True, machines.vms[0].pid)
    assert web1["state"] in ("prelaunch", "running", "paused")
    assert isinstance(web1["cpu_percent"], float)
    assert isinstance(web1["resident_bytes"], int)


def test_one_hangs_one_is_busy_and_one_is_gone(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    stopped, busy, gone = machines.vms
    gone.kill()
    with stopped.stopped(), socket.socket(socket.AF_UNIX) as holder:
        holder.connect(f"{machines.folder}/vm2.sock")
        assert holder.recv(10)
        run = run_qmpsh("top", "--once", "--json", *SHORT, machines.glob)
    rows = rows_of(run)
    assert {name: row["up"] for name, row in rows.items()} == dict.fromkeys(
        ("vm1", "vm2", "vm3"), False
    )
    assert [rows[name]["state"] for name in ("vm1", "vm2", "vm3")] == [
        "no answer",
        "busy",
        "unreachable",
    ]
    assert f"kill -CONT {stopped.pid}" in str(rows["vm1"]["error"])
    assert rows["vm1"]["pid"] == stopped.pid
    assert rows["vm2"]["pid"] == busy.pid
    assert run.returncode == 1  # of several kinds


def test_one_that_hangs_is_only_a_row(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    with machines.vms[0].stopped():
        run = run_qmpsh("top", "--once", "--json", *SHORT, machines.glob)
    assert rows_of(run)["vm1"]["up"] is False
    assert run.returncode == 0


def test_if_all_hang_the_time_is_over(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    with machines.vms[0].stopped():
        run = run_qmpsh("top", "--once", *SHORT, f"{machines.folder}/vm1.sock")
    assert run.returncode == 124
    assert "no answer" in run.stdout


def test_a_file_is_replaced_in_one_step(
    machines: Machines, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    path = tmp_path / "metrics" / "qemu.prom"
    path.parent.mkdir()
    path.write_text("old")
    before = path.stat().st_ino
    run = run_qmpsh("top", "--once", "--prometheus", "-o", str(path), machines.glob)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    names = {one.labels["vm"] for one in parse(path.read_text()) if one.name == "qemu_up"}
    assert names == {"web1", "web2", "db"}
    assert path.stat().st_ino != before
    assert [one.name for one in path.parent.iterdir()] == ["qemu.prom"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_that_cannot_be_written(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("top", "--once", "-o", "/nowhere/x", *SHORT, machines.glob)
    assert (run.returncode, run.stderr) == (
        2,
        "qmpsh: -o /nowhere/x: cannot write it: No such file or directory\n",
    )


def test_again_and_again_as_csv(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("top", "--once", "--csv", "-n", "3", *SHORT, machines.glob)
    lines = run.stdout.splitlines()
    assert [line.split(",")[0] for line in lines] == ["vm", *(["db", "web1", "web2"] * 3)]


def test_it_leaves_the_monitors_free_in_between(machines: Machines) -> None:
    command = [sys.executable, "-m", "qmpsh", "top", "--once", "--json", "-n0", "-i1"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, machines.glob], stdout=subprocess.PIPE, env=env, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(5)
            other.connect(f"{machines.folder}/vm1.sock")
            assert b"QMP" in other.recv(4096)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: process.poll() is not None)
    assert process.returncode == 128 + signal.SIGTERM


def test_a_guest_that_works_shows_it(run_qmpsh: RunQmpsh, start_vm: VmStarter) -> None:
    vm = start_vm("-S", machine="q35")
    run = run_qmpsh("top", "--once", "--json", "-i", "0.2", vm.path)
    row = rows_of(run).popitem()[1]
    assert row["vcpus"] == 1
    assert isinstance(row["guest_cpu_percent"], float)
    assert isinstance(row["memory_bytes"], int)


@pytest.mark.parametrize(
    "words, said",
    [
        (["--json"], "--json is for --once"),
        (["-o", "x"], "--output is for --once"),
        (["--once", "--json", "--csv"], "only one of --json, --csv and --prometheus"),
        (["--hold", "--polite"], "either --hold or --polite, not both"),
        (["--once", "-i", "10ms"], "--interval: at least 0.1 s"),
        (["--once", "--sort", "nmae"], "there is no column nmae; did you mean name?; there are "),
        ([], "the live table needs a terminal; --once prints a report"),
        (["--once", "/nowhere/*.sock"], "/nowhere/*.sock: no socket matches"),
    ],
)
def test_usage_errors(run_qmpsh: RunQmpsh, words: list[str], said: str) -> None:
    run = run_qmpsh("top", *words)
    assert run.returncode == 2
    assert run.stderr.startswith(f"qmpsh: {said}")


def test_a_report_loads_no_screen(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    profile = {"PYTHONPROFILEIMPORTTIME": "1"}
    run = run_qmpsh("top", "--once", "--prometheus", machines.glob, env=profile)
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert {"click", "qmpsh.top.once"} <= loaded
    assert loaded & {"prompt_toolkit", "pygments", "asyncio"} == set()


def test_targets_of_the_environment(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    env = {"QMPSH_ALL": f"'{machines.glob}'"}
    run = run_qmpsh("top", "--once", "--json", *SHORT, env=env)
    assert [*rows_of(run)] == ["db", "web1", "web2"]


def test_one_that_another_qmpsh_holds(machines: Machines, run_qmpsh: RunQmpsh) -> None:
    path = f"{machines.folder}/vm1.sock"
    with subprocess.Popen(
        [sys.executable, "-m", "qmpsh", "share", path],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as holder:
        assert holder.stderr is not None
        assert "sharing" in holder.stderr.readline()
        run = run_qmpsh("top", "--once", "--json", "-n", "2", "-i", "0.5", path)
        holder.terminate()
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(row["up"], row["pid"]) for row in rows] == [(True, machines.vms[0].pid)] * 2
    assert "resident_bytes" in rows[1]


def test_a_storage_daemon_has_no_run_state(daemon: str, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("top", "--once", "--json", *SHORT, daemon)
    row = rows_of(run).popitem()[1]
    assert (run.returncode, row["up"], row["state"]) == (0, True, "up")
    assert isinstance(row["cpu_percent"], float)
    assert row["disks"] == []


def test_stratovirt_is_asked_one_question_at_a_time(stratovirt: str, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("top", "--once", "--json", *SHORT, stratovirt)
    row = rows_of(run).popitem()[1]
    assert (run.returncode, row["up"], row["state"]) == (0, True, "running")


def test_a_hung_vm_is_not_queued_for_again_and_again(
    machines: Machines, run_qmpsh: RunQmpsh
) -> None:
    hung, path = machines.vms[0], f"{machines.folder}/vm1.sock"
    queues = MonitorQueues()
    with hung.stopped():
        for _ in range(3):
            run = run_qmpsh("top", "--once", "--json", *SHORT, path)
            (row,) = rows_of(run).values()
            assert (row["up"], row["state"], row["pid"]) == (False, "no answer", hung.pid)
            assert "is stopped; continue it with kill -CONT" in str(row["error"])
        assert queues.waiting(UnixAddress(path), 0.0) == 1
    wait_until(lambda: not MonitorQueues().waiting(UnixAddress(path), 0.0))
    run = run_qmpsh("top", "--once", "--json", *SHORT, path)
    assert rows_of(run)["web1"]["up"]
