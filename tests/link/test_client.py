"""The client over streams that are no sockets: every order of bytes and of failures."""

from __future__ import annotations

import json
import time

import pytest

from qmpsh.errors import (
    Busy,
    CannotConnect,
    CommandFailed,
    ConnectionLost,
    ConnectTimeout,
    FrameTooLong,
    NotQmp,
    ProtocolError,
    QmpshError,
    ReplyTimeout,
    UsageError,
)
from qmpsh.jsontypes import JsonObject
from qmpsh.link.address import UnixAddress
from qmpsh.link.client import Client, ClientOptions, Subscriber
from qmpsh.link.outbox import WINDOW
from qmpsh.wire.messages import Command, ErrorReply, Event, Reply
from tests.link.fakes import FakeStream
from tests.link.servers import GREETING

ADDRESS = UnixAddress("/m.sock")
READY = ClientOptions(negotiate=False)
STOP = Command("stop")
EVENT: JsonObject = {"event": "STOP"}


def line(message: JsonObject) -> bytes:
    return json.dumps(message).encode() + b"\r\n"


def reply(id: str, value: JsonObject | None = None) -> bytes:
    return line({"return": value or {}, "id": id})


def ready(stream: FakeStream) -> Client:
    """A client that may send at once."""
    return Client(stream, ADDRESS, READY)


class Heard(list[Event | Reply | ErrorReply]):
    """A subscriber that remembers."""

    @property
    def subscriber(self) -> Subscriber:
        return self.append


def sent(stream: FakeStream) -> list[str]:
    """The names of the commands that were written, and how."""
    written = b"".join(stream.sent)
    return [next(iter(json.loads(text).values())) for text in written.decode().split("\n") if text]


# ------------------------------------------------------------------------ beginning


def begin(
    stream: FakeStream, options: ClientOptions, notices: list[str] | None = None
) -> tuple[Client, QmpshError | None]:
    client = Client(stream, ADDRESS, options)
    try:
        client.begin(time.monotonic(), None if notices is None else notices.append)
    except QmpshError as error:
        client.close()
        return client, error
    return client, None


