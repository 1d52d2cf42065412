"""`-a` on three hosts with an sshd each: forwarded together, cut off, refused, cleaned up."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.listening import qmpsh_listening
from tests.many.conftest import lines_of, read_until
from tests.many.hosts import Hosts, three_hosts
from tests.many.test_listing import EVIL
from tests.programs import need, unavailable
from tests.qemu import ROOT, emulators, new_folder
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module")
def module_hosts() -> Iterator[Hosts]:
    for program in ("ssh", "sshd", "ssh-keygen"):
        need(program)
    if not emulators():
        unavailable("QEMU is not installed")
    with three_hosts() as found:
        yield found


@pytest.fixture
def hosts(module_hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """The hosts, and an ssh that notes its words in `calls`, and its process in `pids`."""
    wrapper = tmp_path / "ssh"
    ssh = module_hosts.environ["QMPSH_SSH"]
    wrapper.write_text(
        f'echo $$ >>{tmp_path}/pids; printf "%s\\0" "$@" >>{tmp_path}/calls; exec {ssh} "$@"\n'
    )
    monkeypatch.setenv("QMPSH_SSH", f"sh {shlex.quote(str(wrapper))}")
    runtime = new_folder()  # whose name leaves room for that of a socket
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    yield module_hosts
    shutil.rmtree(runtime)


def test_a_glob_on_three_hosts(hosts: Hosts, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh(*hosts.targets(), "query-name")
    assert (done.stderr, done.returncode) == ("qmpsh: 6 ok\n", 0)
    lines = lines_of(done.stdout)
    names = [f"host{host}/web{vm}" for host in (1, 2, 3) for vm in (1, 2)]
    assert [line["vm"] for line in lines] == names
    assert str(lines[0]["address"]).startswith("ssh://host1/")
    # For each host one ssh that lists and one that forwards all.
    calls = (tmp_path / "calls").read_text().split("\0")
    assert (calls.count("exec /bin/sh"), calls.count("-N"), calls.count("-L")) == (3, 3, 6)
    assert is_clean()


def test_filters_and_a_change(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    chosen = (*hosts.targets(), "--only", "host=host2", "--only", "address~vm1")
    assert "on other hosts may find: say --yes" in run_qmpsh(*chosen, "stop").stderr
    for line in ("stop", "cont"):
        done = run_qmpsh(*chosen, "--yes", line)
        assert (done.stderr, done.returncode) == ("qmpsh: 1 ok\n", 0)
        assert [one["vm"] for one in lines_of(done.stdout)] == ["host2/web1"]


def test_the_vms_of_a_host_have_one_schema(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*hosts.targets(), "qom-list", "path=/machine")
    assert (done.stderr, done.returncode) == ("qmpsh: 6 ok\n", 0)
    # Each that was loaded is kept in a file.
    assert len([*Path(os.environ["XDG_CACHE_HOME"], "qmpsh").glob("*schema*")]) == 3


def test_the_table_of_all(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("top", "--once", "--json", *hosts.targets()[1::2])
    rows = {row["vm"]: row["up"] for row in map(json.loads, done.stdout.splitlines())}
    assert rows == {f"host{host}/web{vm}": True for host in (1, 2, 3) for vm in (1, 2)}
    assert done.returncode == 0
    assert is_clean()


def test_an_inventory(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    own = {number: host.folder for number, host in hosts.hosts.items()}
    listed = {
        "_meta": {
            "hostvars": {
                "alpha": {"ansible_host": "host1", "qmpsh_sockets": f"{own[1]}/*.sock"},
                "beta": {
                    "ansible_host": "host2",
                    "ansible_ssh_common_args": "-o ServerAliveInterval=9",
                    "qmpsh_sockets": [f"{own[2]}/vm1.sock"],
                },
                "here": {"ansible_connection": "local", "qmpsh_sockets": f"{own[3]}/vm1.sock"},
            }
        },
        "web": {"hosts": ["alpha", "beta", "here"]},
        "db": {"hosts": ["beta"]},
    }
    words = ["-a", "@-ansible", "--only", "group=web", "query-name"]
    done = run_qmpsh(*words, stdin=json.dumps(listed))
    names = [line["vm"] for line in lines_of(done.stdout)]
    assert names == ["alpha/web1", "alpha/web2", "beta/web1", "here/web1"], done.stderr
    words = ["-a", "@-ansible", "--except", "group=db", "--only", "host=alpha", "query-name"]
    done = run_qmpsh(*words, stdin=json.dumps(listed))
    assert [line["vm"] for line in lines_of(done.stdout)] == ["alpha/web1", "alpha/web2"]


def test_each_failure_has_a_row_of_its_own(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    own = hosts.hosts[1].folder
    targets = (
        *("-a", f"ssh://host1{own}/vm1.sock", "-a", f"ssh://host1{own}/none.sock"),
        *("-a", f"ssh://host1{own}/{'x' * 99}.sock", "-a", f"ssh://nobody@host2{own}/*.sock"),
        *("-a", f"ssh://host3{own}/no*.sock"),
    )
    os.symlink("vm1.sock", f"{own}/no-qga.sock")  # left out by its name
    done = run_qmpsh(*targets, "query-name")
    lines = {str(line["vm"]): json.dumps(line) for line in lines_of(done.stdout)}
    assert '"return": {"name": "web1"}' in lines["host1/web1"]
    assert f"no monitor there on {own}/none.sock" in lines["host1/none"]
    assert "longer than the 107 bytes that ssh forwards" in lines[f"host1/{'x' * 99}"]
    assert "Permission denied" in lines["host2"]
    assert done.stderr == (
        f"qmpsh: host3: no socket matches {own}/no*.sock\nqmpsh: 1 ok, 3 unreachable\n"
    )
    assert done.returncode == 3
    done = run_qmpsh("-a", f"ssh://host3{own}/no*.sock", "query-name")
    assert (done.stdout, done.returncode) == ("", 2)
    os.unlink(f"{own}/no-qga.sock")


def test_a_host_that_refuses_is_asked_once(
    hosts: Hosts, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    own = hosts.hosts[2].folder
    targets = ("-a", f"ssh://nobody@host2{own}/vm{{1,2}}.sock", "-a", f"{own}/vm1.sock")
    done = run_qmpsh(*targets, "query-name")
    assert done.stdout.count("Permission denied") == 2
    assert (done.stderr, done.returncode) == ("qmpsh: 1 ok, 2 unreachable\n", 3)
    assert (tmp_path / "calls").read_text().split("\0").count("-N") == 1


def test_sockets_of_any_name(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    """Each is reached, and nothing of its name is run or drawn."""
    folder = Path(hosts.hosts[1].folder, "any")
    folder.mkdir()
    try:
        for number, name in enumerate(EVIL):
            os.symlink(f"../vm{1 + number % 2}.sock", folder / name)
        glob = f"ssh://host1{folder}/*.sock*"
        done = run_qmpsh("-a", glob, "--parallel", "1", "query-name")
        lines = lines_of(done.stdout)
        assert (len(lines), done.returncode) == (len(EVIL), 0), done.stderr
        found = {str(line["address"]).removeprefix(f"ssh://host1{folder}/") for line in lines}
        assert found == {*EVIL}
        assert not os.path.exists("x")
        assert "\x1b" not in done.stdout + done.stderr
    finally:
        for name in EVIL:
            os.unlink(folder / name)
        folder.rmdir()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_whatever_ends_it(hosts: Hosts, number: signal.Signals) -> None:
    with qmpsh_listening(*hosts.targets(), ".events") as process:
        folders = private_folders()
        assert len(folders) == 3
        assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
    wait_until(is_clean, PATIENCE, "the folders are gone")
    # The monitors are free again: nothing holds them.
    wait_until(lambda: all(is_free(vm) for vm in monitors(hosts)), PATIENCE, "free monitors")


def test_events_go_on_when_a_host_is_reached_again(hosts: Hosts, tmp_path: Path) -> None:
    with qmpsh_listening(*hosts.targets(), ".events", "STOP") as process:
        for pid in map(int, (tmp_path / "pids").read_text().split()):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"-N" in words and b"host2" in words:
                    os.kill(pid, signal.SIGTERM)
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(4)]
        assert {line["vm"] for line in lines} == {"host2/web1", "host2/web2"}
        assert ["lost" in line for line in lines] == [True, True, False, False]
        assert "the ssh to host2 has ended" in lines[0]["lost"]
        assert lines[3]["regained"] is True
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert is_clean()


def private_folders() -> list[Path]:
    """The folders of sockets, in this test's own place for such."""
    return [*Path(os.environ["XDG_RUNTIME_DIR"]).glob("qmpsh-*")]


