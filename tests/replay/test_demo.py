"""`qmpsh run` where there is no QEMU: the recording that comes with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from qmpsh.client.dialect import replay_remark
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Greeting, classify
from qmpsh.replay.demo import DEMO_FILE
from qmpsh.replay.recording import read_recording
from qmpsh.shell.policy import reads_only
from tests.conftest import RunQmpsh
from tests.qemu import ROOT
from tests.test_tour import typed_lines
from tests.ui.tmux import Terminal

LINES = (ROOT / "scripts" / "demo.sh").read_text().partition("<<'END'\n")[2].partition("\nEND")[0]


@pytest.fixture
def without_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH that leads to no emulator, but to what the lines of the tour need."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "grep", "env"):
        path = next(
            place
            for place in (Path(one, name) for one in os.environ["PATH"].split(":"))
            if place.exists()
        )
        (folder / name).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))


def test_it_is_small_and_of_one_session() -> None:
    assert DEMO_FILE.stat().st_size < 80_000
    recording = read_recording(str(DEMO_FILE), reads_only)
    assert len(recording.sessions) == 1
    assert recording.schema() is not None


@pytest.mark.usefixtures("without_qemu")
def test_the_lines_of_the_demo(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("run", stdin=f"{LINES}\n")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == [
        '{"status": "prelaunch", "running": false}',
        '{"name": "demo"}',
        '"virtio-rng-pci"',
    ]
    said = "qmpsh: no QEMU found here: a recording of one answers; install it"
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("without_qemu")
def test_the_lines_of_the_pages(run_qmpsh: RunQmpsh) -> None:
    typed = [*typed_lines("start.md"), *typed_lines("tour.md")]
    done = run_qmpsh("run", stdin="\n".join([*(one.line for one in typed if not one.fails), ""]))
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert '{"device": "rng0", "path": "/machine/peripheral/rng0"}\n' in done.stdout
    assert '"offset": 1073741824, "speed": 268435456, "type": "backup"}\n' in done.stdout


@pytest.mark.usefixtures("without_qemu")
def test_arguments_of_the_users_own_need_a_qemu(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("run", "--", "-m", "64", stdin="query-status\n")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("qmpsh: no QEMU found here; install it")


@pytest.mark.tmux
def test_the_screen_says_that_it_is_a_recording(screen: Terminal, tmp_path: Path) -> None:
    screen.start("env", f"PATH={tmp_path}", sys.executable, "-m", "qmpsh", "run", rows=30)
    picture = screen.sees("free ports  rp0", "A recording of QEMU", "QEMU is not installed.")
    assert "demo  prelaunch  replay  " in picture
    screen.keys("device_add driver=virtio-rng-pc", "Tab")
    screen.sees("virtio-rng-pci-non-transitional")


@pytest.mark.parametrize(
    "said, expected",
    [
        ("recording", "A recording of QEMU 10.0.2; nothing here is a running VM."),
        ("demo", "A recording of QEMU 10.0.2; QEMU is not installed."),
        ("anything else", ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_what_is_said_of_a_greeting(said: Json, expected: str) -> None:
    version: Json = {"qemu": {"major": 10, "minor": 0, "micro": 2}, "package": ""}
    greeting = classify({"QMP": {"version": version, "capabilities": [], "replay": said}}, 0)
    assert isinstance(greeting, Greeting)
    assert replay_remark(greeting) == expected
    assert replay_remark(None) == ""
