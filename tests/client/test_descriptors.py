"""Descriptors that go with a command: they arrive, and are closed here exactly once."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions, poll_until
from qmpsh.client.connect import UnixStream, carries_descriptors, stream_over
from qmpsh.errors import ConnectionLost, UsageError
from qmpsh.protocol.messages import Command
from tests.client.fakes import FakeStream, reply
from tests.qemu import Vm
from tests.waiting import PATIENCE

ADDRESS = UnixAddress("/m.sock")
READY = ClientOptions(negotiate=False)


class Line:
    """A client on a socket pair, and its other end."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.client = Client(UnixStream(ours), ADDRESS, READY)
        self.fd = os.open(os.devnull, os.O_RDONLY)

    def submit(self) -> None:
        self.client.submit(Command("getfd", {"fdname": "a"}, fd=self.fd))

    def fill(self) -> None:
        """Take all room, so that the next command cannot be written."""
        ours = socket.socket(fileno=os.dup(self.client.fileno()))
        with ours, contextlib.suppress(BlockingIOError):
            while True:
                ours.send(b" " * 65536)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.client.close()
    line.peer.close()


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_it_goes_with_the_first_byte_and_is_closed_once(line: Line) -> None:
    line.submit()
    data, (rights,), _, _ = line.peer.recvmsg(1, socket.CMSG_SPACE(4))
    assert data == b"{"
    theirs = int.from_bytes(rights[2], "little")
    with open(theirs):
        assert os.path.samestat(os.fstat(theirs), os.stat(os.devnull))
    assert not is_open(line.fd)
    os.dup2(line.peer.fileno(), line.fd)  # whoever gets the number next must keep it
    line.client.close()
    assert is_open(line.fd)
    os.close(line.fd)


def test_it_waits_for_room(line: Line) -> None:
    line.fill()
    line.submit()
    assert is_open(line.fd)
    while line.peer.recv(1 << 20)[-1:] == b" ":
        line.client.poll(0)
    assert not is_open(line.fd)


def test_closed_where_it_never_went(line: Line) -> None:
    line.fill()
    line.submit()
    line.client.close()
    assert not is_open(line.fd)


def test_closed_where_the_peer_has_gone(line: Line) -> None:
    line.peer.close()
    line.submit()
    while not line.client.closed:
        line.client.poll(PATIENCE)
    assert not is_open(line.fd)


def test_closed_where_the_connection_was_lost_before(line: Line) -> None:
    line.client.close()
    with pytest.raises(ConnectionLost):
        line.submit()
    assert not is_open(line.fd)


def test_a_stream_that_carries_none() -> None:
    client = Client(FakeStream([reply("1")]), ADDRESS, READY)
    fd = os.open(os.devnull, os.O_RDONLY)
    with pytest.raises(
        UsageError, match=r"^a descriptor cannot go to /m\.sock: only a unix socket"
    ):
        client.submit(Command("getfd", {"fdname": "a"}, fd=fd))
    assert not carries_descriptors(client.stream)
    assert not is_open(fd)
    client.close()


def test_no_descriptor_is_left(vm: Vm) -> None:
    client = Client.connect(UnixAddress(vm.path))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        fd = os.open(os.devnull, os.O_RDONLY)
        client.execute(Command("getfd", {"fdname": "a"}, fd=fd), PATIENCE)
    client.execute(Command("closefd", {"fdname": "a"}), PATIENCE)
    assert len(os.listdir("/proc/self/fd")) == before
    client.close()


def test_many_at_once_behind_slow_commands(vm: Vm) -> None:
    client = Client.connect(UnixAddress(vm.path))
    schemas = [client.submit(Command("query-qmp-schema")) for _ in range(3)]
    getfds = [
        client.submit(Command("getfd", {"fdname": f"f{n}"}, fd=os.open(os.devnull, os.O_RDONLY)))
        for n in range(50)
    ]
    assert poll_until(client, lambda: all(one.done for one in getfds), monotonic() + PATIENCE)
    assert [one.result().value for one in getfds] == [{}] * 50
    assert all(one.done for one in schemas)
    client.close()


@pytest.mark.parametrize("family, takes", [(socket.AF_UNIX, True), (socket.AF_INET, False)])
def test_only_a_unix_socket_takes_one(family: socket.AddressFamily, *, takes: bool) -> None:
    client = Client(stream_over(socket.socket(family)), ADDRESS, READY)
    assert carries_descriptors(client.stream) is takes
    client.close()
