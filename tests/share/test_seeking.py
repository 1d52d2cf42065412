"""A share that comes up, or falls silent, while another qmpsh connects."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from time import monotonic

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.errors import Busy, CannotConnect, ConnectTimeout
from qmpsh.protocol.messages import Command
from qmpsh.share.door import Door, own_door
from qmpsh.shell.session.reconnect import ReconnectAttempt
from tests.qemu import Vm
from tests.share.holder import Holder
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.one_emulator


@pytest.fixture
def silent_share(vm: Vm) -> Iterator[Door]:
    """A share that accepts no one."""
    door = own_door(UnixAddress(vm.path), read_only=False)
    assert door is not None
    yield door
    door.close()


@contextlib.contextmanager
def held(vm: Vm) -> Iterator[socket.socket]:
    """A plain client holds the monitor."""
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(vm.path)
        assert other.recv(1000)
        yield other


def served(holder: Holder, client: Client) -> None:
    pending = client.submit(Command("query-name"))

    def answered() -> bool:
        client.poll(0)
        return pending.done

    holder.run_until(answered)
    assert client.holder is not None


def test_a_share_that_comes_up_while_the_monitor_is_silent(vm: Vm) -> None:
    address = UnixAddress(vm.path)
    holder = Holder(vm.path)
    holder.server.close()
    found: list[Client] = []
    waiter = threading.Thread(target=lambda: found.append(Client.connect(address)))
    waiter.start()
    wait_until(lambda: waiting_at(address))
    holder.share_again()
    holder.run_until(lambda: bool(found))
    waiter.join(PATIENCE)
    served(holder, found[0])
    found[0].close()
    holder.close_all()


def waiting_at(address: UnixAddress) -> bool:
    """Whether a client waits in the monitor's queue."""
    from qmpsh.system.listener import inspect_listener

    return inspect_listener(address).waiting > 0


def test_reconnecting_finds_one_too(vm: Vm) -> None:
    holder = Holder(vm.path)
    holder.server.close()
    now = monotonic()
    attempt = ReconnectAttempt(Client.open(UnixAddress(vm.path)), now)
    assert attempt.poll() is None
    assert attempt.due == pytest.approx(now + 0.2)
    assert not attempt.seek(now + 0.1)
    assert not attempt.seek(now + 0.2)
    assert attempt.due == pytest.approx(now + 1.2)
    holder.share_again()
    assert attempt.seek(now + 1.3)
    holder.run_until(lambda: attempt.poll() is not None)
    served(holder, attempt.client)
    attempt.client.close()
    holder.close_all()


def test_reconnecting_goes_past_a_silent_one(vm: Vm, silent_share: Door) -> None:
    now = monotonic()
    attempt = ReconnectAttempt(Client.open(UnixAddress(vm.path)), now)
    assert attempt.client.holder is not None
    assert not attempt.seek(now + 0.9)
    assert attempt.seek(now + 1.1)
    assert attempt.client.holder is None
    wait_until(lambda: attempt.poll() is not None)
    assert not attempt.seek(now + 99)
    attempt.client.close()


def test_a_silent_one_is_left_for_the_monitor(vm: Vm, silent_share: Door) -> None:
    started = time.monotonic()
    client = Client.connect(UnixAddress(vm.path))
    assert client.holder is None
    assert 0.9 < time.monotonic() - started < PATIENCE
    client.close()


def test_a_silent_one_is_named(vm: Vm, silent_share: Door) -> None:
    with held(vm), pytest.raises(Busy, match="holds and shares this monitor, but does not answer"):
        Client.connect(UnixAddress(vm.path), ClientOptions(connect_timeout=1.3))


def test_past_a_share_that_would_do(vm: Vm) -> None:
    holder = Holder(vm.path)
    error: list[CannotConnect] = []

    def try_directly() -> None:
        options = ClientOptions(connect_timeout=0.3, shared=False)
        try:
            Client.connect(UnixAddress(vm.path), options)
        except CannotConnect as failed:
            error.append(failed)

    waiter = threading.Thread(target=try_directly)
    waiter.start()
    holder.run_until(lambda: bool(error))
    waiter.join(PATIENCE)
    assert isinstance(error[0], Busy)
    assert not isinstance(error[0], ConnectTimeout)
    assert "holds and shares this monitor" in error[0].what
    assert "without --direct" in error[0].todo
    holder.close_all()
