"""The client on a real guest agent: in step whatever happened before, and after a loss."""

from __future__ import annotations

import socket
import time

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions, wait_until_ready
from qmpsh.client.dialect import GUEST_AGENT
from qmpsh.errors import Busy, NotQmp
from qmpsh.protocol.messages import Command
from tests.agents import Agent, AgentStarter
from tests.client.fakes import FakeStream
from tests.qemu import Vm
from tests.waiting import wait_until

OPTIONS = ClientOptions(dialect=GUEST_AGENT)
IMPATIENT = OPTIONS._replace(connect_timeout=0.3, notice_after=0.1)
PING = Command("guest-ping")


def connect(agent: Agent, options: ClientOptions = OPTIONS) -> Client:
    return Client.connect(UnixAddress(agent.path), options)


def test_ids_come_back_and_nothing_is_stray(agent: Agent) -> None:
    client = connect(agent)
    strays: list[object] = []
    client.subscriber = strays.append
    assert client.connection.greeting is None
    assert client.execute(PING).value == {}
    pendings = [client.submit(Command("guest-sync", {"id": number})) for number in range(20)]
    wait_until(lambda: client.poll(0.1) and all(pending.done for pending in pendings))
    assert [pending.result().value for pending in pendings] == [*range(20)]
    assert strays == []
    client.close()


def test_half_a_command_of_another_client(agent: Agent) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(agent.path)
        other.sendall(b'{"execute":"guest-ping"}{"execute":"guest-pi')
        # Read, since this agent ends when a client leaves with an answer unread.
        assert other.recv(100) == b'{"return": {}}\n'
    client = connect(agent)
    assert client.execute(PING).value == {}
    client.close()


def test_a_sentinel_of_the_user(agent: Agent) -> None:
    client = connect(agent)
    command = Command("guest-sync-delimited", {"id": 7})
    assert [client.execute(command).value for _ in range(2)] == [7, 7]
    client.close()


def test_busy_then_free(agent: Agent) -> None:
    first = connect(agent)
    notices: list[str] = []
    with pytest.raises(Busy) as caught:
        Client.connect(UnixAddress(agent.path), IMPATIENT, notices.append)
    assert notices == [
        f"connected to {agent.path}, but no answer from the guest agent yet: it may not run in the"
        " guest, or another client may hold it; waiting up to 0.3 s"
    ]
    assert str(caught.value) == (
        f"connected to {agent.path}, but the guest agent did not answer within 0.3 s: qemu-ga does"
        " not run in the guest, the VM is stopped or has no device for it (-device"
        " virtserialport,name=org.qemu.guest_agent.0), or another client holds this socket"
    )
    first.close()
    # What the impatient one had sent was carried out meanwhile, for nobody.
    second = connect(agent)
    assert second.execute(PING).value == {}
    second.close()


def test_again_without_waiting(start_agent: AgentStarter) -> None:
    agent = start_agent()
    client = connect(agent)
    agent.process.kill()
    wait_until(lambda: client.poll(0.1) and client.closed)
    start_agent(agent.folder)
    other = Client.open(client.address, client.options)
    wait_until(lambda: other.poll(0.1) and other.ready)
    assert other.execute(PING).value == {}
    other.close()


def test_a_monitor_is_no_agent(vm: Vm) -> None:
    with pytest.raises(NotQmp, match="is a QMP monitor, no guest agent; leave out --guest-agent"):
        Client.connect(UnixAddress(vm.path), OPTIONS)


def test_a_forgotten_command_holds_nothing_up() -> None:
    stream = FakeStream([])
    client = Client(stream, UnixAddress("/m.sock"), OPTIONS._replace(negotiate=False))
    silent = [client.submit(Command("guest-suspend-ram")) for _ in range(20)]
    for pending in silent:
        client.forget(pending)
        client.forget(pending)
    sent = len(stream.sent)
    ping = client.submit(PING)
    assert (client.in_flight, len(stream.sent)) == (1, sent + 1)
    client.close()
    assert ping.done


def test_nothing_is_written_before_the_stream_is_there() -> None:
    """Nor is it waited for room, of which a descriptor on its way may have plenty."""
    stream = FakeStream([], room=0)
    stream.awaits = "the TLS handshake"
    client = Client(stream, UnixAddress("/m.sock"), OPTIONS)
    assert not client.wants_write
    stream.awaits, stream.room = "", None
    assert client.wants_write
    client.poll(0)
    assert len(stream.sent) == 1
    assert stream.sent[0].startswith(b'\xff\xff{"execute":"guest-sync-delimited"')
    assert not client.wants_write
    client.close()


def test_the_time_of_a_silent_agent_is_the_connect_timeout() -> None:
    client = Client(FakeStream([]), UnixAddress("/m.sock"), IMPATIENT)
    with pytest.raises(Busy):
        wait_until_ready(client, time.monotonic(), None)
    client.close()
