"""A server that is killed and started again, over each transport, read by the screen's event loop.

Nothing polls here but the driver: a descriptor that it does not follow is never read again.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.dialect import GUEST_AGENT, QEMU, STRATOVIRT, Dialect
from qmpsh.protocol.messages import Command
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.ui.common.driver import Driver
from tests.agents import agents
from tests.client.checks import needs
from tests.client.hosts import GuestStarter, StratovirtStarter, UnixStarter
from tests.client.sshd import serving_ssh
from tests.client.transports import (
    FROM_UNIX,
    NEEDS,
    RELAYED,
    MakePlainTarget,
    certificates,
    dialling,
    secured,
)
from tests.ports import free_port
from tests.programs import missing
from tests.qemu import Vm, VmStarter
from tests.ui.fakes import Silent

Start = Callable[[], Vm]


def tls(
    start: VmStarter, folder: str, _stack: ExitStack, _set: pytest.MonkeyPatch
) -> tuple[str, Start]:
    port = free_port()
    start_one = functools.partial(secured, start, "off", port)
    return f"tls:localhost:{port}?ca={certificates()}/ca-cert.pem", start_one


def command(
    start: VmStarter, folder: str, _stack: ExitStack, _set: pytest.MonkeyPatch
) -> tuple[str, Start]:
    return f"exec:socat - UNIX:{folder}/s", functools.partial(start, folder=folder)


def listen(
    start: VmStarter, folder: str, _stack: ExitStack, _set: pytest.MonkeyPatch
) -> tuple[str, Start]:
    words = dialling(start.emulator, f"path={folder}/l")
    return f"listen:unix:{folder}/l", functools.partial(start, *words)


def listen_tcp(
    start: VmStarter, folder: str, _stack: ExitStack, _set: pytest.MonkeyPatch
) -> tuple[str, Start]:
    port = free_port()
    words = dialling(start.emulator, f"host=127.0.0.1,port={port}")
    return f"listen:127.0.0.1:{port}", functools.partial(start, *words)


def ssh(
    start: VmStarter, folder: str, stack: ExitStack, setting: pytest.MonkeyPatch
) -> tuple[str, Start]:
    keys = Path(folder, "ssh")
    keys.mkdir()
    served = stack.enter_context(serving_ssh(keys))
    for name, value in served.environ.items():
        setting.setenv(name, value)
    return f"ssh://127.0.0.1:{served.port}{folder}/s", functools.partial(start, folder=folder)


@pytest.mark.parametrize(
    "make_target, programs",
    [
        (tls, ("openssl",)),
        (command, ("socat",)),
        (listen, ()),
        (listen_tcp, ()),
        (ssh, ("ssh", "sshd")),
    ],
)
def test_killed_and_started_again(
    start_vm: VmStarter,
    make_target: Callable[..., tuple[str, Start]],
    programs: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs(*programs)
    first = start_vm()  # whose folder serves for the sockets
    with ExitStack() as stack:
        address, start = make_target(start_vm, first.folder, stack, monkeypatch)
        first.kill()
        vm = start()
        asyncio.run(lose_and_find(address, vm, start))


PLAIN = {
    name: make_target for name, make_target in RELAYED.items() if name != "fd"
}  # inherited once
OTHERS: list[tuple[str, MakePlainTarget, Dialect, Command]] = [
    *(
        (name, make_target, GUEST_AGENT, Command("guest-ping"))
        for name, make_target in PLAIN.items()
    ),
    *(
        (name, PLAIN[name], STRATOVIRT, Command("query-status"))
        for name in FROM_UNIX
        if name in PLAIN
    ),
]


@pytest.mark.parametrize(
    "transport, make_target, dialect, command",
    OTHERS,
    ids=[f"{dialect.title}-{name}" for name, _, dialect, _ in OTHERS],
)
def test_others_killed_and_started_again(
    transport: str,
    make_target: MakePlainTarget,
    dialect: Dialect,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An agent is brought in step again, however far the stream is when the client is made."""
    needs("socat", *NEEDS.get(transport, ()))
    with ExitStack() as stack:
        start = starter(dialect)
        stack.callback(start.close)
        target = make_target(start, stack)
        for name, value in target.environ.items():
            monkeypatch.setenv(name, value)
        vm = start.running()
        assert vm is not None
        asyncio.run(lose_and_ask(target.address, dialect, vm, start, command))


def starter(dialect: Dialect) -> UnixStarter:
    if dialect is STRATOVIRT:
        return StratovirtStarter()
    if not agents():
        missing("qemu-ga")
    return GuestStarter(agents()[0])


async def lose_and_ask(
    address: str, dialect: Dialect, vm: Vm, start: UnixStarter, command: Command
) -> None:
    options = ClientOptions(dialect=dialect if dialect is GUEST_AGENT else QEMU)
    client = Client.connect(parse_address(address), options)
    session = Session(client, Settings(), Silent(), address)
    driver = Driver(session, lambda: None)
    driver.start()
    try:
        # socat, which carries TLS, may hang for good if it is cut off within a reply.
        await until(lambda: session.machine.commands and session.queries.is_idle)
        vm.kill()
        await until(lambda: not session.machine.connected)
        start(vm.folder)
        await until(lambda: session.machine.connected and session.client is not client)
        assert session.client.dialect is dialect
        pending = session.client.submit(command)
        driver.arm()
        await until(lambda: pending.done)
        assert pending.result().value is not None
    finally:
        driver.stop()
        session.close()


async def lose_and_find(address: str, vm: Vm, start: Start) -> None:
    client = Client.connect(parse_address(address))
    session = Session(client, Settings(), Silent(), address)
    driver = Driver(session, lambda: None)
    driver.start()
    try:
        await until(lambda: session.machine.status == "running")
        vm.kill()
        await until(lambda: not session.machine.connected)
        start()
        await until(lambda: session.machine.connected and session.client is not client)
        await until(lambda: session.machine.status == "running")
    finally:
        driver.stop()
        session.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)
