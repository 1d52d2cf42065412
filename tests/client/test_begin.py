"""How a session begins, and the sentence for each way in which it does not."""

from __future__ import annotations

import json
import time

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions, wait_until_ready
from qmpsh.errors import Busy, CannotConnect, ConnectTimeout, NotQmp, QmpshError
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import Event
from tests.client.fakes import FakeStream, Heard, line, reply
from tests.client.servers import GREETING

ADDRESS = UnixAddress("/m.sock")
EVENT: JsonObject = {"event": "STOP"}


def begin(
    stream: FakeStream, options: ClientOptions, notices: list[str] | None = None
) -> tuple[Client, QmpshError | None]:
    client = Client(stream, ADDRESS, options)
    try:
        wait_until_ready(client, time.monotonic(), None if notices is None else notices.append)
    except QmpshError as error:
        client.close()
        return client, error
    return client, None


def test_greeted_and_negotiated() -> None:
    stream = FakeStream([None, line(GREETING), line(EVENT), reply("1")])
    client, error = begin(stream, ClientOptions())
    assert error is None
    assert client.connection.greeting is not None
    assert [json.loads(data) for data in stream.sent] == [
        {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": "1"}
    ]
    heard = Heard()
    client.subscriber = heard.subscriber
    assert [type(message) for message in heard] == [Event]
    client.close()


def test_a_slow_road_is_no_silence() -> None:
    notices: list[str] = []
    client = Client(FakeStream([line(GREETING), reply("1")]), ADDRESS, ClientOptions())
    wait_until_ready(client, time.monotonic() - 5, notices.append)
    assert client.ready
    assert notices == []
    client.close()


def test_oob_not_wanted() -> None:
    stream = FakeStream([line(GREETING), reply("1")])
    begin(stream, ClientOptions(oob=False))[0].close()
    assert stream.sent == [b'{"execute":"qmp_capabilities","id":"1"}\n']


CLOSED_EARLY = (
    "/m.sock closed the connection before a session began: the VM has just ended, or something"
    " else than QEMU listens there"
)


@pytest.mark.parametrize(
    "received, kind, text",
    [
        ([b""], CannotConnect, CLOSED_EARLY),
        ([b'{"QMP":', b""], CannotConnect, CLOSED_EARLY),
        ([line(GREETING), b""], CannotConnect, CLOSED_EARLY),
        ([b"Q", b"EMU", b""], CannotConnect, CLOSED_EARLY),
        (
            [b"Q", b"UIT\r\n"],
            NotQmp,
            "/m.sock does not speak QMP; it began with 'QUIT\\r\\n'",
        ),
        ([b"RFB 003.008\n"], NotQmp, "/m.sock is a VNC server, not a QMP monitor"),
        (
            [b"220 mail.example.org \x1b[31mBid welcome, dear friend of sockets\r\n"],
            NotQmp,
            "/m.sock does not speak QMP; it began with"
            " '220 mail.example.org \\x1b[31mBid welcome, d'",
        ),
        ([b"HTTP/1.0 400 Bad"], NotQmp, "/m.sock is a web server, not a QMP monitor"),
        ([b"\x15\x03\x03"], NotQmp, "/m.sock speaks TLS; use tls:HOST:PORT?ca=FILE"),
        (
            [line({"hello": 1})],
            NotQmp,
            "/m.sock: the server sent a message of no known kind (members: 'hello')",
        ),
        ([line(EVENT) * 101], NotQmp, "/m.sock: the server sent events without a greeting"),
        (
            [line(GREETING), line({"error": {"class": "GenericError", "desc": "no"}})],
            NotQmp,
            "/m.sock: the server refused the negotiation: no",
        ),
        (
            [line(GREETING), b"Killed\n"],
            NotQmp,
            "/m.sock greeted, and then sent what is not QMP: 'Killed\\n'",
        ),
    ],
)
def test_no_session(received: list[bytes | None], kind: type[CannotConnect], text: str) -> None:
    stream = FakeStream(received)
    client, error = begin(stream, ClientOptions())
    assert type(error) is kind
    assert str(error) == text
    assert client.closed
    assert stream.closed


@pytest.mark.parametrize("received", [[b'{"QMP": ', b'{"ver'], [b"\r\n" * 7]])
def test_what_comes_and_is_no_greeting_is_no_silence(received: list[bytes | None]) -> None:
    options = ClientOptions(connect_timeout=0.05, notice_after=0.01)
    notices: list[str] = []
    _, error = begin(FakeStream(list(received)), options, notices)
    assert type(error) is NotQmp
    assert str(error) == (
        f"/m.sock sent {len(b''.join(filter(None, received)))} bytes within 0.05 s, and no greeting"
        " in them: it does not speak QMP, or the way to it is slow; --connect-timeout allows"
        " more time"
    )
    assert notices == [
        "/m.sock has not greeted yet, though it sends something; waiting up to 0.05 s"
    ]


def test_a_greeting_that_is_too_long_is_told_as_such() -> None:
    _, error = begin(FakeStream([b'{"QMP": "' + b"x" * 100]), ClientOptions(limit=64))
    assert str(error) == "/m.sock: the server sent a message of more than 64 bytes"


def test_silence() -> None:
    stream = FakeStream([])
    notices: list[str] = []
    _, error = begin(stream, ClientOptions(connect_timeout=0.05, notice_after=0.01), notices)
    assert type(error) is Busy
    assert str(error) == (
        "connected to /m.sock, but no greeting within 0.05 s: another client probably holds this"
        " monitor, which serves one at a time, or the VM is stopped; close that client, or give"
        " QEMU a second -qmp; a guest agent's socket needs --guest-agent"
    )
    assert notices == [
        "connected to /m.sock, but no greeting yet: another client may hold this monitor, which"
        " serves one at a time, or it is a guest agent, which needs --guest-agent; waiting up to"
        " 0.05 s"
    ]
    assert stream.sent == []


def test_no_notice_where_the_time_is_shorter() -> None:
    notices: list[str] = []
    _, error = begin(FakeStream([]), ClientOptions(connect_timeout=0.01), notices)
    assert type(error) is Busy
    assert notices == []


def test_notice_without_a_limit() -> None:
    stream = FakeStream([])
    notices: list[str] = []

    def notice(text: str) -> None:
        notices.append(text)
        stream.received += [line(GREETING), reply("1")]

    client = Client(stream, ADDRESS, ClientOptions(connect_timeout=None, notice_after=0.01))
    wait_until_ready(client, time.monotonic(), notice)
    assert [text.rpartition("; ")[2] for text in notices] == ["waiting"]
    client.close()


def test_silence_after_the_greeting() -> None:
    _, error = begin(FakeStream([line(GREETING)]), ClientOptions(connect_timeout=0.05))
    assert type(error) is ConnectTimeout
    assert str(error) == (
        "/m.sock greeted, but did not answer qmp_capabilities within 0.05 s: the VM is stopped or"
        " overloaded; kill -CONT wakes a stopped process, --connect-timeout gives a slow one longer"
    )
