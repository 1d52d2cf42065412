"""stdout and stderr that are full, or lack a character; Ctrl-C before the program is loaded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter
from tests.waiting import PATIENCE

FULL = "qmpsh: cannot write to stdout: No space left on device\n"


def redirected(line: str) -> subprocess.CompletedProcess[str]:
    """A run whose streams the host's shell has turned elsewhere. line: behind `qmpsh`"""
    return subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m qmpsh {line}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    "line",
    [
        "{vm} query-status",
        "{vm} query-qmp-schema",
        "{vm} --hmp 'info version'",
        "{vm} query-status --table",
        "{vm} .help",
        "-n stop",
        "--help",
        "--version",
        "ls",
        "doctor",
        "run --help",
        "-k -f - {vm} < {vm}.qmp",
    ],
)
def test_a_full_stdout_is_told_in_one_sentence(vm: Vm, line: str) -> None:
    with open(f"{vm.path}.qmp", "w") as script:
        script.write("query-status\nnope\nquery-status\n")
    line = line.format(vm=vm.path)
    done = redirected(f"{line} >/dev/full")
    assert (done.returncode, done.stderr) == (141, FULL)
    assert redirected(f"{line} >/dev/full 2>/dev/full").returncode == 141


def test_a_full_stderr_changes_nothing(vm: Vm) -> None:
    done = redirected(f"{vm.path} nope 2>/dev/full")
    assert (done.returncode, done.stdout) == (1, "")


def test_an_error_stands_behind_what_was_answered(vm: Vm) -> None:
    done = redirected(f'-k {vm.path} \'{{"execute": "query-version"}}\' 2>&1')
    assert done.returncode == 0
    lost = '{"execute": "query-version"} {"execute": "quit"} {"execute": "query-name"}'
    done = redirected(f"{vm.path} '{lost}' 2>&1")
    assert done.stdout.startswith('{"qemu"')
    assert "\nqmpsh: " in done.stdout
    assert done.returncode == 4


# ------------------------------------------------------------------------ encodings

NAME = "vü€\U0001f600"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"PYTHONIOENCODING": "latin-1"}


@pytest.mark.parametrize("env", [ASCII, LATIN], ids=["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_escaped(
    start_vm: VmStarter, run_qmpsh: RunQmpsh, env: dict[str, str]
) -> None:
    vm = start_vm("-name", NAME)
    encoding = "latin-1" if env is LATIN else "ascii"

    def said(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "qmpsh", vm.path, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode(encoding)

    assert json.loads(said("query-name")) == {"name": NAME}
    u_umlaut = "ü" if env is LATIN else "\\u00fc"
    assert said("--hmp", "info name") == f"v{u_umlaut}\\u20ac\\ud83d\\ude00\n"


# ------------------------------------------------------------------------ Ctrl-C while it loads

INTERRUPTED_AT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from qmpsh.__main__ import main
from tests.waiting import PATIENCE
sys.exit(main())
"""


def interrupted_at(vm: Vm, module: str) -> subprocess.CompletedProcess[str]:
    """A one-shot that gets SIGINT at the moment when it begins to load a module."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT.format(module=module), vm.path, "query-status"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    "module", ["qmpsh.cli.main", "qmpsh.errors", "json", "qmpsh.shell.interpreter"]
)
def test_an_interrupt_while_it_is_loaded_is_130(vm: Vm, module: str) -> None:
    done = interrupted_at(vm, module)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_that_is_ignored_stays_ignored(vm: Vm) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = interrupted_at(vm, "qmpsh.cli.main")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["running"] is True
