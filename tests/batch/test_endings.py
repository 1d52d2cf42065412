"""What a signal leaves behind of a transport that has something to put away: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.checks import needs
from tests.client.test_transport_failures import has_ended
from tests.qemu import ROOT, Vm
from tests.waiting import PATIENCE

ENDINGS = (signal.SIGTERM, signal.SIGHUP)


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "qmpsh", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    return process.returncode


@pytest.mark.parametrize("number", ENDINGS)
@pytest.mark.parametrize("is_script", [False, True])
def test_a_program_that_carries_the_stream(
    vm: Vm, tmp_path: Path, number: signal.Signals, is_script: bool
) -> None:
    needs("socat")
    transport = f"exec:echo $$ >{tmp_path}/pid; exec socat - UNIX:{vm.path}"
    if is_script:
        (tmp_path / "script").write_text(".wait SHUTDOWN\n")
        process = started(transport, "-v", "-f", str(tmp_path / "script"))
    else:
        process = started(transport, ".wait", "SHUTDOWN")
    assert process.stderr is not None
    mark = "qmp_capabilities" if is_script else "listening"
    assert any(mark in line for line in process.stderr)
    pid = int((tmp_path / "pid").read_text())
    assert ended(process, number) == 128 + number
    assert has_ended(pid)


@pytest.mark.parametrize("number", ENDINGS)
def test_a_socket_that_was_listened_on(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "s"
    process = started(f"listen:{path}", "query-status")
    assert process.stderr is not None
    assert any("waiting for QEMU to dial" in line for line in process.stderr)
    assert path.exists()
    assert ended(process, number) == 128 + number
    assert not path.exists()
