"""`qmpsh share` and an open shell, as other programs use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.shares import share_folders, share_name
from qmpsh.system.listener import inspect_listener
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter, new_folder
from tests.share.holder import Share
from tests.ui.tmux import Terminal, terminal
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def folder() -> Path:
    return Path(new_folder())


@pytest.fixture
def share(vm: Vm, folder: Path) -> Iterator[Share]:
    share = Share(vm.path, "--listen", f"{folder}/full", "--read-only-listen", f"{folder}/look")
    yield share
    if share.process.poll() is None:
        share.end()


def test_one_shots_through_it(share: Share, vm: Vm, folder: Path, run_qmpsh: RunQmpsh) -> None:
    assert share.said.endswith(f"sharing {vm.path}, {folder}/full, {folder}/look\n")
    assert json.loads(run_qmpsh(vm.path, "query-version").stdout)
    assert run_qmpsh(f"{folder}/full", "stop").returncode == 0
    refused = run_qmpsh(f"{folder}/look", "cont")
    assert (refused.returncode, "this share is read-only" in refused.stderr) == (1, True)
    status = json.loads(run_qmpsh(f"{folder}/look", "query-status").stdout)
    assert status["running"] is False
    assert stat_of(folder / "full") == stat_of(folder / "look") == 0o600


def stat_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_monitor_of_a_named_vm(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    name = f"share{os.urandom(6).hex()}"
    vm = start_vm(name=name)
    for text in (name, f"name:{name}"):
        share = Share(text)
        assert share.said.endswith(f"sharing {vm.path}\n")
        assert run_qmpsh(vm.path, "query-name").returncode == 0
        share.end()


def test_its_sockets_go_with_it(share: Share, vm: Vm, folder: Path, run_qmpsh: RunQmpsh) -> None:
    assert share.end() == 128 + signal.SIGTERM
    assert os.listdir(folder) == []
    assert run_qmpsh(vm.path, "query-name").returncode == 0


def test_what_is_left_of_one_that_was_killed_is_replaced(
    share: Share, vm: Vm, folder: Path, run_qmpsh: RunQmpsh
) -> None:
    share.end(signal.SIGKILL)
    assert run_qmpsh(vm.path, "query-name").returncode == 0
    again = Share(vm.path, "--listen", f"{folder}/full")
    assert run_qmpsh(f"{folder}/full", "query-name").returncode == 0
    again.end()


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "which monitor?"),
        (("./m", "--mode", "rw"), "--mode takes an octal number"),
        (("./m", "--group", "no-such"), "there is no group no-such here"),
        (("./m", "--nope"), "--nope"),
        (("--adress", "./m"), "Try qmpsh share --help"),
    ],
)
def test_wrong_words(words: tuple[str, ...], said: str, run_qmpsh: RunQmpsh) -> None:
    ran = run_qmpsh("share", *words)
    assert (ran.returncode, said in ran.stderr) == (2, True)


def test_places_where_no_socket_can_be(vm: Vm, folder: Path, run_qmpsh: RunQmpsh) -> None:
    (folder / "file").touch()
    for words, said in (
        ((f"{folder}/file",), "a file that is not a socket is there"),
        ((f"{folder}/no/s",), "No such file or directory"),
        ((vm.path,), "another program listens there"),
        ((f"{folder}/s", "--mode", "0666"), "every user of this machine command the VM"),
    ):
        ran = run_qmpsh("share", vm.path, "--listen", *words)
        assert (ran.returncode, said in ran.stderr) == (2, True)


def test_the_vm_comes_back(
    start_vm: VmStarter, vm: Vm, folder: Path, run_qmpsh: RunQmpsh, share: Share
) -> None:
    vm.kill()
    wait_until(lambda: not (folder / "full").exists())
    start_vm(folder=vm.folder)
    wait_until(lambda: (folder / "full").exists())
    assert run_qmpsh(f"{folder}/full", "query-name").returncode == 0


# ------------------------------------------------------------------------ an open shell


@pytest.mark.tmux
def test_an_open_shell_serves_others_and_shows_it(
    screen: Terminal, vm: Vm, run_qmpsh: RunQmpsh
) -> None:
    screen.qmpsh(vm.path)
    screen.sees("running")
    assert run_qmpsh(vm.path, "stop").returncode == 0
    screen.sees("STOP")
    with terminal() as second:
        second.qmpsh(vm.path)
        second.sees("through qmpsh ")
        screen.sees("shared 1")
        screen.keys(".share", "Enter")
        screen.sees("unsent")
        second.keys("cont", "Enter")
        screen.sees("RESUME")
        second.sees("RESUME")
        kill_holder(vm)
        second.sees("reconnected")
        assert run_qmpsh(vm.path, "query-name").returncode == 0
        second.sees("reconnected")


def kill_holder(vm: Vm) -> None:
    """Kill the qmpsh that shares the monitor."""
    (client,) = inspect_listener(UnixAddress(vm.path)).served
    assert client.process is not None
    os.kill(client.process.pid, signal.SIGKILL)


@pytest.mark.tmux
def test_a_closed_terminal_takes_nothing_from_the_others(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    with terminal() as second:
        second.qmpsh(vm.path)
        second.sees("through qmpsh ")
        screen.close()
        is_served_on(second)
    wait_until(lambda: not vm_has_clients(vm))


@pytest.mark.tmux
@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_a_line_prompt_shares_whatever_its_terminal_is(
    screen: Terminal, vm: Vm, run_qmpsh: RunQmpsh, term: str
) -> None:
    screen.start("env", f"TERM={term}", sys.executable, "-m", "qmpsh", "--plain", vm.path)
    screen.sees("(QEMU)")
    wait_until(lambda: clients_of_share(vm.path) is not None)
    assert run_qmpsh(vm.path, "query-version").returncode == 0
    screen.keys("query-status", "Enter")
    screen.sees('"status"')


def is_served_on(shell: Terminal) -> None:
    """A shell that goes through another process has noticed nothing, and leaves."""
    shell.keys("stop", "Enter")
    shell.sees("STOP", "through qmpsh ")
    assert "reconnected" not in shell.picture()
    shell.keys("C-d")
    shell.sees("exit 0")


def one_shot(path: str, *words: str) -> subprocess.Popen[str]:
    """A one-shot that goes on while the test does."""
    command = [sys.executable, "-m", "qmpsh", path, *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def test_a_wait_for_a_job_survives_the_share(share: Share, vm: Vm, run_qmpsh: RunQmpsh) -> None:
    for name in ("from", "to"):
        line = f"blockdev-add driver=null-co size=1073741824 node-name={name}"
        assert run_qmpsh(vm.path, line).returncode == 0
    backup = "blockdev-backup job-id=j device=from target=to sync=full speed=1048576 --wait"
    process = one_shot(vm.path, *backup.split())
    wait_until(lambda: '"running"' in run_qmpsh(vm.path, "query-jobs").stdout)
    share.end(signal.SIGKILL)
    assert run_qmpsh(vm.path, "block-job-set-speed", "device=j", "speed=0").returncode == 0
    out, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert json.loads(out)["offset"] == 1 << 30
    assert "the qmpsh that shared the monitor has ended; connected again" in said


@pytest.mark.tmux
def test_a_monitor_that_is_kept(screen: Terminal, vm: Vm, run_qmpsh: RunQmpsh) -> None:
    screen.qmpsh("--no-share", vm.path)
    screen.sees("running")
    ran = run_qmpsh("--connect-timeout", "0.5", vm.path, "stop")
    assert ran.returncode == 3


@pytest.mark.tmux
@pytest.mark.parametrize("mode", [[], ["--plain"]], ids=["screen", "plain"])
def test_leaving_asks_and_keeps_serving(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    screen.qmpsh(*mode, vm.path)
    with terminal() as second:
        second.qmpsh(vm.path)
        second.sees("through qmpsh ")
        screen.keys("C-d")
        screen.sees("uses the monitor through this shell: [l]eave, [k]eep serving")
        screen.keys("c")
        screen.keys("query-version", "Enter")
        screen.sees("package")
        screen.keys("C-l", "C-d")
        screen.sees("[k]eep serving")
        screen.keys("k")
        screen.sees("exit 0")
        is_served_on(second)
    wait_until(lambda: not vm_has_clients(vm))


def vm_has_clients(vm: Vm) -> bool:
    return bool(inspect_listener(UnixAddress(vm.path)).served)


# ------------------------------------------------------------------------ one that waits


def waiting(path: str, *words: str) -> subprocess.Popen[str]:
    """A one-shot that waits, and shares the monitor meanwhile."""
    process = one_shot(path, *words)
    wait_until(lambda: clients_of_share(path) is not None)
    return process


def clients_of_share(path: str) -> int | None:
    """How many use the share of a monitor; None without one."""
    name = share_name(UnixAddress(path))
    found = [f"{folder}/{name}" for folder in share_folders(os.geteuid())]
    places = [place for place in found if os.path.exists(place)]
    return len(inspect_listener(UnixAddress(places[0])).served) if places else None


def test_a_one_shot_that_waits_shares(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    for words in ((".events", "--count", "1"), (".wait", "STOP")):
        process = waiting(vm.path, *words)
        assert run_qmpsh(vm.path, "query-version").returncode == 0
        assert run_qmpsh(vm.path, "stop").returncode == 0
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert run_qmpsh(vm.path, "cont").returncode == 0


def test_one_that_ends_leaves_a_process_that_serves_on(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    first = waiting(vm.path, ".events", "--count", "1")
    second = one_shot(vm.path, ".events", "--count", "2")
    wait_until(lambda: clients_of_share(vm.path) == 1)
    assert run_qmpsh(vm.path, "stop").returncode == 0
    first.communicate(timeout=PATIENCE)
    assert first.returncode == 0
    assert run_qmpsh(vm.path, "cont").returncode == 0
    out, _ = second.communicate(timeout=PATIENCE)
    assert (second.returncode, out.count("\n")) == (0, 2)
    wait_until(lambda: not vm_has_clients(vm))


def test_over_a_share_it_listens_for_others(vm: Vm, folder: Path, run_qmpsh: RunQmpsh) -> None:
    first = Share(vm.path)
    assert "sharing" in first.said
    second = Share(vm.path, "--read-only-listen", f"{folder}/look")
    assert "sharing" in second.said
    assert run_qmpsh(f"{folder}/look", "query-name").returncode == 0
    assert run_qmpsh(f"{folder}/look", "stop").returncode == 1
    first.end()
    wait_until(lambda: (folder / "look").exists() and clients_of_share(vm.path) is not None)
    assert run_qmpsh(f"{folder}/look", "query-name").returncode == 0
    assert run_qmpsh(vm.path, "stop").returncode == 0
    second.end()
