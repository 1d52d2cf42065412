"""The guest agent inside a guest: a virtio port, a system of its own, and no one to restart it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import qmpsh
from qmpsh.errors import QmpshError, ReplyTimeout
from tests.conftest import RunQmpsh
from tests.guest import Guest
from tests.qemu import ROOT
from tests.waiting import PATIENCE, wait_until

SIZE = 300_000


def test_exec(guest: Guest, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(
        *(guest.agent, "--guest-agent", ".exec", "sh", "-c", "uname -s; echo no >&2; exit 3")
    )
    assert (done.returncode, done.stdout) == (3, "Linux\n")
    assert done.stderr.endswith("no\n")  # after a note, where the guest is slow
    done = run_qmpsh(guest.agent, "--guest-agent", ".exec", "--stdin", "wc", "-c", stdin="a" * SIZE)
    assert (done.returncode, done.stdout) == (0, f"{SIZE}\n")
    done = run_qmpsh(guest.agent, "--guest-agent", ".exec", "/nothing")
    assert done.returncode == 1
    assert "Failed to execute child process" in done.stderr


def test_files(guest: Guest, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    """There and back, every byte."""
    data = os.urandom(SIZE)
    (tmp_path / "here").write_bytes(data)
    done = run_qmpsh(guest.agent, "--guest-agent", ".put", f"{tmp_path}/here", "/tmp/there")
    assert (done.returncode, done.stderr) == (0, "")
    assert guest.sh("wc -c </tmp/there") == f"{SIZE}"
    words = (sys.executable, "-m", "qmpsh", guest.agent, "--guest-agent", ".cat", "/tmp/there")
    assert subprocess.run(words, cwd=ROOT, capture_output=True, timeout=PATIENCE).stdout == data
    done = run_qmpsh(guest.agent, "--guest-agent", ".cat", "/nothing")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


def test_it_is_restarted(guest: Guest) -> None:
    """The session goes on with the next one, which the guest starts within 2 s."""
    before = guest.sh("pidof qemu-ga")
    guest.sh("(sleep 1; killall qemu-ga) >/dev/null 2>&1 &")
    agent = qmpsh.connect(guest.agent, guest_agent=True)
    # The agent that began it is gone, and perhaps a question that it has read.
    with agent, pytest.raises(QmpshError):
        agent.run(".exec", "sleep", "1000", timeout=15)
    assert guest.sh("pidof qemu-ga") != before


def test_it_hangs(guest: Guest) -> None:
    guest.sh("(sleep 1; killall -STOP qemu-ga; sleep 4; killall -CONT qemu-ga) >/dev/null 2>&1 &")
    with qmpsh.connect(guest.agent, guest_agent=True) as agent:

        def is_silent() -> bool:
            try:
                agent.execute("guest-ping", timeout=0.5)
            except ReplyTimeout:
                return True
            return False

        wait_until(is_silent, what="it hangs")
        # What was asked meanwhile is answered late, and that is taken for no other's answer.
        assert agent.run(".exec", "echo", "up", timeout=PATIENCE) == b"up\n"
