"""`qmpsh -a` on real QEMUs: some well, one stopped, one killed, one busy, one of another kind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys

from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.listening import qmpsh_listening
from tests.many.conftest import Crew, lines_of, read_until, start
from tests.qemu import ROOT, VmStarter, new_folder
from tests.waiting import PATIENCE, wait_until

SHORT = ("--connect-timeout", "1")


def test_each_vm_is_a_json_line(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", crew.glob, "query-status")
    assert (done.stderr, done.returncode) == ("qmpsh: 3 ok\n", 0)
    lines = lines_of(done.stdout)
    assert [line["vm"] for line in lines] == ["web1", "web2", "web3"]
    assert [line["address"] for line in lines] == [f"{crew.folder}/vm{n}.sock" for n in (1, 2, 3)]
    assert all(isinstance(line["return"], dict) for line in lines)


def test_a_table_folds_equal_answers(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", crew.glob, "query-status", "--table")
    header, row = done.stdout.splitlines()
    assert header.split()[0] == "vm"
    assert row.startswith("web[1-3] (3)")
    done = run_qmpsh("-a", crew.glob, "--no-fold", "--table", "query-status")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["vm", "web1", "web2", "web3"]


def test_a_change_needs_yes_and_is_not_sent_without(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", crew.glob, "stop")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == "qmpsh: stop may change 3 VMs: say --yes; nothing was sent\n"
    done = run_qmpsh("-a", crew.glob, "query-status")
    assert all("true" in json.dumps(line["return"]) for line in lines_of(done.stdout))
    for line, running in (("stop", "false"), ("cont", "true")):
        assert run_qmpsh("-a", crew.glob, "--yes", line).stderr == "qmpsh: 3 ok\n"
        done = run_qmpsh("-a", crew.glob, "query-status")
        assert all(f'"running": {running}' in json.dumps(one) for one in lines_of(done.stdout))


def test_typed_lines_and_wrong_ones(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", crew.glob, "qom-list", "path=/machine")
    assert (done.returncode, len(lines_of(done.stdout))) == (0, 3)
    done = run_qmpsh("-a", crew.glob, "qom-list", "pth=/machine")
    assert (done.returncode, done.stderr) == (2, "qmpsh: 3 not sent\n")
    done = run_qmpsh("-a", crew.glob, "query-nope", "--table")
    assert done.returncode == 1
    assert done.stderr.startswith("web[1-3] (3): CommandNotFound: The command query-nope has not")
    assert done.stderr.endswith("\nqmpsh: 3 failed\n")
    done = run_qmpsh("-a", crew.glob, "query-status 'a")
    assert (done.returncode, done.stdout) == (2, "")
    assert "^" in done.stderr


def test_verbs_and_the_human_monitor(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", crew.glob, ".status", "--json")
    assert all("server" in dict_of(line["return"]) for line in lines_of(done.stdout))
    done = run_qmpsh("-a", crew.glob, "-H", "info", "status")
    assert [line["return"] for line in lines_of(done.stdout)] == ["VM status: running"] * 3
    done = run_qmpsh("-a", crew.glob, "-n", "stop")
    assert (done.stdout, done.stderr) == ('{"execute": "stop"}\n', "qmpsh: it would go to 3 VMs\n")


def dict_of(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


def test_those_that_hang_are_explained_and_delay_no_other(
    start_vm: VmStarter, run_qmpsh: RunQmpsh
) -> None:
    folder = new_folder()
    try:
        vms = [start(start_vm, folder, number) for number in (1, 2, 3, 4)]
        vms[1].kill()
        with (
            vms[0].stopped(),
            socket.socket(socket.AF_UNIX) as holder,
            socket.socket(socket.AF_UNIX) as foreign,
        ):
            holder.connect(f"{folder}/vm3.sock")
            assert holder.recv(1)
            foreign.bind(f"{folder}/other.sock")
            foreign.listen(1)
            done = run_qmpsh("-a", f"{folder}/*.sock", "--parallel", "1", *SHORT, "query-status")
        lines = {str(line["vm"]): line for line in lines_of(done.stdout)}
        assert "return" in lines["web4"]
        assert isinstance(lines["web4"]["ms"], int)
        assert "is stopped; continue it with kill -CONT" in json.dumps(lines["vm1"])
        assert "nothing listens on" in json.dumps(lines["vm2"])
        assert "holds this monitor" in json.dumps(lines["vm3"])
        assert done.stderr == "qmpsh: 1 ok, 1 busy, 1 stopped, 2 unreachable\n"
        assert done.returncode == 3
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_first_event_is_enough_or_every_one(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    first = f"{crew.folder}/vm1.sock"
    for words, target, count in ((("STOP",), first, 1), (("STOP", "--every"), crew.glob, 3)):
        with qmpsh_listening("-a", crew.glob, "-t", "20", ".wait", *words) as waiting:
            assert run_qmpsh("-a", target, "--yes", "stop").returncode == 0
            stdout, _ = waiting.communicate(timeout=PATIENCE)
            assert (waiting.returncode, len(stdout.splitlines())) == (0, count)
        run_qmpsh("-a", crew.glob, "--yes", "cont")


def test_events_of_all_vms_come_in_one_stream(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    folder = new_folder()
    try:
        first, second = (start(start_vm, folder, number) for number in (1, 2))
        with qmpsh_listening("-a", f"{folder}/*.sock", ".events", "STOP") as events:
            assert events.stdout is not None
            run_qmpsh("-a", f"{folder}/vm1.sock", "--yes", "stop")
            line = json.loads(events.stdout.readline())
            assert (line["vm"], line["event"]) == ("web1", "STOP")
            first.kill()
            assert json.loads(events.stdout.readline()) == {"vm": "web1", "lost": "ended"}
            first = start(start_vm, folder, 1)
            assert json.loads(events.stdout.readline()) == {"vm": "web1", "regained": True}
            first.kill()
            assert json.loads(events.stdout.readline()) == {"vm": "web1", "lost": "ended"}
            second.kill()
            stdout, stderr = events.communicate(timeout=PATIENCE)
            assert json.loads(stdout) == {"vm": "web2", "lost": "ended"}
            assert (stderr, events.returncode) == ("qmpsh: 2 ok\n", 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_two_vms_of_one_name_are_apart_in_a_stream(
    start_vm: VmStarter, run_qmpsh: RunQmpsh
) -> None:
    folder = new_folder()
    try:
        for number in (1, 2):
            monitor = f"unix:{folder}/vm{number}.sock,server=on,wait=off"
            start_vm("-qmp", monitor, qmp=False, name="web")
        words = ("-a", f"{folder}/*.sock", "-t", "20", ".wait", "STOP", "--every")
        with qmpsh_listening(*words) as waiting:
            run_qmpsh("-a", f"{folder}/*.sock", "--yes", "stop")
            stdout, _ = waiting.communicate(timeout=PATIENCE)
        first, second = (str(line["vm"]) for line in lines_of(stdout))
        assert (first, second) in (("web", "web@vm1"), ("web", "web@vm2"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_what_a_glob_finds_and_is_no_monitor_is_counted(
    start_vm: VmStarter, run_qmpsh: RunQmpsh
) -> None:
    folder = new_folder()
    try:
        monitor = f"unix:{folder}/vm1.sock,server=on,wait=off"
        human = f"unix:{folder}/human.sock,server=on,wait=off"
        start_vm("-qmp", monitor, "-monitor", human, qmp=False, name="web1")
        for options in ((), ("--only", "name~web")):
            done = run_qmpsh("-a", f"{folder}/*.sock", *options, "query-name")
            assert [line["vm"] for line in lines_of(done.stdout)] == ["web1"]
            assert done.stderr == "qmpsh: left out 1 that do not speak QMP: human\nqmpsh: 1 ok\n"
            assert done.returncode == 0
        done = run_qmpsh("-a", f"{folder}/h*.sock", "query-name")
        assert "human.sock is an HMP monitor; -a takes one by its address" in done.stdout
        assert (done.stderr, done.returncode) == ("qmpsh: 1 unreachable\n", 3)
        os.rename(f"{folder}/human.sock", f"{folder}/vm1.hmp")
        for target in (f"{folder}/vm1.hmp", f"{folder}/*.hmp"):
            done = run_qmpsh("--hmp", "-a", target, "info status")
            assert [line["return"] for line in lines_of(done.stdout)] == ["VM status: running"]
            assert (done.stderr, done.returncode) == ("qmpsh: 1 ok\n", 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_failure_stops_what_is_not_begun(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    folder = new_folder()
    try:
        vm = start(start_vm, folder, 1)
        targets = ("-a", "/no-such/x.sock", "-a", f"{folder}/*.sock")
        done = run_qmpsh(*targets, "--parallel", "1", "--yes", "stop")
        assert (done.stderr, done.returncode) == ("qmpsh: 1 unreachable, 1 not begun\n", 3)
        done = run_qmpsh(*targets, "--parallel", "1", "--yes", "-k", "quit")
        assert done.stderr == "qmpsh: 1 ok, 1 unreachable\n"
        wait_until(lambda: not vm.is_running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_more_vms_than_descriptors(crew: Crew) -> None:
    script = 'ulimit -n 50; exec "$0" -m qmpsh -a "$1" query-name'
    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, crew.glob],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("qmpsh: 3 ok\n", 0)


def test_guest_agents(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", agent.path, "--guest-agent", "--yes", ".exec", "echo", "a b")
    (line,) = lines_of(done.stdout)
    assert (line["return"], done.returncode) == ("a b\n", 0)
    done = run_qmpsh("-a", agent.path, "--guest-agent", "--yes", ".exec", "false")
    (line,) = lines_of(done.stdout)
    assert (line["code"], done.returncode) == (1, 1)


def test_vms_of_two_versions_in_one_call(
    two_emulators: tuple[str, str], run_qmpsh: RunQmpsh
) -> None:
    starters = [VmStarter(path) for path in two_emulators]
    try:
        paths = [starter().path for starter in starters]
        targets = [word for path in paths for word in ("-a", path)]
        done = run_qmpsh(*targets, "qom-list", "path=/machine")
        assert (done.stderr, done.returncode) == ("qmpsh: 2 ok\n", 0)
        assert len({line["address"] for line in lines_of(done.stdout)}) == 2
    finally:
        for starter in starters:
            starter.close()


def test_options_that_are_for_one_vm(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", "/no-such", "-v", "query-status")
    assert (done.returncode, done.stdout) == (2, "")
    done = run_qmpsh("./x", "-a", "/no-such", "query-status")
    assert done.stderr == (
        "qmpsh: -a names the VMs and takes one LINE: no ADDRESS before it, and no -f FILE\n"
    )
    done = run_qmpsh("-a", "/no-such/s", "query-status", env={"QMP_SOCKET": "/elsewhere"})
    assert (done.stderr, done.returncode) == ("qmpsh: 1 unreachable\n", 3)


def test_a_terminal_is_asked_and_names_the_vms(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", "-a", crew.glob, "stop"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        assert read_until(ours, "[l]ist: ").endswith(
            "stop 3 VMs: web1, web2, web3? [n]o [y]es [l]ist: "
        )
        os.write(ours, b"l\n")
        assert "  web[1-3]" in read_until(ours, "[l]ist: ")
        os.write(ours, b"n\n")
        assert "nothing was sent" in read_until(ours, "sent")
        assert process.wait(timeout=PATIENCE) == 2
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    done = run_qmpsh("-a", crew.glob, "query-status")
    assert all('"running": true' in json.dumps(line) for line in lines_of(done.stdout))


def test_an_interrupt_shows_what_has_come(crew: Crew) -> None:
    with crew.vms[0].stopped():
        process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", "-a", crew.glob, "query-name"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert [process.stdout.readline()[:9] for _ in range(2)] == ['{"vm": "w'] * 2
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stderr) == (130, "qmpsh: 2 ok, 1 without an answer so far\n")
