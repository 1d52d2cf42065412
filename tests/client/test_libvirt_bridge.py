"""The bridge to libvirt with a libvirt of a few lines behind it, for what the real one does too
seldom or too slowly: commands that take their time, and a host that goes in the middle of one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from qmpsh.client.client import Client
from qmpsh.client.dialect import remark
from qmpsh.client.transports.libvirt import Bridge, BridgeStream, LibvirtAddress
from qmpsh.client.transports.libvirt_api import (
    Domain,
    EventHeard,
    Host,
    HostClosed,
    Library,
    LibvirtError,
    LifeHeard,
)
from qmpsh.errors import CommandFailed, ConnectionLost
from qmpsh.protocol.messages import Command, Event
from qmpsh.system.peer import peer_pid
from tests.client.fakes import Heard
from tests.waiting import PATIENCE, wait_until


class FakeError(LibvirtError):
    """libvirt.libvirtError."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code

    def get_error_code(self) -> int:
        return self.code


class FakeLibvirt:
    """Both modules, the host and its one domain, `vm`.

    obey: what the pass-through does with a command; the greeting's question does not come here
    """

    libvirtError = FakeError
    VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0
    VIR_DOMAIN_EVENT_STOPPED = 5

    def __init__(self, obey: Callable[[str], str]) -> None:
        self.obey = obey
        self.alive = self.active = 1
        self.registered: list[object] = []

    # ---- the modules

    def open(self, uri: str | None) -> Host:
        assert uri is None
        return self

    def registerErrorHandler(self, handler: object, opaque: None) -> int:
        raise NotImplementedError

    def virEventRegisterDefaultImpl(self) -> int:
        raise NotImplementedError

    def virEventRunDefaultImpl(self) -> int:
        raise NotImplementedError

    def qemuMonitorCommand(self, domain: Domain, command: str, flags: int) -> str:
        if "query-version" in command:
            return '{"return": {"qemu": {"major": 9, "minor": 1, "micro": 0}, "package": ""}}'
        return self.obey(command)

    def qemuMonitorEventRegister(
        self, host: Host, domain: Domain, event: None, heard: EventHeard, opaque: None
    ) -> int:
        self.hear_event = heard
        self.registered.append("event")
        return 1

    def qemuMonitorEventDeregister(self, host: Host, id: int) -> None:
        self.registered.remove("event")

    # ---- the host

    def getURI(self) -> str:
        return "fake:///"

    def isAlive(self) -> int:
        return self.alive

    def close(self) -> int:
        self.registered.append("closed")
        return 0

    def setKeepAlive(self, interval: int, count: int) -> int:
        raise FakeError("not supported")

    def lookupByID(self, id: int) -> Domain:
        raise FakeError("no such id")

    def lookupByUUIDString(self, uuid: str) -> Domain:
        raise FakeError("no such uuid")

    def lookupByName(self, name: str) -> Domain:
        return self

    def listAllDomains(self, flags: int) -> list[Domain]:
        return [self]

    def registerCloseCallback(self, heard: HostClosed, opaque: None) -> int:
        self.hear_close = heard
        self.registered.append("close")
        return 0

    def unregisterCloseCallback(self) -> int:
        self.registered.remove("close")
        return 0

    def domainEventRegisterAny(
        self, domain: Domain, kind: int, heard: LifeHeard, opaque: None
    ) -> int:
        self.hear_life = heard
        self.registered.append("life")
        return 2

    def domainEventDeregisterAny(self, id: int) -> None:
        self.registered.remove("life")

    # ---- the domain

    def name(self) -> str:
        return "vm"

    def ID(self) -> int:
        return 1

    def state(self) -> list[int]:
        return [1, 0]

    def isActive(self) -> int:
        return self.active

    def messages(self, flags: int) -> list[str]:
        return []


def connected(fake: FakeLibvirt) -> Client:
    client = Client(BridgeStream(Bridge(Library(fake, fake), "", "vm")), LibvirtAddress("", "vm"))
    wait_until(lambda: (client.poll(0), client.ready or client.closed)[1], PATIENCE, "a session")
    return client


def until(client: Client, predicate: Callable[[], bool]) -> None:
    wait_until(lambda: (client.poll(0), predicate())[1], PATIENCE, "what was to come")


