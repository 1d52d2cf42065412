"""The client against servers on real sockets, which misbehave in real ways."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.connect import SocketStream
from qmpsh.errors import CannotConnect, ConnectionLost, ConnectTimeout, ReplyTimeout
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command, Event
from tests.client.servers import Behaviour, Peer, serving
from tests.hmp import BANNER
from tests.waiting import PATIENCE

STOP = Command("stop")


@contextlib.contextmanager
def client_of(behaviour: Behaviour) -> Iterator[Client]:
    with serving(behaviour) as path:
        client = Client.connect(UnixAddress(path), ClientOptions())
        try:
            yield client
        finally:
            client.close()


def test_close_during_execute() -> None:
    def behave(peer: Peer) -> None:
        peer.greet()
        peer.receive()

    with client_of(behave) as client, pytest.raises(ConnectionLost) as caught:
        client.execute(STOP, PATIENCE)
    assert str(caught.value) == "the server closed the connection"


def test_end_inside_a_reply() -> None:
    def behave(peer: Peer) -> None:
        peer.greet()
        peer.receive()
        peer.connection.sendall(b'{"return": {')

    with client_of(behave) as client, pytest.raises(ConnectionLost) as caught:
        client.execute(STOP, PATIENCE)
    assert str(caught.value) == "the server closed the connection in the middle of a message"


def test_ten_thousand_events_before_the_reply() -> None:
    def behave(peer: Peer) -> None:
        peer.greet()
        request = peer.receive()
        for n in range(10_000):
            peer.send({"event": "RESET", "data": {"n": n}})
        peer.reply(request)

    numbers = []
    with client_of(behave) as client:
        client.subscriber = lambda message: numbers.append(
            message.data["n"] if isinstance(message, Event) else None
        )
        client.execute(STOP, PATIENCE)
    assert numbers == list(range(10_000))


def test_slow_drip() -> None:
    def behave(peer: Peer) -> None:
        peer.greet()
        request = peer.receive()
        answer = json.dumps({"return": {"a": ["b"]}, "id": request["id"]}, indent=4)
        for character in answer:
            peer.connection.send(character.encode())

    with client_of(behave) as client:
        assert client.execute(STOP, PATIENCE).value == {"a": ["b"]}


def test_a_large_reply() -> None:
    value: Json = [{"name": f"type-{n}"} for n in range(100_000)]

    def behave(peer: Peer) -> None:
        peer.greet()
        peer.reply(peer.receive(), value)

    with client_of(behave) as client:
        assert client.execute(STOP, PATIENCE).value == value


def test_large_requests_while_nobody_reads() -> None:
    mine, other = socket.socketpair()
    client = Client(SocketStream(mine), UnixAddress("/x"), ClientOptions(negotiate=False))
    pendings = [client.submit(Command("a", {"b": "x" * 500_000})) for _ in range(3)]
    assert client.wants_write
    assert not client.poll(0)

    def answer() -> None:
        peer = Peer(other)
        for _ in pendings:
            peer.reply(peer.receive())

    server = threading.Thread(target=answer, daemon=True)
    server.start()
    while not all(pending.done for pending in pendings):
        assert client.poll(PATIENCE)
    server.join(PATIENCE)
    other.close()
    client.close()


def test_an_interrupt_leaves_the_client_in_step() -> None:
    go_on = threading.Event()

    def behave(peer: Peer) -> None:
        peer.greet()
        first = peer.receive()
        go_on.wait(PATIENCE)
        peer.reply(first, "first")
        peer.reply(peer.receive(), "second")

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    with client_of(behave) as client:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            with pytest.raises(KeyboardInterrupt):
                client.execute(STOP)
        finally:
            signal.signal(signal.SIGALRM, before)
            go_on.set()
        assert client.execute(STOP, PATIENCE).value == "second"


def test_an_interrupt_while_connecting_closes_the_socket() -> None:
    ended = threading.Event()

    def behave(peer: Peer) -> None:
        with contextlib.suppress(EOFError):
            peer.receive()  # nothing may have been sent
        ended.set()

    def interrupt(_text: str) -> None:
        raise KeyboardInterrupt

    with serving(behave) as path:
        with pytest.raises(KeyboardInterrupt):
            Client.connect(UnixAddress(path), ClientOptions(notice_after=0.0), interrupt)
        assert ended.wait(PATIENCE)


def test_closed_before_the_greeting() -> None:
    with serving(lambda peer: None) as path, pytest.raises(CannotConnect) as caught:
        Client.connect(UnixAddress(path))
    assert str(caught.value) == (
        f"{path} closed the connection before a session began: the VM has just ended, or"
        " something else than QEMU listens there"
    )


def test_a_human_monitor_without_a_prompt() -> None:
    def behave(peer: Peer) -> None:
        peer.connection.sendall(BANNER)
        while peer.connection.recv(100):
            """Says nothing until the client leaves."""

    with serving(behave) as path, pytest.raises(ConnectTimeout) as caught:
        Client.connect(UnixAddress(path), ClientOptions(0.2))
    assert str(caught.value).startswith(
        f"{path} greeted as an HMP monitor, but did not get to its prompt within 0.2 s: the VM is"
        " stopped or overloaded; kill -CONT wakes a stopped process"
    )


def test_timeout_of_nothing() -> None:
    def behave(peer: Peer) -> None:
        peer.greet()
        while peer.receive():
            """Says nothing until the client leaves."""

    with client_of(behave) as client:
        for timeout in (0.0, 0.001):
            with pytest.raises(ReplyTimeout):
                client.execute(STOP, timeout)
        assert client.in_flight == 2
        assert not client.poll(0)


def test_a_server_that_does_not_greet() -> None:
    with serving(lambda peer: peer.reply(peer.receive(), "pong")) as path:
        client = Client.connect(UnixAddress(path), ClientOptions(negotiate=False))
        assert client.connection.greeting is None
        assert client.execute(Command("guest-ping"), PATIENCE).value == "pong"
        client.close()


def test_a_server_that_went_while_we_were_not_looking() -> None:
    said_all = threading.Event()

    def behave(peer: Peer) -> None:
        peer.greet()
        peer.send({"event": "SHUTDOWN"})
        said_all.set()

    with client_of(behave) as client:
        heard: list[object] = []
        client.subscriber = heard.append
        assert said_all.wait(PATIENCE)
        pending = client.submit(STOP)
        while not pending.done:
            client.poll(PATIENCE)
        assert str(pending.error) == "the server closed the connection"
        assert [type(message) for message in heard] == [Event]
