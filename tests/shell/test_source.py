"""`.source`, scripts that call themselves, and the shebang line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.programs import need
from tests.qemu import ROOT, Vm
from tests.ui.tmux import Terminal
from tests.waiting import PATIENCE, wait_until


def write(folder: str, name: str, text: str) -> str:
    path = Path(folder, name)
    path.write_text(text)
    return str(path)


def test_lines_of_a_file(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    file = write(vm.folder, "a.qmp", "# a comment\nstop\nquery-status\n\nqom-list \\\n path=/\n")
    done = run_qmpsh(vm.path, ".source", file)
    assert done.returncode == 0, done.stderr
    assert '"status": "paused"' in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_a_file_whose_name_must_be_quoted(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    name = "a | touch X # b.qmp"
    write(vm.folder, name, "query-status\n")
    for line in (f".source '{vm.folder}/{name}'", f'.source "{vm.folder}/{name}"'):
        done = run_qmpsh(vm.path, line)
        assert done.returncode == 0, done.stderr
        assert '"status"' in done.stdout
    done = run_qmpsh(vm.path, f".source {vm.folder}/a b.qmp")
    assert done.returncode == 2
    assert "expected one file, as in .source setup.qmp; a name with blanks is" in done.stderr


@pytest.mark.parametrize(
    "text, code, said",
    [
        ("query-status\nnope\nstop\n", 1, "{file}:2: CommandNotFound: The command nope"),
        ("stop\n\nqom-get path=/\n", 2, "{file}:3: qom-get needs property=..."),
        ("stop\nquery-status a={{\n", 2, "{file}:3: end of file inside an open bracket"),
        ("qom-get path=/ property=nope\n", 1, "{file}:1: GenericError: Property"),
        (".source {file}\n", 2, "files deep; does one of them source itself?"),
        (".source /nowhere\n", 2, "{file}:1: cannot read /nowhere: No such file or directory"),
        ("transaction(\nabort\n", 2, "{file}: end of file inside transaction( ... ): nothing"),
        ("\xff", 2, "{file}:1: not valid UTF-8 at byte 0 of the line"),
    ],
)
def test_errors_name_the_file_and_the_line(
    vm: Vm, run_qmpsh: RunQmpsh, text: str, code: int, said: str
) -> None:
    file = f"{vm.folder}/a.qmp"
    Path(file).write_bytes(text.format(file=file).encode("latin-1"))
    done = run_qmpsh(vm.path, ".source", file)
    assert done.returncode == code
    assert said.format(file=file) in done.stderr
    assert done.stdout.count("\n") == ("query-status\nnope" in text)


def test_a_script_that_sources_tells_both_places(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    inner = write(vm.folder, "inner.qmp", "query-status\nnope\n")
    outer = write(vm.folder, "outer.qmp", f"query-status\n.source {inner}\nquery-status\n")
    done = run_qmpsh(vm.path, "-f", outer)
    assert done.returncode == 1
    assert f"{outer}:2: {inner}:2: CommandNotFound" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_keep_going(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    file = write(vm.folder, "a.qmp", "nope\nobject-add x\nquery-status\n")
    done = run_qmpsh(vm.path, "-k", ".source", file)
    assert done.returncode == 1
    assert f"{file}:1: CommandNotFound" in done.stderr
    assert f"{file}:2: " in done.stderr
    assert '"running": true' in done.stdout


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_would_have_to_be_waited_for_is_refused(
    vm: Vm, run_qmpsh: RunQmpsh, kind: str
) -> None:
    path = f"{vm.folder}/odd"
    os.mkfifo(path) if kind == "pipe" else os.mkdir(path)
    done = run_qmpsh(vm.path, ".source", path)
    assert done.returncode == 2
    assert f"cannot read {path}: " in done.stderr


def test_exit_in_a_file_ends_the_script(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    file = write(vm.folder, "a.qmp", "query-status\n.exit\nstop\n")
    done = run_qmpsh(vm.path, "-f", "-", stdin=f".source {file}\nstop\nquery-status\n")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


def test_a_shebang_line(vm: Vm) -> None:
    bin_folder = Path(vm.folder, "bin")
    bin_folder.mkdir()
    program = write(str(bin_folder), "qmpsh", f'#!/bin/sh\nexec "{sys.executable}" -m qmpsh "$@"\n')
    script = write(vm.folder, "status.qmp", "#!/usr/bin/env -S qmpsh -f\nquery-status\n")
    for path in (program, script):
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    done = subprocess.run(
        [script, vm.path],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{bin_folder}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stderr
    assert '"running": true' in done.stdout


# ------------------------------------------------------------------------ at the prompt

MODES = pytest.mark.parametrize("mode", [[], ["--plain"]], ids=["screen", "plain"])


@MODES
@pytest.mark.tmux
def test_at_the_prompt(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    file = write(vm.folder, "a.qmp", "stop\nquery-status\nnope\n")
    screen.qmpsh(*mode, vm.path)
    screen.keys(f".source {file}", "Enter")
    screen.sees('"status": "paused"', f"{file}:3: ", "nope")


@MODES
@pytest.mark.tmux
def test_at_the_prompt_into_a_file(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    file = write(vm.folder, "a.qmp", "query-version\nquery-status\n")
    out = Path(write(vm.folder, "out", "old\n"))
    screen.qmpsh(*mode, vm.path)
    screen.keys(f".source {file} > {out}", "Enter")
    wait_until(lambda: '"status"' in out.read_text())
    assert "old" not in out.read_text()
    assert '"package"' in out.read_text()
    screen.keys("stop > /nope/x", "Enter")
    screen.sees("cannot write /nope/x")
    screen.keys(f".source {file} | wc -l", "Enter")
    screen.sees(".source at the prompt")
    screen.keys("query-status", "Enter")
    screen.sees('"running": true')


@MODES
@pytest.mark.tmux
def test_a_transaction_is_shown_and_asked_for(screen: Terminal, vm: Vm, mode: list[str]) -> None:
    screen.qmpsh(*mode, vm.path)
    screen.keys("transaction(", "Enter")
    screen.sees("TRANS 1>")
    screen.keys("abort", "Enter", ")", "Enter")
    screen.sees("1. abort", "Run this action?")
    screen.keys("n")
    screen.keys("query-status", "Enter")
    screen.sees('"running": true')
    screen.keys("transaction( abort )", "Enter")
    screen.sees("Transaction aborted using Abort action")


@MODES
@pytest.mark.tmux
def test_the_pager_gets_the_terminal_and_gives_it_back(
    screen: Terminal, vm: Vm, mode: list[str]
) -> None:
    screen.qmpsh(*mode, vm.path)
    need("less")
    screen.keys("query-version | less", "Enter")
    screen.sees("(END)", '"package"')
    screen.keys("q")
    screen.sees("(QEMU)")
    screen.keys("query-status", "Enter")
    screen.sees('"running": true')
    screen.keys(".pager", "Enter")
    screen.sees("(END)")
    screen.keys("q")
    screen.keys("query-chardev", "Enter")
    screen.sees("frontend-open")
    screen.keys(".pager --table", "Enter")
    screen.sees("(END)", "label            filename")
    screen.keys("q")
    screen.keys("query-name | grep -c nothing", "Enter")
    screen.sees("| grep -c nothing ended with 1")
    screen.keys(".history grep", "Enter")
    wanted = "\nquery-name | grep -c nothing" if mode else "query-name | grep -c nothing"
    screen.sees(wanted)