def is_clean() -> bool:
    return private_folders() == []


def monitors(hosts: Hosts) -> list[str]:
    return [str(path) for host in hosts.hosts.values() for path in Path(host.folder).glob("*.sock")]


def is_free(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(path)
        try:
            return client.recv(1) == b"{"
        except TimeoutError:
            return False


def test_a_cut_link_stalls_its_own_host(hosts: Hosts, run_qmpsh: RunQmpsh) -> None:
    """While the question is asked, the sockets are forwarded; then the link is cut."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", *hosts.targets(), "-k", "cont"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "999"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        read_until(ours, "[l]ist: ")
        with hosts.hosts[2].cut():
            os.write(ours, b"y\n")
            assert "4 ok, 2 unreachable" in read_until(ours, "unreachable\r\n")
            stdout, _ = process.communicate(timeout=PATIENCE)
            done = run_qmpsh(*hosts.targets(), "--connect-timeout", "5", "query-name")
        rows = {str(line["vm"]): json.dumps(line) for line in lines_of(stdout.decode())}
        for name in ("host2/web1", "host2/web2"):
            assert "no VM on host2 answers: it may be down, or its link cut" in rows[name]
        assert process.returncode == 3
        assert (done.stderr, done.returncode) == ("qmpsh: 4 ok, 1 unreachable\n", 3)
        assert "waited 5 s for ssh to reach host2" in done.stdout
    finally:
        process.kill()
        process.wait()
        os.close(ours)
