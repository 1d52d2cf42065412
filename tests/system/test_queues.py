"""How many connections wait at a socket, seen from outside."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.system.queues import LOOK_SECONDS, MonitorQueues
from tests.qemu import new_folder


@pytest.fixture
def folder() -> Iterator[str]:
    found = new_folder()
    yield found
    shutil.rmtree(found)


def listen(stack: ExitStack, name: str) -> socket.socket:
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(name)
    listener.listen(5)
    return listener


def connect(stack: ExitStack, name: str) -> None:
    stack.enter_context(socket.socket(socket.AF_UNIX)).connect(name)


def test_those_that_were_not_accepted_wait(folder: str) -> None:
    with ExitStack() as stack:
        path = f"{folder}/s"
        listener = listen(stack, path)
        os.symlink(path, f"{folder}/other")
        address, by_link = UnixAddress(path), UnixAddress(f"{folder}/other")
        queues = MonitorQueues()
        assert queues.waiting(address, 0.0) == 0
        connect(stack, path)
        connect(stack, path)
        assert queues.waiting(address, LOOK_SECONDS / 2) == 0  # it was looked at lately
        assert queues.waiting(address, 1.0) == queues.waiting(by_link, 1.0) == 2
        stack.enter_context(listener.accept()[0])
        assert queues.waiting(address, 2.0) == 1


def test_abstract_ones_have_a_name_alone() -> None:
    name = f"qmpsh-test-{os.getpid()}"
    with ExitStack() as stack:
        listen(stack, f"\0{name}")
        connect(stack, f"\0{name}")
        assert MonitorQueues().waiting(UnixAddress(name, abstract=True), 0.0) == 1


def test_nothing_is_known_of_other_addresses() -> None:
    assert MonitorQueues().waiting(TcpAddress("127.0.0.1", 1), 0.0) == 0
    assert MonitorQueues().waiting(UnixAddress("/nowhere/at/all"), 0.0) == 0
