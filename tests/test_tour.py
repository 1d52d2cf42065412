"""docs/tour.md: every line that a reader is to type, typed on the VM that the page starts."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.qemu import ROOT, new_folder
from tests.waiting import PATIENCE, wait_until

TOUR = (ROOT / "docs" / "tour.md").read_text()
STARTED = re.findall(r"^    (qmpsh run (?:.*\\\n)*.*)$", TOUR, re.MULTILINE)
EXPORTED = re.findall(r"^    export (\w+)=(.*)$", TOUR, re.MULTILINE)
TYPED = re.findall(r"^    \(QEMU\) (.*)$", TOUR, re.MULTILINE)
COMMANDS = re.findall(r"^    \$ (.*)\n((?:    (?!\$).*\n)*)", TOUR, re.MULTILINE)
"""A command line, and what the page says that it prints, indented."""

WARNING = "warning: The target block device doesn't provide information about the block size"

Tour = subprocess.Popen[str]


@pytest.fixture
def place(
    emulator: str, with_qmpsh: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder where the reader sits, with the emulator of the test for the one that is meant."""
    runtime = new_folder()
    monkeypatch.setenv("PATH", with_qmpsh["PATH"])
    monkeypatch.setenv("PYTHONPATH", with_qmpsh["PYTHONPATH"])
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    for name, value in EXPORTED:
        monkeypatch.setenv(name, value)
    (tmp_path / "bin" / "qemu-system-x86_64").symlink_to(emulator)
    # The name of a socket has to be short.
    folder = Path(new_folder())
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def tour(place: Path) -> Iterator[Tour]:
    """The shell of the first terminal, its lines to be written to it."""
    (line,) = STARTED
    process = subprocess.Popen(
        ["sh", "-c", f"exec {line}"],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    # End of file ends the VM as well.
    with contextlib.suppress(ValueError):
        process.communicate(timeout=PATIENCE)


def test_the_lines_for_the_prompt(tour: Tour) -> None:
    assert len(TYPED) > 20
    said, complained = tour.communicate("\n".join([*TYPED, ""]), timeout=60)
    # QEMU prints a warning of its own, of which the page tells; nobody else has anything to say.
    assert [line for line in complained.splitlines() if not line.startswith(WARNING)] == []
    assert tour.returncode == 0
    # What only the right order gives: a device that came and went, a backup that was whole, and
    # slow enough that its bar is seen.
    assert '{"device": "rng0", "path": "/machine/peripheral/rng0"}\n' in said
    assert '"offset": 1073741824, "speed": 268435456, "type": "backup"}\n' in said
    assert "UNIX-CONNECT:" in said.splitlines()[-1]


def test_the_lines_for_the_shell(tour: Tour, place: Path) -> None:
    assert len(COMMANDS) > 5
    socket = place / os.environ["QMP_SOCKET"]
    wait_until(socket.exists, PATIENCE, "the second monitor")
    for command, told in COMMANDS:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, command
        assert done.stdout, command
        if told:
            assert done.stdout == re.sub("^    ", "", told, flags=re.MULTILINE), command
