"""The client over streams that are no sockets: every order of bytes and of failures."""

from __future__ import annotations

import json
import time

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client import queues
from qmpsh.client.client import Client, ClientOptions, wait_until_ready
from qmpsh.errors import (
    CommandFailed,
    ConnectionLost,
    FrameTooLong,
    ProtocolError,
    ReplyTimeout,
    StreamEnded,
    UsageError,
)
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply
from tests.client.fakes import FakeStream, Heard, line, reply
from tests.client.servers import GREETING

ADDRESS = UnixAddress("/m.sock")
READY = ClientOptions(negotiate=False)
WINDOW = READY.dialect.window
STOP = Command("stop")
EVENT: JsonObject = {"event": "STOP"}


def ready(stream: FakeStream) -> Client:
    """A client that may send at once."""
    return Client(stream, ADDRESS, READY)


def sent(stream: FakeStream) -> list[str]:
    """The names of the commands that were written, and how."""
    written = b"".join(stream.sent)
    return [next(iter(json.loads(text).values())) for text in written.decode().split("\n") if text]


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
    assert client.poll(None)
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
    assert str(caught.value) == "no answer to stop within 0.01 s; it may still be carried out"
    stream.received += [reply("1", {"late": 1}) + reply("2", {"right": 1})]
    assert client.execute(Command("cont"), timeout=5.0).value == {"right": 1}
    assert heard == []
    client.close()


def test_what_was_not_sent_is_told_as_such_and_never_sent() -> None:
    stream = FakeStream([], room=0)
    client = ready(stream)
    traced: list[JsonObject] = []
    client.tracer = lambda direction, message: traced.append(message)
    with pytest.raises(ReplyTimeout) as caught:
        client.execute(STOP, timeout=0.01)
    assert traced == []
    assert str(caught.value) == "stop was not sent: the server took nothing more within 0.01 s"
    stream.room = None
    waiting = [client.submit(Command(f"c{n}")) for n in range(WINDOW)]
    with pytest.raises(ReplyTimeout, match=r"^stop was not sent: "):
        client.execute(STOP, timeout=0.01)
    for pending in waiting:
        stream.received.append(reply(pending.id))
    last = client.submit(Command("cont"))
    while client.in_flight:
        client.poll(0)
        if not stream.received and not last.done:
            stream.received.append(reply(last.id))
    assert sent(stream) == [*(f"c{n}" for n in range(WINDOW)), "cont"]
    assert client.in_flight == 0
    client.close()


def test_what_was_sent_in_part_is_told_as_such() -> None:
    stream = FakeStream([], room=5)
    client = ready(stream)
    original = stream.send

    def send_once(data: bytes) -> int:
        taken, stream.room = original(data), 0
        return taken

    stream.send = send_once  # type: ignore[method-assign] # a socket that gets full
    with pytest.raises(ReplyTimeout, match=r"^stop was sent in part: .* not carried out unless"):
        client.execute(STOP, timeout=0.01)
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
    assert client.connection.greeting is not None
    client.close()


def test_tracer() -> None:
    traced: list[tuple[str, JsonObject]] = []
    stream = FakeStream([line(GREETING), reply("1"), line(EVENT) + reply("1", {"a": 1})])

    def trace(direction: str, message: JsonObject) -> None:
        traced.append((direction, message))

    client = Client(stream, ADDRESS, ClientOptions(oob=False), trace)
    wait_until_ready(client, time.monotonic())
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


def test_a_flood_is_read_in_turns() -> None:
    flood = line({"event": "RESET", "data": {"a": "x" * 2_000_000}})
    pieces = [flood[start : start + 65536] for start in range(0, len(flood), 65536)]
    stream = FakeStream([*pieces])
    client = ready(stream)
    heard = Heard()
    client.subscriber = heard.subscriber
    client.poll(0)
    assert len(stream.received) == len(pieces) - 4  # 256 KiB
    assert heard == []
    while not heard:
        assert client.poll(0)
    client.close()


def test_a_large_message_is_decoded_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn decodes for a moment, reads nothing meanwhile, and asks for the next at once."""
    monkeypatch.setattr(queues, "_DECODE_SECONDS", 0.0)
    large = line({"event": "RESET", "data": {"a": [{"b": n} for n in range(100_000)]}})
    client = ready(stream := FakeStream([large, line({"event": "STOP"})]))
    heard = Heard()
    client.subscriber = heard.subscriber
    turns = 0
    while len(heard) < 1:
        assert client.poll(0)
        turns += 1
        assert len(stream.received) == 1 or heard
        assert (client.due is None) is bool(heard)
    assert turns > 20
    client.poll(0)
    assert len(heard) == 2
    client.close()


def test_a_large_reply_makes_room_for_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the turn that decodes the last of it: the server may have no more to say."""
    monkeypatch.setattr(queues, "_DECODE_SECONDS", 0.0)
    client = ready(stream := FakeStream([]))
    pendings = [client.submit(Command(f"c{n}")) for n in range(WINDOW + 1)]
    answer: list[Json] = [{"b": n} for n in range(100_000)]
    stream.received.append(line({"return": answer, "id": pendings[0].id}))
    while not pendings[0].done:
        client.poll(0)
    assert len(sent(stream)) == WINDOW + 1
    client.close()


# ------------------------------------------------------------------------ the end


@pytest.mark.parametrize(
    "received, kind, text",
    [
        ([b""], StreamEnded, "the server closed the connection"),
        (
            [b'{"return": ', b""],
            StreamEnded,
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
