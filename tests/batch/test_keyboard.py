"""`.type` and `.key` as one-shots and in scripts: exit codes, interruptions, and what is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import qmpsh
from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter
from tests.waiting import PATIENCE, wait_until

SECRET = "xyzzy-Plugh7"


@pytest.fixture(scope="module")
def keyboard_starter(emulator: str) -> Iterator[VmStarter]:
    starter = VmStarter(emulator)
    yield starter
    starter.close()


@pytest.fixture
def pc(keyboard_starter: VmStarter) -> Vm:
    """A running PC, whose firmware takes the keys."""
    return keyboard_starter.running() or keyboard_starter(machine="q35")


def typing(path: str, text: str) -> subprocess.Popen[str]:
    """A one-shot that types so slowly that it does not end by itself, once it has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", "-v", path, ".type", text, "--rate", "100ms"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if '"execute": "input-send-event"' in line:
            break
    return process


def test_what_was_typed_is_counted(pc: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(pc.path, ".type", "a~B\\n", "--rate", "0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "typed 4 characters\n", "")
    done = run_qmpsh(pc.path, "--json", ".key", "ctrl-alt-f1", "esc")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, {"typed": 2}, "")


def test_what_is_wrong_is_said_and_nothing_sent(pc: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-v", pc.path, ".type", "abc naïve has", "--layout", "us")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the layout us has no 'ï', character 7 of the text; --layout fr has it" in done.stderr
    assert '"execute": "input-send-event"' not in done.stderr
    assert "naïve" not in done.stderr
    done = run_qmpsh(pc.path, ".key", "ctrl-alt-delte")
    assert done.returncode == 2
    assert "no key delte; did you mean delete or del?" in done.stderr


def test_an_interrupt_says_how_many_were_typed(pc: Vm) -> None:
    with typing(pc.path, "a" * 1000) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert re.search(r"qmpsh: typed \d+ of 1000$", said, re.MULTILINE)


def test_a_vm_that_is_killed_says_how_many_were_typed(start_vm: VmStarter) -> None:
    vm = start_vm(machine="q35")
    with typing(vm.path, "b" * 1000) as process:
        vm.kill()
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    assert re.search(r"; typed \d+ of 1000$", said, re.MULTILINE)
    assert "bbb" not in said


def test_nothing_of_it_is_left_anywhere(pc: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    log, home = tmp_path / "log", tmp_path / "home"
    lines = f".type '{SECRET}\\n' --rate 0\n.type '{SECRET}é'\n.key {' '.join(SECRET)} --rate 0\n"
    done = run_qmpsh("-v", "-k", "--logfile", str(log), pc.path, stdin=lines)
    assert (done.returncode, done.stdout) == (2, "typed 13 characters\npressed 12 keys\n")
    left = [done.stderr, *(path.read_text() for path in (log, *home.rglob("*")) if path.is_file())]
    assert [text for text in left if SECRET in text or '"down": ' in text] == []
    assert log.read_text().count('"execute": "input-send-event", "arguments": "********"') == 25


def test_a_crash_report_has_nothing_of_it(pc: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import qmpsh.shell.keyboard as keyboard\n"
        "def fails(self): raise RuntimeError(f'a fault at {self._units}')\n"
        "keyboard.Presses.steps = fails\n"
    )
    done = run_qmpsh(pc.path, ".type", SECRET, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert done.returncode not in (0, 2)
    reports = [path.read_text() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [text for text in (done.stderr, *reports) if SECRET in text] == []


def test_a_paused_vm_and_one_without_a_keyboard(q35: Vm, vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, ".type", "ab")
    assert (done.returncode, done.stdout) == (1, "")
    assert "VM not running; typed 0 of 2" in done.stderr
    done = run_qmpsh(vm.path, ".key", "ret")
    assert done.returncode == 1
    assert "Input handler not found" in done.stderr


def refused(run_qmpsh: RunQmpsh, *argv: str) -> str:
    done = run_qmpsh(*argv, ".type", "a")
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.removeprefix("qmpsh: ").rstrip()


WHERE = "connect to the QMP monitor of a QEMU"


def test_servers_without_a_keyboard_are_refused(
    daemon: str, stratovirt: str, run_qmpsh: RunQmpsh
) -> None:
    assert refused(run_qmpsh, daemon) == f".type: a storage daemon has no keyboard; {WHERE}"
    assert refused(run_qmpsh, stratovirt) == f".type: StratoVirt has no keyboard; {WHERE}"


def test_a_guest_agent_is_refused(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    said = refused(run_qmpsh, agent.path, "--guest-agent")
    assert said == f".type: a guest agent has no keyboard; {WHERE}"


def test_on_many_it_asks_and_counts(pc: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-a", pc.path, "--yes", ".type", "ab")
    assert done.returncode == 0
    assert json.loads(done.stdout)["return"] == {"typed": 2}
    assert run_qmpsh("-a", pc.path, ".type", "ab").returncode == 2


def test_a_program_types_a_text_as_it_stands(pc: Vm, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with qmpsh.connect(pc.path, logfile=log) as vm:
        vm.type("a\\n\n")
    wait_until(log.exists)
    assert log.read_text().count("input-send-event") == 4