def test_greeted_and_negotiated() -> None:
    stream = FakeStream([None, line(GREETING), line(EVENT), reply("1")])
    client, error = begin(stream, ClientOptions())
    assert error is None
    assert client.greeting is not None
    assert [json.loads(data) for data in stream.sent] == [
        {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": "1"}
    ]
    heard = Heard()
    client.subscriber = heard.subscriber
    assert [type(message) for message in heard] == [Event]
    client.close()


def test_oob_not_wanted() -> None:
    stream = FakeStream([line(GREETING), reply("1")])
    begin(stream, ClientOptions(oob=False))[0].close()
    assert stream.sent == [b'{"execute":"qmp_capabilities","id":"1"}\n']


CLOSED_EARLY = (
    "/m.sock closed the connection before a session began: the VM has just ended, or something"
    " else than QEMU listens there"
)
HMP = "/m.sock is a human monitor (HMP), not QMP; use -qmp, or mode=control on that -mon"


@pytest.mark.parametrize(
    "received, kind, text",
    [
        ([b""], CannotConnect, CLOSED_EARLY),
        ([b'{"QMP":', b""], CannotConnect, CLOSED_EARLY),
        ([line(GREETING), b""], CannotConnect, CLOSED_EARLY),
        ([b"QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) "], NotQmp, HMP),
        ([b"Q", b"EMU"], NotQmp, HMP),
        (
            [b"\xff\xfb\x01\xff\xfb\x03"],
            NotQmp,
            "/m.sock is a monitor with telnet=on; start it without, or with -qmp",
        ),
        ([b"RFB 003.008\n"], NotQmp, "/m.sock is a VNC server, not a QMP monitor"),
        (
            [b"HTTP/1.0 400 \x1b[31mBad request, dear friend of sockets\r\n"],
            NotQmp,
            "/m.sock does not speak QMP; it began with"
            " 'HTTP/1.0 400 \\x1b[31mBad request, dear frie'",
        ),
        (
            [line({"hello": 1})],
            NotQmp,
            "/m.sock: the server sent a message of no known kind (members: 'hello')",
        ),
        ([line(EVENT)], NotQmp, "/m.sock: the server sent messages without a greeting"),
        (
            [line(GREETING), line({"error": {"class": "GenericError", "desc": "no"}})],
            NotQmp,
            "/m.sock: the server refused the negotiation: no",
        ),
        (
            [line(GREETING), b"Killed\n"],
            NotQmp,
            "/m.sock does not speak QMP; it began with 'Killed\\n'",
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


def test_silence() -> None:
    stream = FakeStream([])
    notices: list[str] = []
    _, error = begin(stream, ClientOptions(connect_timeout=0.05, notice_after=0.01), notices)
    assert type(error) is Busy
    assert str(error) == (
        "connected to /m.sock, but no greeting within 0.05 s: another client probably holds this"
        " monitor, which serves one at a time, or the VM is stopped; close that client, or give"
        " QEMU a second -qmp"
    )
    assert notices == [
        "connected to /m.sock, but no greeting yet: another client may hold this monitor, which"
        " serves one at a time; waiting up to 0.05 s"
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
    client.begin(time.monotonic(), notice)
    assert [text.rpartition("; ")[2] for text in notices] == ["waiting"]
    client.close()


def test_silence_after_the_greeting() -> None:
    _, error = begin(FakeStream([line(GREETING)]), ClientOptions(connect_timeout=0.05))
    assert type(error) is ConnectTimeout
    assert str(error) == (
        "/m.sock greeted, but did not answer qmp_capabilities within 0.05 s: the VM is stopped or"
        " overloaded"
    )


# ------------------------------------------------------------------------ commands


def test_execute() -> None:
    client = ready(FakeStream([None, line(EVENT) + reply("1", {"a": 1})]))
    answer = client.execute(STOP)
    assert answer == Reply("1", {"a": 1}, 31, {"return": {"a": 1}, "id": "1"})
    assert client.in_flight == 0
    client.close()


def test_command_failed() -> None:
    failure = {"error": {"class": "DeviceNotFound", "desc": "gone"}, "id": "1"}
    client = ready(FakeStream([json.dumps(failure).encode()]))
    with pytest.raises(CommandFailed) as caught:
        client.execute(STOP)
    assert str(caught.value) == "DeviceNotFound: gone"
    assert caught.value.command_id == "1"
    client.close()


def test_pending() -> None:
    stream = FakeStream([])
    client = ready(stream)
    pending = client.submit(STOP)
    assert (pending.command, pending.id, pending.done) == (STOP, "1", False)
    assert pending.seconds == 0.0
    assert client.in_flight == 1
    with pytest.raises(ReplyTimeout, match=r"^no reply to stop yet$"):
        pending.result()
    stream.received.append(reply("1"))
    assert client.poll(0)
    assert pending.done
    assert pending.result().value == {}
    assert pending.seconds > 0.0
    client.close()


def test_reply_timeout_leaves_the_client_in_step() -> None:
    stream = FakeStream([])
    client = ready(stream)
    heard = Heard()
    client.subscriber = heard.subscriber
    with pytest.raises(ReplyTimeout) as caught:
        client.execute(STOP, timeout=0.01)
    assert str(caught.value) == "no reply to stop within 0.01 s; it may still be carried out"
    stream.received += [reply("1", {"late": 1}) + reply("2", {"right": 1})]
    assert client.execute(Command("cont"), timeout=5.0).value == {"right": 1}
    assert heard == []
    client.close()


def test_what_cannot_be_sent_is_not_pending() -> None:
    stream = FakeStream([])
    client = ready(stream)
    with pytest.raises(UsageError):
        client.submit(Command("a", {"b": "\ud800"}))
    assert client.in_flight == 0
    assert stream.sent == []
    client.close()


def test_window_and_out_of_band() -> None:
    stream = FakeStream([])
    client = ready(stream)
    pendings = [client.submit(Command(f"c{n}")) for n in range(10)]
    client.submit(Command("yank", oob=True))
    assert client.in_flight == 11
    assert not client.wants_write
    names = [f"c{n}" for n in range(10)]
    assert sent(stream) == [*names[:WINDOW], "yank"]
    stream.received.append(b"".join(reply(pending.id) for pending in pendings[:2]))
    client.poll(0)
    assert sent(stream) == [*names[:WINDOW], "yank", *names[WINDOW : WINDOW + 2]]
    client.close()


def test_nothing_comes_between_the_bytes_of_a_command() -> None:
    stream = FakeStream([], room=0)
    client = ready(stream)
    client.submit(Command("first"))
    stream.room = 5
    client.poll(0)
    stream.room = 0
    client.submit(Command("second"))
    client.submit(Command("yank", oob=True))
    assert client.wants_write
    stream.room = 7
    while client.wants_write:
        client.poll(0)
    assert sent(stream) == ["first", "yank", "second"]
    client.close()


def test_each_command_is_one_send() -> None:
    stream = FakeStream([])
    client = ready(stream)
    client.submit(Command("a", {"b": "x" * 8000}))
    client.submit(Command("quit"))
    assert len(stream.sent) == 2
    assert stream.sent[0].endswith(b"}\n")
    assert stream.sent[1].endswith(b"}")
    client.close()


# ------------------------------------------------------------------------ what nobody asked for


def test_events_and_stray_replies_go_to_the_subscriber() -> None:
    stray = line({"return": 1, "id": "libvirt-7"}) + line(
        {"error": {"class": "GenericError", "desc": "x"}}
    )
    client = ready(FakeStream([line(EVENT) + stray]))
    client.poll(0)
    heard = Heard()
    client.subscriber = heard.subscriber
    assert client.subscriber is not None
    assert [type(message) for message in heard] == [Event, Reply, ErrorReply]
    client.subscriber = None
    client.close()


def test_a_subscriber_may_submit_and_close() -> None:
    stream = FakeStream([line(EVENT) + line(EVENT)])
    client = ready(stream)

    def leave(_message: object) -> None:
        client.submit(STOP)
        client.close()

    client.subscriber = leave
    client.poll(0)
    assert sent(stream) == ["stop"]
    assert client.closed


def test_a_late_greeting() -> None:
    client = ready(FakeStream([line(GREETING)]))
    client.poll(0)
    assert client.greeting is not None
    client.close()


def test_tracer() -> None:
    traced: list[tuple[str, JsonObject]] = []
    stream = FakeStream([line(GREETING), reply("1"), line(EVENT) + reply("1", {"a": 1})])

    def trace(direction: str, message: JsonObject) -> None:
        traced.append((direction, message))

    client = Client(stream, ADDRESS, ClientOptions(oob=False), trace)
    client.begin(time.monotonic())
    client.execute(STOP)
    assert traced == [
        ("<-", GREETING),
        ("->", {"execute": "qmp_capabilities", "id": "1"}),
        ("<-", {"return": {}, "id": "1"}),
        ("->", {"execute": "stop", "id": "1"}),
        ("<-", EVENT),
        ("<-", {"return": {"a": 1}, "id": "1"}),
    ]
    client.close()


# ------------------------------------------------------------------------ the end


@pytest.mark.parametrize(
    "received, kind, text",
    [
        ([b""], ConnectionLost, "the server closed the connection"),
        (
            [b'{"return": ', b""],
            ConnectionLost,
            "the server closed the connection in the middle of a message",
        ),
        ([b"oops\n"], ProtocolError, "the server sent what is not JSON"),
        ([b'{"a":' + b"1" * 100], FrameTooLong, "the server sent a message of more than 64 bytes"),
    ],
)
def test_loss_resolves_everything(
    received: list[bytes | None], kind: type[ConnectionLost], text: str
) -> None:
    stream = FakeStream(received)
    client = Client(stream, ADDRESS, ClientOptions(negotiate=False, limit=64))
    pendings = [client.submit(STOP) for _ in range(10)]
    with pytest.raises(ConnectionLost):
        client.execute(STOP)
    assert type(client.lost) is kind
    assert str(client.lost) == text
    assert [pending.error for pending in pendings] == [client.lost] * 10
    assert (client.closed, stream.closed, client.in_flight) == (True, True, 0)
    assert sent(stream) == ["stop"] * WINDOW
    assert not client.poll(0)
    with pytest.raises(ConnectionLost) as caught:
        client.submit(STOP)
    assert str(caught.value) == f"stop was not sent, there is no connection: {text}"


def test_close() -> None:
    stream = FakeStream([])
    client = ready(stream)
    pending = client.submit(STOP)
    client.close()
    client.close()
    assert str(pending.error) == "the connection was closed before the reply"
    assert client.lost is None
    assert client.closed
    assert client.fileno() == -1
    with pytest.raises(ConnectionLost, match=r"^stop was not sent, there is no connection$"):
        client.execute(STOP)


def test_what_the_server_said_last_is_heard_before_the_loss() -> None:
    broken = ConnectionLost("gone")
    stream = FakeStream([line({"event": "SHUTDOWN"})], broken=broken)
    client = ready(stream)
    heard = Heard()
    client.subscriber = heard.subscriber
    pending = client.submit(STOP)
    assert not pending.done
    assert not client.wants_write
    assert client.poll(5.0)
    assert [type(message) for message in heard] == [Event]
    assert not client.closed
    assert client.poll(5.0)
    assert client.lost is broken
    assert pending.error is broken


def test_a_read_that_fails() -> None:
    class Failing(FakeStream):
        def recv(self, size: int) -> bytes | None:
            raise ConnectionLost("the connection broke: Connection timed out")

    client = ready(Failing([]))
    with pytest.raises(ConnectionLost, match=r"^the connection broke: Connection timed out$"):
        client.execute(STOP)


def test_a_reply_just_before_the_end_counts() -> None:
    client = ready(FakeStream([reply("1", {"last": 1}), b""]))
    assert client.execute(Command("quit")).value == {"last": 1}
    assert client.poll(0)
    assert client.closed
