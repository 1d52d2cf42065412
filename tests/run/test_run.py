"""`qmpsh run` with scripts, on a real QEMU: what it starts, what it says, what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.programs import need
from tests.qemu import ROOT, new_folder
from tests.waiting import PATIENCE, wait_until

EMPTY = ("-M", "none", "-display", "none", "-nodefaults")
WARNS = ("-netdev", "hubport,hubid=0,id=lonely")
WARNING = "warning: netdev lonely has no peer"


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """XDG_RUNTIME_DIR, short enough for a socket."""
    folder = new_folder()
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mark() -> str:
    """A word of the VM's command line, by which its processes are known."""
    return f"mark-{uuid.uuid4().hex}"


def processes(mark: str) -> list[int]:
    """Those whose command line has the mark as a word."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        if mark in words:
            found.append(int(pid))
    return found


def is_clean(runtime: str, mark: str) -> bool:
    """Nothing is left: neither a folder nor a process."""
    return os.listdir(runtime) == [] and processes(mark) == []


def test_a_script_on_stdin(emulator: str, runtime: str, mark: str, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(
        "run", "--", emulator, *EMPTY, "-S", "-name", mark, stdin="query-status\nquery-name\n"
    )
    assert (done.stderr, done.returncode) == ("", 0)
    status, name = map(json.loads, done.stdout.splitlines())
    assert (status["status"], name["name"]) == ("prelaunch", mark)
    assert is_clean(runtime, mark)


def test_a_script_that_fails(
    emulator: str, runtime: str, mark: str, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    script = tmp_path / "s.qmp"
    script.write_text("query-status\nnope\nquery-status\n")
    done = run_qmpsh("-p", "run", "-f", str(script), "--", emulator, *EMPTY, "-name", mark)
    assert json.loads(done.stdout)["running"] is True
    assert done.stdout.count("\n") > 1
    assert done.stderr.startswith(f"{script}:2: CommandNotFound")
    assert done.returncode == 1
    assert is_clean(runtime, mark)


def test_a_script_that_ends_the_vm(
    emulator: str, runtime: str, mark: str, run_qmpsh: RunQmpsh
) -> None:
    done = run_qmpsh("run", "--", emulator, *EMPTY, "-name", mark, stdin="quit\n")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert is_clean(runtime, mark)


def test_a_vm_that_aborts_has_the_last_word(
    emulator: str, runtime: str, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    """Both releases abort at a migration after a loadvm that failed."""
    disk = f"{tmp_path}/disk"
    subprocess.run([need("qemu-img"), "create", "-q", "-f", "qcow2", disk, "1M"], check=True)
    node = f"driver=qcow2,node-name=d0,file.driver=file,file.filename={disk}"
    words = ("-M", "q35", "-display", "none", "-nodefaults", "-blockdev", node)
    script = ".hmp loadvm nope\nmigrate uri=exec:cat>/dev/null --wait\n"
    done = run_qmpsh("-k", "run", "--", emulator, *words, stdin=script)
    lost = next(line for line in done.stderr.splitlines() if " said last: " in line)
    assert lost.startswith("stdin:2: ")
    assert lost.endswith("invalid runstate transition: 'restore-vm' -> 'finish-migrate'")
    assert os.listdir(runtime) == []


def test_what_the_vm_prints_goes_to_stderr(
    emulator: str, runtime: str, run_qmpsh: RunQmpsh
) -> None:
    done = run_qmpsh("run", "--", emulator, *EMPTY, *WARNS, stdin="query-status\n")
    assert WARNING in done.stderr
    assert done.stdout.count("\n") == 1


def test_the_demo_and_the_emulator_that_is_found(
    emulator: str, runtime: str, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    found = tmp_path / "bin"
    found.mkdir()
    (found / f"qemu-system-{os.uname().machine}").symlink_to(emulator)
    path = {"PATH": f"{found}:{os.environ['PATH']}"}
    done = run_qmpsh(
        "run", env=path, stdin="query-name\nqom-get path=/machine/peripheral/nic0 property=type\n"
    )
    assert done.stdout == '{"name": "demo"}\n"virtio-net-pci"\n'
    assert (done.stderr, done.returncode) == ("", 0)
    done = run_qmpsh("run", "--", *EMPTY, "-name", "mine", env=path, stdin="query-name\n")
    assert json.loads(done.stdout) == {"name": "mine"}
    assert os.listdir(runtime) == []


def test_qemu_refuses_to_start(emulator: str, runtime: str, mark: str, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("run", "--", emulator, "-name", mark, "-bogus")
    assert done.stderr.startswith(
        f"qmpsh: {os.path.basename(emulator)} ended before its monitor was ready, with exit code 1;"
        " it said:\n"
    )
    assert "-bogus: invalid option" in done.stderr
    assert (done.stdout, done.returncode) == ("", 3)
    assert is_clean(runtime, mark)


def test_no_such_program(runtime: str, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh("run", "--", "/none/qemu", "-m", "64")
    assert done.stderr.startswith("qmpsh: /none/qemu was not found;")
    assert done.returncode == 3
    data = tmp_path / "data"
    data.write_bytes(b"\0")
    data.chmod(0o755)
    assert run_qmpsh("run", "--", str(data)).returncode == 3
    assert os.listdir(runtime) == []


def test_a_window_that_nobody_can_see(runtime: str, mark: str, run_qmpsh: RunQmpsh) -> None:
    without = ["sh", "-c", "echo gtk initialization failed >&2; exit 1", mark]
    done = run_qmpsh("run", "--", *without)
    assert done.stderr == (
        "qmpsh: sh ended before its monitor was ready, with exit code 1; there is no display here:"
        " add -display none; it said:\n  gtk initialization failed\n"
    )
    assert is_clean(runtime, mark)


def test_a_program_without_a_monitor(runtime: str, mark: str, run_qmpsh: RunQmpsh) -> None:
    forever = ["sh", "-c", "echo here I am; sleep 1000; true", mark]
    done = run_qmpsh("run", "--connect-timeout", "300ms", "--", *forever)
    assert done.stderr == (
        "qmpsh: sh is running, but its monitor did not answer within 0.3 s; --connect-timeout"
        " allows more time; it said:\n  here I am\n"
    )
    assert done.returncode == 3
    assert is_clean(runtime, mark)


@pytest.mark.parametrize("ends_in", ['exec "$@"', '"$@"; exit 0'], ids=["exec", "child"])
def test_a_script_around_qemu(
    emulator: str, runtime: str, mark: str, run_qmpsh: RunQmpsh, tmp_path: Path, ends_in: str
) -> None:
    wrapper = tmp_path / "my-vm"
    wrapper.write_text(f"#!/bin/sh\n{ends_in}\n")
    wrapper.chmod(0o755)
    command = [str(wrapper), emulator, *EMPTY, "-name", mark]
    done = run_qmpsh("run", "--", *command, stdin="query-name\n")
    assert json.loads(done.stdout) == {"name": mark}
    assert (done.stderr, done.returncode) == ("", 0)
    assert is_clean(runtime, mark)


def test_a_storage_daemon(runtime: str, mark: str, run_qmpsh: RunQmpsh) -> None:
    daemon = need("qemu-storage-daemon")
    node = f"driver=null-co,node-name={mark[:31]}"
    done = run_qmpsh("run", "--", daemon, "--blockdev", node, stdin="query-named-block-nodes\n")
    assert json.loads(done.stdout)[0]["node-name"] == mark[:31]
    assert (done.stderr, done.returncode) == ("", 0)
    assert is_clean(runtime, node)


def test_words_that_are_no_options(runtime: str, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("run", "-p", "qemu-system-x86_64", "-m", "2G")
    assert (done.stdout, done.returncode) == ("", 2)
    assert "not an option of run" in done.stderr
    assert os.listdir(runtime) == []


def test_help(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("run", "--help")
    assert done.stdout.startswith("Usage: qmpsh run [OPTIONS] [-- QEMU ARGS...]\n")
    assert "--connect-timeout" in done.stdout
    assert "--all" not in done.stdout
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    "number,exit_code",
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_a_signal_in_the_middle_of_a_script(
    emulator: str, runtime: str, mark: str, number: signal.Signals, exit_code: int
) -> None:
    command = [sys.executable, "-m", "qmpsh", "run", "--", emulator, *EMPTY, "-name", mark]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"query-status\n")
        process.stdin.flush()
        assert b"running" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE) == exit_code
    wait_until(lambda: is_clean(runtime, mark))


@pytest.mark.parametrize("verbose", [{}, {"V": "1"}], ids=["quiet", "verbose"])
def test_make_demo_without_a_terminal(
    emulator: str, runtime: str, tmp_path: Path, verbose: dict[str, str]
) -> None:
    """Each line is there with its answer, what goes over the wire only on demand."""
    found = tmp_path / "bin"
    found.mkdir()
    (found / f"qemu-system-{os.uname().machine}").symlink_to(emulator)
    qmpsh = found / "qmpsh"
    qmpsh.write_text(f'#!/bin/sh\nexec {sys.executable} -m qmpsh "$@"\n')
    qmpsh.chmod(0o755)
    done = subprocess.run(
        ["sh", str(ROOT / "scripts" / "demo.sh"), str(qmpsh)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{found}:{os.environ['PATH']}",
            **verbose,
        },
    )
    assert done.stdout.startswith('(QEMU) query-status\n{\n  "status": "prelaunch",\n')
    assert '\n(QEMU) query-name\n{\n  "name": "demo"\n}\n(QEMU) device_add ' in done.stdout
    assert 'property=type\n"virtio-rng-pci"\n(QEMU) ' in done.stdout
    assert done.stdout.endswith("(QEMU) object-del id=io0\n{}\n")
    closing = "demo: the same commands, with completion: make demo in a terminal\n"
    assert (done.stderr == closing) is not bool(verbose)
    assert ('-> {"execute": "query-name"' in done.stderr) is bool(verbose)
    assert os.listdir(runtime) == []


FAULTY = """
import sys
from qmpsh import __main__
from qmpsh.{module} import {owner}

