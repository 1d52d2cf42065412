"""docs/tour.md: every line that a reader is to type, typed on the demo's machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm

TOUR = (ROOT / "docs" / "tour.md").read_text()
TYPED = re.findall(r"^    \(QEMU\) (.*)$", TOUR, re.MULTILINE)
COMMANDS = re.findall(r"^    \$ (.*)\n((?:    (?!\$).*\n)*)", TOUR, re.MULTILINE)
"""A command line, and what the page says that it prints, indented."""


def test_the_lines_for_the_prompt(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    assert len(TYPED) > 20
    done = run_qmpsh(fresh_q35.path, stdin="\n".join([*TYPED, ""]))
    assert (done.stderr, done.returncode) == ("", 0)
    # What only the right order gives: a device that came and went, a backup that was whole.
    assert '{"device": "rng0", "path": "/machine/peripheral/rng0"}\n' in done.stdout
    assert '"offset": 1073741824, "speed": 0, "type": "backup"}\n' in done.stdout
    assert "UNIX-CONNECT:" in done.stdout.splitlines()[-1]


def test_the_lines_for_the_shell(q35: Vm, with_qmpsh: dict[str, str], tmp_path: Path) -> None:
    assert len(COMMANDS) > 5
    for command, told in COMMANDS:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env={**with_qmpsh, "QMP_SOCKET": q35.path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, command
        assert done.stdout, command
        if told:
            assert done.stdout == re.sub("^    ", "", told, flags=re.MULTILINE), command
