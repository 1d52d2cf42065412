"""`qmpsh run` for a person, in a real terminal, on a real QEMU."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.protocol.messages import Command
from tests.run.test_run import EMPTY, WARNING, WARNS, processes
from tests.ui.tmux import Terminal, terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.tmux

MODES = pytest.mark.parametrize("mode", [[], ["--plain"]], ids=["screen", "plain"])
QUESTION = "The VM still runs: [l]eave it running, [p]ower it down, [q]uit it, [c]ancel"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    # The folder is to be below /tmp, where its path is short.
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with terminal() as on:
        yield on


@pytest.fixture
def name() -> Iterator[str]:
    """Of the VM; whatever is left of it is ended."""
    word = f"run{os.urandom(6).hex()}"
    yield word
    for pid in processes(word):
        os.kill(pid, signal.SIGKILL)


def start(screen: Terminal, emulator: str, name: str, *mode: str) -> str:
    """Start it with a VM that warns of something; the path of the monitor."""
    screen.qmpsh("run", *mode, "--", emulator, *EMPTY, *WARNS, "-name", name)
    picture = screen.sees(f"{name} · running", "lonely has no peer")
    found = re.search(r"/tmp/qmpsh-run-\w+/qmp\.sock", picture)
    assert found
    return found[0]


def is_clean(path: str, name: str) -> bool:
    # The program itself, which has the name among its words too, ends last.
    return not os.path.exists(os.path.dirname(path)) and processes(name) == []


def asks(screen: Terminal) -> bool:
    """Whether the question stands where one types, rather than in what has scrolled by."""
    rows = [row for row in screen.picture().split("\n") if row.strip()]
    return any(QUESTION in row for row in rows[-2:]) and not rows[-1].startswith("(QEMU)")


@MODES
def test_quit_it(screen: Terminal, emulator: str, name: str, mode: list[str]) -> None:
    path = start(screen, emulator, name, *mode)
    assert f"| {os.path.basename(emulator)}: {WARNING}" in screen.picture()
    screen.keys("C-d")
    wait_until(lambda: asks(screen), what="the question")
    screen.keys("C-d")
    wait_until(lambda: not asks(screen), what="the prompt again")
    screen.keys("C-d")
    wait_until(lambda: asks(screen), what="the question again")
    screen.keys("q")
    screen.sees("exit 0")
    wait_until(lambda: is_clean(path, name))


@MODES
def test_leave_it_running(screen: Terminal, emulator: str, name: str, mode: list[str]) -> None:
    path = start(screen, emulator, name, *mode)
    screen.keys(".exit", "Enter")
    screen.sees(QUESTION)
    screen.keys("Enter")
    screen.sees(f"to come back: qmpsh {path}", "exit 0")
    screen.close()
    client = Client.connect(parse_address(path))
    assert client.execute(Command("query-name"), 10).value == {"name": name}
    client.submit(Command("quit"))
    wait_until(lambda: client.poll(0) and client.closed)
    wait_until(lambda: processes(name) == [])
    assert os.listdir(os.path.dirname(path)) == ["log"]
    shutil.rmtree(os.path.dirname(path))


def test_power_it_down(screen: Terminal, emulator: str, name: str) -> None:
    path = start(screen, emulator, name)
    screen.sees("commands · ")  # before they are known, the question does not offer this one
    screen.keys("C-d")
    screen.sees(QUESTION)
    screen.keys("p")
    # Nobody listens there: the guest's part is played by whoever has a second way to end it.
    screen.sees("waiting for the guest to power down", "POWERDOWN")
    os.kill(vm_of(name), signal.SIGTERM)
    screen.sees("exit 0")
    wait_until(lambda: is_clean(path, name))


@MODES
def test_it_ends_by_itself(screen: Terminal, emulator: str, name: str, mode: list[str]) -> None:
    path = start(screen, emulator, name, *mode)
    os.kill(vm_of(name), signal.SIGKILL)
    screen.sees("killed or crashed: the VM has ended. Ctrl-D leaves.")
    screen.keys(".reconnect", "Enter")
    screen.sees("start a new one")
    screen.keys("C-d")
    assert QUESTION not in screen.sees("exit 0")
    wait_until(lambda: is_clean(path, name))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@MODES
def test_a_signal_ends_the_vm_too(
    screen: Terminal, emulator: str, name: str, mode: list[str], number: signal.Signals
) -> None:
    path = start(screen, emulator, name, *mode)
    shell = [pid for pid in processes(name) if pid != vm_of(name)]
    os.kill(shell[0], number)
    screen.sees(f"exit {128 + number}")
    wait_until(lambda: is_clean(path, name))


def test_ctrl_c_is_not_the_vms(screen: Terminal, emulator: str, name: str) -> None:
    path = start(screen, emulator, name)
    screen.keys("C-c")
    screen.sees("Ctrl-D leaves the shell, and asks what to do with the VM")
    screen.keys("query-name", "Enter")
    screen.sees(f'"name": "{name}"')
    screen.keys("C-d")
    screen.sees(QUESTION)
    screen.keys("q")
    screen.sees("exit 0")
    wait_until(lambda: is_clean(path, name))


def vm_of(name: str) -> int:
    """The process of the VM: the one that is no Python."""
    return next(pid for pid in processes(name) if "python" not in os.readlink(f"/proc/{pid}/exe"))
