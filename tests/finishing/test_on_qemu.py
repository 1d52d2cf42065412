"""Commands that finish, as their user runs them, on a real QEMU."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter
from tests.waiting import PATIENCE

Run = Callable[..., subprocess.CompletedProcess[str]]
BACKUP = ("blockdev-backup", "job-id=j0", "device=disk0", "target=d1", "sync=full")
MIB = 1048576
BAD = (
    *("driver=blkdebug", "node-name=bad", "image.driver=null-co", "image.size=1073741824"),
    "inject-error=[{event: none, iotype: write, errno: 5, once: false},"
    " {event: none, iotype: write-zeroes, errno: 5, once: false}]",
)
"""a node that cannot be written to"""


@pytest.fixture
def pair(start_vm: VmStarter) -> Vm:
    """The demo's machine with a second monitor at `{folder}/t`, and a target for its disk."""
    return start_vm(
        *("-qmp", "unix:{folder}/t,server=on,wait=off"),
        *("-blockdev", "driver=null-co,node-name=d1,size=1073741824"),
        machine="demo",
    )


@pytest.fixture
def run(pair: Vm, run_qmpsh: RunQmpsh) -> Run:
    def one(*argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return run_qmpsh(pair.path, *argv, stdin=stdin)

    return one


def other(vm: Vm, *argv: str) -> None:
    """Run a line on the second monitor."""
    command = [sys.executable, "-m", "qmpsh", f"{vm.folder}/t", *argv]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


@pytest.fixture
def begin(pair: Vm) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a one-shot and read the first line of its stderr."""
    begun: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", pair.path, *argv],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        assert process.stderr is not None
        assert process.stderr.readline() == "listening\n"
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate(timeout=PATIENCE)


def slow_device(run: Run) -> None:
    """A target that never takes more than 64 KiB a second."""
    assert run("object-add", "qom-type=throttle-group", "id=slow", "limits.bps-write=65536")
    assert not run(
        *("blockdev-add", "driver=throttle", "node-name=s1", "throttle-group=slow", "file=d1")
    ).returncode


# ---------------------------------------------------------------------------- --wait


def test_a_device_that_lets_go(run: Run) -> None:
    assert not run("device_add", "driver=virtio-rng-pci", "id=r0", "bus=rp0").returncode
    done = run("device_del", "id=r0", "--wait", "--timeout", "20")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"device": "r0", "path": "/machine/peripheral/r0"}


@pytest.fixture
def acpi(start_vm: VmStarter) -> Vm:
    """A PC whose devices the guest has to let go of, and no guest in it that would."""
    return start_vm(
        *("-S", "-device", "virtio-rng-pci,id=net1"),
        *("-qmp", "unix:{folder}/t,server=on,wait=off"),
        machine="pc",
    )


def test_no_guest_lets_go(acpi: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(acpi.path, "device_del", "id=net1", "--wait", "--timeout", "1s")
    assert (done.stdout, done.returncode) == ("", 124)
    assert done.stderr == (
        "qmpsh: device_del: waited 1 s for DEVICE_DELETED of net1; the VM does not run (prelaunch),"
        " so that its guest can do nothing; cont continues it\n"
    )
    assert not run_qmpsh(acpi.path, "cont").returncode
    done = run_qmpsh(acpi.path, "device_del", "id=net1", "--wait", "--timeout", "1s")
    assert (done.stdout, done.returncode) == ("", 124)
    assert done.stderr == (
        "qmpsh: device_del: waited 1 s for DEVICE_DELETED of net1; the guest has not released it\n"
    )


def test_a_reset_from_elsewhere_lets_go(acpi: Vm, run_qmpsh: RunQmpsh) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", acpi.path, "-v", "device_del", "id=net1", "--wait"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if '"execute": "device_del"' in line:
                break
        assert "return" in process.stderr.readline()
        other(acpi, "system_reset")
        stdout, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert json.loads(stdout)["device"] == "net1"
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)


def test_a_backup(run: Run) -> None:
    done = run(*BACKUP, "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["device"] == "j0"
    whole = json.loads(run("--json", *BACKUP, "--wait").stdout)
    assert whole["return"] == {}
    assert whole["event"]["event"] == "BLOCK_JOB_COMPLETED"
    assert run("query-jobs").stdout == "[]\n"


def test_a_backup_that_fails(run: Run) -> None:
    assert not run("blockdev-add", *BAD).returncode
    done = run(*BACKUP[:3], "target=bad", "sync=full", "--wait")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == "qmpsh: blockdev-backup: job j0: Input/output error\n"


def test_a_backup_that_stops_at_an_error(run: Run) -> None:
    assert not run("blockdev-add", *BAD).returncode
    done = run(*BACKUP[:3], "target=bad", "sync=full", "on-target-error=stop", "--wait")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == (
        "qmpsh: blockdev-backup: job j0 is paused, it could not write bad; job-resume id=j0"
        " --wait goes on, job-cancel id=j0 gives up\n"
    )


def test_a_backup_that_is_to_be_finalized(run: Run) -> None:
    done = run(*BACKUP, "auto-finalize=false", "--wait")
    assert json.loads(done.stdout) == {"type": "backup", "id": "j0"}
    assert done.stderr == "qmpsh: pending: job-finalize id=j0 --wait finishes it\n"
    assert done.returncode == 0
    done = run("job-finalize", "id=j0", "--wait")
    assert (json.loads(done.stdout)["device"], done.returncode) == ("j0", 0)


def test_a_mirror(run: Run) -> None:
    mirror = ("blockdev-mirror", "job-id=m0", "device=disk0", "target=d1", "sync=none", "--wait")
    done = run(*mirror)
    assert (json.loads(done.stdout)["type"], done.returncode) == ("mirror", 0)
    assert done.stderr == "qmpsh: ready: job-complete id=m0 --wait finishes it\n"
    assert run("job-cancel", "id=m0", "--wait").returncode == 0
    done = run(*mirror[:-1], "--wait=ready")
    assert (done.stderr, done.returncode) == ("", 0)
    assert run("job-complete", "id=m0", "--wait").returncode == 0
    assert run("query-jobs").stdout == "[]\n"


def test_a_job_without_events_of_its_own(run: Run, pair: Vm) -> None:
    create = ("blockdev-create", "job-id=c0", "options.driver=file", "options.size=1M")
    done = run(*create, f"options.filename={pair.folder}/x.img", "--wait")
    assert (json.loads(done.stdout)["status"], done.returncode) == ("concluded", 0)
    done = run(*create, "options.filename=/nowhere/x.img", "--wait")
    assert (done.stdout, done.returncode) == ("", 1)
    assert "No such file or directory" in done.stderr
    assert run("query-jobs").stdout == "[]\n"


def test_a_transaction(run: Run) -> None:
    data = "{job-id: a, device: disk0, target: d1, sync: full}"
    done = run(f"transaction actions=[{{type: blockdev-backup, data: {data}}}] --wait")
    assert (json.loads(done.stdout)["device"], done.returncode) == ("a", 0)
    assert run("transaction actions=[{type: abort, data: {}}] --wait").returncode == 2


def test_migration(run: Run) -> None:
    done = run("migrate", "uri=exec:exit 3", "--wait")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("qmpsh: migrate: the migration has failed")
    done = run("migrate", "uri=exec:cat > /dev/null", "--wait")
    assert (json.loads(done.stdout)["status"], done.returncode) == ("completed", 0)


def test_migration_with_events_and_a_halt(run: Run) -> None:
    on = "capabilities=[{capability: events, state: true}, {capability: pause-before-switchover," \
        " state: true}]"  # fmt: skip
    assert not run("migrate-set-capabilities", on).returncode
    assert not run("cont").returncode
    done = run("migrate", "uri=exec:cat > /dev/null", "--wait")
    assert (json.loads(done.stdout)["status"], done.returncode) == ("pre-switchover", 0)
    assert "migrate-continue state=pre-switchover --wait goes on" in done.stderr
    done = run("migrate-continue", "state=pre-switchover", "--wait")
    assert (json.loads(done.stdout)["status"], done.returncode) == ("completed", 0)


def test_a_dump(run: Run, pair: Vm) -> None:
    dump = ("dump-guest-memory", "paging=false", "detach=true", "--wait")
    done = run(*dump, f"protocol=file:{pair.folder}/dump")
    assert json.loads(done.stdout)["result"]["status"] == "completed"
    assert run(*dump, "protocol=file:/dev/full").returncode == 1


def test_an_export_that_goes(run: Run, pair: Vm) -> None:
    server = f"addr={{type: unix, data: {{path: {pair.folder}/nbd}}}}"
    assert not run("nbd-server-start", server).returncode
    assert not run("block-export-add", "type=nbd", "id=e0", "node-name=d1").returncode
    done = run("block-export-del", "id=e0", "--wait")
    assert (done.stdout, done.returncode) == ('{"id": "e0"}\n', 0)


def test_a_balloon_that_is_there_already(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm("-m", "64", "-device", "virtio-balloon-pci", "-S", machine="pc")
    done = run_qmpsh(vm.path, "balloon", f"value={64 * MIB}", "--wait")
    assert (done.stdout, done.returncode) == (f'{{"actual": {64 * MIB}}}\n', 0)


def test_a_balloon_that_no_guest_inflates(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm("-m", "64", "-device", "virtio-balloon-pci", "-S", machine="pc")
    done = run_qmpsh(vm.path, "balloon", "value=32M", "--wait", "--timeout", "1")
    assert (done.stdout, done.returncode) == ("", 124)
    assert done.stderr == (
        "qmpsh: balloon: waited 1 s for BALLOON_CHANGE; the guest has 67108864 bytes; the VM does"
        " not run (prelaunch), so that its guest can do nothing; cont continues it\n"
    )


def test_quit(run: Run, pair: Vm) -> None:
    done = run("quit", "--wait")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    pair.process.wait(timeout=PATIENCE)


@contextlib.contextmanager
def waiting_for_backup(pair: Vm) -> Iterator[subprocess.Popen[str]]:
    """A one-shot that waits for the end of a job, its command answered."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", pair.path, "-v", *BACKUP[:3], "target=s1", "sync=full",
         "--wait"],
        cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        told = ""  # the job runs, and the command that began it was answered
        while not ("running" in told and '"return": {}' in told.partition("blockdev-backup")[2]):
            told += process.stderr.readline()
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)