def fail(*arguments, **named):
    raise ZeroDivisionError("of ours")

{owner}.{name} = fail
sys.exit(__main__.main())
"""


@pytest.mark.parametrize(
    "module,owner,name",
    [("batch.batch", "Batch", "start"), ("client.client", "Client", "connect")],
)
def test_a_fault_of_ours_leaves_the_vm_running(
    emulator: str, runtime: str, mark: str, run_qmpsh: RunQmpsh, module: str, owner: str, name: str
) -> None:
    program = FAULTY.format(module=module, owner=owner, name=name)
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--", emulator, *EMPTY, "-name", mark],
        input="query-status\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 70
    left, log, fault = done.stderr.splitlines()
    # An emulator that is a shell script forks before it becomes QEMU.
    wait_until(lambda: len(processes(mark)) == 1, what="QEMU alone")
    (pid,) = processes(mark)
    kept = r"qmpsh: the VM keeps running, process (\d+); to come back: qmpsh (\S+)"
    found = re.fullmatch(kept, left)
    assert found is not None
    assert int(found[1]) == pid
    assert log.startswith(f"qmpsh: what it prints goes to {runtime}/")
    assert fault.startswith("qmpsh: a fault of its own (ZeroDivisionError) ended it; the report")
    ended = run_qmpsh(found[2], "quit")
    assert ended.returncode == 0, ended.stderr
    wait_until(lambda: processes(mark) == [], 10)
