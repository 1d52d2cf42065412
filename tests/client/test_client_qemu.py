"""The client against a real QEMU."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from qmpsh.address import Address, TcpAddress, UnixAddress, parse_address
from qmpsh.client.client import Client, ClientOptions
from qmpsh.errors import Busy, CannotConnect, CommandFailed, ConnectionLost, ConnectTimeout
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import Command, Event
from tests.ports import free_port
from tests.qemu import Vm, VmStarter
from tests.waiting import PATIENCE

pytestmark = pytest.mark.qemu

STATUS = Command("query-status")
IMPATIENT = ClientOptions(connect_timeout=0.3, notice_after=0.1)


@contextlib.contextmanager
def connected(address: Address, options: ClientOptions = ClientOptions()) -> Iterator[Client]:  # noqa: B008
    client = Client.connect(address, options)
    try:
        yield client
    finally:
        client.close()


def check(address: Address) -> None:
    """That a monitor is there and works."""
    with connected(address) as client:
        value = client.execute(STATUS, PATIENCE).value
        assert isinstance(value, dict)
        assert value["status"] == "running"


# ------------------------------------------------------------------------ places


def test_unix(vm: Vm) -> None:
    check(parse_address(vm.path))
    check(parse_address(f"unix:{vm.path},server=on,wait=off"))


def test_greeting(vm: Vm) -> None:
    with connected(UnixAddress(vm.path)) as client:
        assert client.connection.greeting is not None
        assert client.connection.greeting.capabilities == ("oob",)
        value = client.execute(Command("query-version"), PATIENCE).value
        assert isinstance(value, dict)
        numbers = value["qemu"]
        assert isinstance(numbers, dict)
        version = "{major}.{minor}.{micro}".format_map(numbers)
        greeting = client.connection.greeting
        assert (greeting.version, greeting.package) == (
            version,
            value["package"],
        )


def test_abstract(start_vm: VmStarter) -> None:
    name = f"qmpsh-{os.getpid()}"
    # Told that it is a server apart: `start_vm` waits for the files of those it sees.
    start_vm(
        *(
            "-chardev",
            f"socket,id=a,path={name},abstract=on,wait=off",
            "-set",
            "chardev.a.server=on",
        ),
        *("-mon", "chardev=a,mode=control"),
    )
    check(parse_address(f"unix:{name},server=on,abstract=on"))


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_tcp(start_vm: VmStarter, family: socket.AddressFamily, host: str) -> None:
    port = free_port(host, family)
    start_vm(
        *("-chardev", f"socket,id=t,host={host},port={port},server=on,wait=off"),
        *("-mon", "chardev=t,mode=control"),
    )
    check(TcpAddress(host, port))


def test_pretty(start_vm: VmStarter) -> None:
    vm = start_vm(
        "-chardev",
        "socket,id=p,path={folder}/p,server=on,wait=off",
        "-mon",
        "chardev=p,mode=control,pretty=on",
    )
    check(UnixAddress(f"{vm.folder}/p"))
    with connected(UnixAddress(f"{vm.folder}/p")) as one, connected(UnixAddress(vm.path)) as other:
        schemas = [
            client.execute(Command("query-qmp-schema"), PATIENCE).value for client in (one, other)
        ]
    assert schemas[0] == schemas[1]


def test_a_killed_vm_leaves_its_socket(vm: Vm) -> None:
    vm.kill()
    with pytest.raises(CannotConnect) as caught:
        Client.connect(UnixAddress(vm.path))
    assert str(caught.value) == (
        f"nothing listens on {vm.path}: the VM that made this socket has ended; start it again"
    )


# ------------------------------------------------------------------------ one client at a time


def test_busy(vm: Vm) -> None:
    address = UnixAddress(vm.path)
    notices: list[str] = []
    with connected(address) as first:
        with pytest.raises(Busy, match=rf"\(pid {os.getpid()}: .* holds this monitor"):
            Client.connect(address, IMPATIENT, notices.append)
        assert len(notices) == 1
        first.execute(STATUS, PATIENCE)
    check(address)  # what was given up does not hold it


def test_stopped(vm: Vm) -> None:
    vm.stop_process()
    with pytest.raises(ConnectTimeout, match=f"is stopped; .* kill -CONT {vm.pid}"):
        Client.connect(UnixAddress(vm.path), IMPATIENT)
    vm.continue_process()
    check(UnixAddress(vm.path))


# ------------------------------------------------------------------------ commands


def test_failure(vm: Vm) -> None:
    with connected(UnixAddress(vm.path)) as client:
        with pytest.raises(CommandFailed) as caught:
            client.execute(Command("query-nothing"), PATIENCE)
        assert caught.value.error_class == "CommandNotFound"
        client.execute(STATUS, PATIENCE)


def test_out_of_band_overtakes(vm: Vm) -> None:
    with connected(UnixAddress(vm.path)) as client:
        order: list[str] = []

        def trace(direction: str, message: JsonObject) -> None:
            if direction == "<-":
                order.append(str(message["id"]))

        client.tracer = trace
        slow = [client.submit(Command("query-qmp-schema")) for _ in range(20)]
        oob = client.submit(Command("query-yank", oob=True))
        while not all(pending.done for pending in slow):
            client.poll(PATIENCE)
        assert oob.done
        assert order.index(oob.id) < 7
        assert [id for id in order if id != oob.id] == [pending.id for pending in slow]


def test_events_come_first(vm: Vm) -> None:
    names = []
    with connected(UnixAddress(vm.path)) as client:
        client.subscriber = lambda message: names.append(
            message.name if isinstance(message, Event) else "?"
        )
        client.execute(Command("stop"), PATIENCE)
        assert names == ["STOP"]
        client.execute(Command("cont"), PATIENCE)
        assert names == ["STOP", "RESUME"]


@pytest.mark.parametrize(
    "command",
    [Command("quit"), Command("human-monitor-command", {"command-line": "quit"})],
    ids=["qmp", "hmp"],
)
def test_quit_ends_cleanly(vm: Vm, command: Command) -> None:
    with connected(UnixAddress(vm.path)) as client:
        client.execute(command, PATIENCE)
        with pytest.raises(ConnectionLost, match=r"^the server closed the connection$"):
            client.execute(STATUS, PATIENCE)
    assert vm.process.wait(PATIENCE) == 0


def test_killed_while_it_was_asked(vm: Vm) -> None:
    with connected(UnixAddress(vm.path)) as client:
        vm.stop_process()
        pending = client.submit(STATUS)
        vm.kill()
        assert client.poll(PATIENCE)
        assert str(pending.error) == "the server closed the connection"