def test_a_slow_command_holds_up_no_event() -> None:
    answer = threading.Event()

    def obey(command: str) -> str:
        assert answer.wait(PATIENCE)
        return '{"return": {}, "id": "libvirt-7"}'

    fake = FakeLibvirt(obey)
    client = connected(fake)
    heard = Heard()
    client.subscriber = heard.subscriber
    pending = client.submit(Command("migrate"))
    fake.hear_event(fake, fake, "STOP", 12, 500000, None, None)
    fake.hear_event(fake, fake, "JOB", 13, 0, '{"id":"j"}', None)
    until(client, lambda: len(heard) == 2)
    assert [(e.name, e.time, e.data) for e in heard if isinstance(e, Event)] == [
        ("STOP", 12.5, {}),
        ("JOB", 13.0, {"id": "j"}),
    ]
    assert not pending.done
    answer.set()
    until(client, lambda: pending.done)
    assert pending.result().value == {}
    client.close()
    wait_until(lambda: fake.registered == ["closed"], PATIENCE, "everything undone")


def test_greeting() -> None:
    client = connected(FakeLibvirt(lambda _: "{}"))
    greeting = client.connection.greeting
    assert greeting is not None
    assert (greeting.version, greeting.capabilities) == ("9.1.0", ())
    assert remark("libvirt:x", greeting) == (
        "libvirt now marks the domain vm as tainted (custom-monitor): it does not see what commands"
        " to the monitor change"
    )
    # Else the executable of the server would be taken for our own.
    assert peer_pid(client.fileno()) is None
    client.close()


def test_requests_go_on_without_the_clients_id() -> None:
    seen: list[str] = []

    def obey(command: str) -> str:
        seen.append(command)
        return json.dumps({"return": len(seen)})

    client = connected(FakeLibvirt(obey))
    pendings = [client.submit(Command("a", {"n": n})) for n in range(3)]
    until(client, lambda: pendings[-1].done)
    assert [pending.result().value for pending in pendings] == [1, 2, 3]
    assert [json.loads(text) for text in seen] == [
        {"execute": "a", "arguments": {"n": n}} for n in range(3)
    ]
    client.close()


def test_the_domain_ends_in_the_middle_of_a_command() -> None:
    def obey(command: str) -> str:
        fake.active = 0
        fake.hear_event(fake, fake, "SHUTDOWN", 1, 0, '{"reason":"host-signal"}', None)
        fake.hear_life(fake, fake, fake.VIR_DOMAIN_EVENT_STOPPED, 1, None)
        raise FakeError("domain is not running")

    fake = FakeLibvirt(obey)
    client = connected(fake)
    heard = Heard()
    client.subscriber = heard.subscriber
    with pytest.raises(ConnectionLost, match=r"^the server closed the connection$"):
        client.execute(Command("stop"), PATIENCE)
    assert [event.name for event in heard if isinstance(event, Event)] == ["SHUTDOWN"]


@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
def test_libvirt_goes_in_the_middle_of_a_command(told: bool) -> None:
    def obey(command: str) -> str:
        fake.alive = 0
        if told:
            fake.hear_close(fake, 1, None)
        raise FakeError("End of file while reading data: Input/output error")

    fake = FakeLibvirt(obey)
    client = connected(fake)
    with pytest.raises(ConnectionLost, match=r"^libvirt at fake:/// hung up: its daemon ended, "):
        client.execute(Command("stop"), PATIENCE)


def test_an_error_of_libvirts_own() -> None:
    def obey(command: str) -> str:
        raise FakeError("access denied:\n  no.", 88)

    client = connected(FakeLibvirt(obey))
    with pytest.raises(CommandFailed, match=r"^GenericError: libvirt: access denied: no$"):
        client.execute(Command("stop"), PATIENCE)
    assert client.ready
    client.close()


def test_a_fault_of_the_bridges_own_is_told() -> None:
    client = connected(FakeLibvirt(lambda _: "no JSON"))
    with pytest.raises(ConnectionLost, match=r"^libvirt: JSONDecodeError: Expecting value"):
        client.execute(Command("stop"), PATIENCE)
