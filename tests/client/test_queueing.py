"""Who comes to a monitor that is taken waits for its turn, as long as was said and no longer."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client import connect
from qmpsh.client.client import Client
from qmpsh.client.connect import begin_stream, open_stream
from qmpsh.errors import Busy, CannotConnect
from qmpsh.system.listener import SocketTable, inspect_listener
from tests.qemu import ROOT, Vm
from tests.waiting import PATIENCE

CROWDED = (
    "takes no more clients: a client holds this monitor, which serves one at a time, and others"
    " are waiting; close them, or give QEMU a second -qmp"
)


@contextlib.contextmanager
def crowd(path: str) -> Iterator[None]:
    """One client that is served, and two that wait: there is no place for a fourth."""
    with contextlib.ExitStack() as clients:
        for number in range(3):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(path)
            if number == 0:
                client.recv(1)
        yield


@pytest.fixture
def full() -> Iterator[tuple[UnixAddress, socket.socket]]:
    """A listener whose queue is full, and its address."""
    folder = tempfile.mkdtemp(prefix="qmpsh-", dir="/tmp")
    address = UnixAddress(f"{folder}/s")
    with contextlib.ExitStack() as held, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address.path)
        listener.listen(1)
        with contextlib.suppress(CannotConnect):
            while True:
                held.callback(begin_stream(address).close)
        yield address, listener
    shutil.rmtree(folder)


def started(path: str, *options: str) -> subprocess.Popen[str]:
    """A one-shot that has said why it waits."""
    return subprocess.Popen(
        [sys.executable, "-m", "qmpsh", *options, path, "query-name"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_one_shots_wait_for_their_turn(vm: Vm) -> None:
    with crowd(vm.path):
        waiting = [started(vm.path, "--connect-timeout", "30") for _ in range(4)]
        remarks = [one.stderr.readline() for one in waiting if one.stderr is not None]
    ends = [one.communicate(timeout=PATIENCE) and one.returncode for one in waiting]
    for remark in remarks:
        assert remark.startswith(f"qmpsh: {vm.path} accepts no more clients for now: ")
        assert remark.endswith("one client at a time; waiting up to 30 s\n")
    assert ends == [0] * 4


def test_an_interrupt_ends_the_waiting(vm: Vm) -> None:
    with crowd(vm.path):
        waiting = started(vm.path, "--connect-timeout", "60")
        assert waiting.stderr is not None
        assert "; waiting up to 60 s" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=PATIENCE)
    assert (said, waiting.returncode) == (("", ""), 130)


def test_a_place_that_is_given_in_time(
    full: tuple[UnixAddress, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, listener = full
    monkeypatch.setattr(connect, "NOTICE_SECONDS", 0.01)
    said: list[str] = []

    def accept(text: str) -> None:
        said.append(text)
        listener.accept()[0].close()

    stream = open_stream(address, None, accept)
    assert stream.send(b"x") == 1
    stream.close()
    assert said == [
        f"{address} accepts no more clients for now: a client holds this monitor, which serves"
        f" one at"
        f" a time,"
        " and others are waiting; waiting"
    ]


def test_no_place_within_the_time(full: tuple[UnixAddress, socket.socket]) -> None:
    address, _ = full
    began = time.monotonic()
    with pytest.raises(Busy) as caught:
        open_stream(address, 0.2)
    assert time.monotonic() >= began + 0.2
    assert str(caught.value) == f"{address.path} {CROWDED}"


def test_the_server_ends_meanwhile(
    full: tuple[UnixAddress, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, listener = full
    monkeypatch.setattr(connect, "NOTICE_SECONDS", 0.01)
    with pytest.raises(CannotConnect, match=r"^nothing listens on "):
        open_stream(address, None, lambda _: listener.close())


def test_a_signal_on_the_way_is_no_place(full: tuple[UnixAddress, socket.socket]) -> None:
    signals: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: signals.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(Busy):
            open_stream(full[0], 0.3)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert signals


def test_a_client_that_goes_while_one_looks_is_not_hidden(vm: Vm) -> None:
    client = Client.connect(UnixAddress(vm.path))
    sockets = SocketTable.read()
    client.close()
    assert inspect_listener(UnixAddress(vm.path), sockets=sockets).served == ()