def test_a_vm_that_dies_meanwhile(run: Run, pair: Vm) -> None:
    slow_device(run)
    with waiting_for_backup(pair) as process:
        pair.kill()
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 4
        assert "lost the connection while waiting for job j0 to end; j0 is" in said


def test_an_interrupt_tells_what_goes_on(run: Run, pair: Vm) -> None:
    slow_device(run)
    with waiting_for_backup(pair) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "qmpsh: backup j0 goes on; job-cancel id=j0 ends it"
    assert '"j0"' in run("query-jobs").stdout


@pytest.mark.parametrize(
    "argv,said",
    [
        (["-w", "stop"], "nothing to wait for"),
        (["stop", "--wait=STPO"], "STPO"),
        ([".wait"], ".wait"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    vm: Vm, run_qmpsh: RunQmpsh, argv: list[str], said: str
) -> None:
    done = run_qmpsh(vm.path, *argv)
    assert (done.stdout, done.returncode) == ("", 2)
    assert said in done.stderr
    assert json.loads(run_qmpsh(vm.path, "query-status").stdout)["running"] is True


def test_an_end_by_hand(run: Run) -> None:
    assert run("cont", "--wait=RESUME").returncode == 0
    assert run("-w=STOP", "stop").returncode == 0
    done = run("stop", "--wait=STOP", "--timeout", "1s")
    assert (done.returncode, done.stderr) == (124, "qmpsh: stop: waited 1 s for STOP; no event"
                                                   " came\n")  # fmt: skip


def test_the_option_in_a_script(run: Run) -> None:
    backup = " ".join(BACKUP)
    done = run("-w", "-t", "20", stdin=f"query-name\n{backup}\n{backup}\nquery-jobs\n")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "[]"
    assert run("-w=STOP", stdin="stop\n").returncode == 2


# ---------------------------------------------------------------------------- verbs


def test_wait_in_a_script(run: Run) -> None:
    script = f"{' '.join(BACKUP)}\n.wait BLOCK_JOB_COMPLETED device=j0\n"
    done = run("-t", "20", stdin=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["type"] == "backup"


def test_each_event_is_waited_for_once(run: Run) -> None:
    assert run(stdin="cont\n.wait RESUME\n").returncode == 0
    # The query learns the schema, for which the wait has no time on a busy machine.
    done = run(stdin="stop\n.wait STOP\nqom-list path=/\n.wait STOP --timeout 300ms\n")
    assert done.returncode == 124
    assert "stdin:4: .wait: waited 0.3 s for STOP" in done.stderr
    assert run(stdin="cont\nstop\n.wait RESUME --timeout 0\n").returncode == 124
    assert run(stdin="cont\n.wait RESUME --new --timeout 0\n").returncode == 124
    assert run(stdin="stop\n.wait STOP\n").returncode == 0


def test_the_end_of_the_vm_is_waited_for(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm("-no-reboot")
    done = run_qmpsh("-t", "20", vm.path, stdin="system_reset\n.wait SHUTDOWN\n")
    assert (done.stderr, done.returncode) == ("", 0)
    assert json.loads(done.stdout)["reason"] == "host-qmp-system-reset"


@pytest.mark.parametrize(
    "line, said",
    [
        (".wait STOP", ".wait: lost the connection before STOP; "),
        (".wait SHUTDOWN guest=true", ".wait: lost the connection before SHUTDOWN guest=true; "),
        ("balloon value=1", "balloon was not sent, there is no connection: "),
    ],
)
def test_a_line_behind_the_end_tells_of_itself_alone(
    line: str, said: str, vm: Vm, run_qmpsh: RunQmpsh
) -> None:
    done = run_qmpsh("-t", "20", vm.path, stdin=f"quit\n{line}\n")
    assert done.stderr.startswith(f"stdin:2: {said}")
    assert "query-" not in done.stderr
    assert done.returncode == 4


def test_queries_sent_ahead_lose_no_event(run: Run) -> None:
    script = "query-name\nquery-status\ncont\n.wait RES*\nquery-name\nquery-name\n"
    assert run(stdin=script).returncode == 0


def test_wait_as_a_one_shot(begin: Callable[..., subprocess.Popen[str]], pair: Vm) -> None:
    process = begin(".wait", "SHUTDOWN", "guest=false", "--timeout", "20")
    other(pair, "quit")
    stdout, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert json.loads(stdout)["reason"] == "host-qmp-quit"


def test_two_events(begin: Callable[..., subprocess.Popen[str]], pair: Vm) -> None:
    process = begin(".events", "--count", "2")
    other(pair, "cont")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "RESUME"  # flushed at once
    other(pair, "stop")
    stdout, _ = process.communicate(timeout=PATIENCE)
    assert json.loads(stdout)["event"] == "STOP"
    assert process.returncode == 0


def test_events_end_with_the_vm_or_the_time(
    begin: Callable[..., subprocess.Popen[str]], pair: Vm, run: Run
) -> None:
    assert run(".events", "--timeout", "50ms").returncode == 0
    assert run(".events", "--timeout", "50ms", "--count", "1").returncode == 124
    process = begin(".events", "STOP")
    other(pair, "quit")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_events_with_a_count_end_badly_with_the_vm(
    begin: Callable[..., subprocess.Popen[str]], pair: Vm
) -> None:
    process = begin(".events", "STOP", "--count", "1")
    other(pair, "quit")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    assert "lost the connection before STOP; 0 of 1 came" in said


def test_a_reader_who_goes_away_ends_events_at_once(
    begin: Callable[..., subprocess.Popen[str]],
) -> None:
    process = begin(".events")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=PATIENCE) == 141


def test_watch(run: Run) -> None:
    done = run(".watch", "10ms", "query-status", "--count", "3")
    assert (done.stdout.count("\n"), done.returncode) == (1, 0)
    done = run(".watch 10ms query-nope --count 3")
    assert (done.stdout, done.returncode) == ("", 1)
    assert run(".watch 10ms qom-get path=/machine property=type --count 2").returncode == 0
    assert run(".watch --count 2 10ms .hmp info status").returncode == 0
    done = run(".watch 10ms --count 1 query-status --count 2")
    assert done.stderr.startswith("qmpsh: --count is given twice\n")
    assert done.returncode == 2


@pytest.mark.parametrize(
    "line",
    [
        ".watch 10ms query-status --count 2 --timeout 20",
        ".watch 10ms --count 2 query-status --timeout 20",
        ".watch --count 2 10ms --timeout 20 query-status",
        ".watch --count=2 --timeout 20 10ms query-status",
        ".watch 10ms --json --count 2 .hmp info status",
        ".watch 10ms --count 2 {'execute': 'query-status'}",
    ],
)
def test_a_watch_is_the_same_as_a_line_and_as_words(run: Run, line: str) -> None:
    as_words = line.split(" ", line.count("{") * 4 or -1)
    for argv in ([line], as_words):
        done = run(*argv)
        assert (done.stderr, done.returncode) == ("", 0), argv


def test_a_watch_ends_with_its_time(run: Run) -> None:
    done = run(".watch 10ms query-status --timeout 1")
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)
    assert run("-t", "500ms", ".watch", "1h", "query-status").returncode == 0
    done = run(".watch 1h query-status --count 2 --timeout 500ms")
    assert done.stderr == "qmpsh: .watch: waited 0.5 s for 2 replies; 1 came\n"
    assert (done.stdout.count("\n"), done.returncode) == (1, 124)


def test_a_watch_tells_what_is_not_answered(run: Run, pair: Vm) -> None:
    pair.stop_process()
    done = run("-N", "-t", "50ms", ".watch query-status")
    pair.continue_process()
    assert done.stderr.startswith("qmpsh: no answer to query-status within 0.05 s; ")
    assert done.returncode == 124


# ---------------------------------------------------------------------------- the bar


def test_a_bar_on_a_terminal_and_none_of_it_left(run: Run, pair: Vm) -> None:
    slow_device(run)
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "qmpsh", pair.path, *BACKUP[:3], "target=s1", "sync=full",
             "--wait", "--timeout", "1500ms"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stderr=theirs, timeout=PATIENCE, check=False,
        )  # fmt: skip
        said = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 124
    assert "backup j0" in said
    before, _, after = said.rpartition("\r\x1b[K")
    assert "%" in before
    assert after.startswith("qmpsh: blockdev-backup: waited 1.5 s for job j0 to end; j0 is running")
