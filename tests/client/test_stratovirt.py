"""StratoVirt: the test server keeps to wire.md section 13, and the client gets on with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client
from qmpsh.client.dialect import STRATOVIRT
from qmpsh.errors import CommandFailed, UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import Command, Event
from tests.client.fakes import Heard
from tests.qemu import new_folder, serving
from tests.waiting import PATIENCE

STATUS = Command("query-status")


class Raw:
    """A client that sends what it is told; each send is one read of the server's."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self._file = self.socket.makefile("rb")

    def next(self) -> JsonObject:
        line = self._file.readline()
        assert line.endswith(b"\r\n")
        message = json.loads(line)
        assert isinstance(message, dict)
        return message

    def ask(self, text: str) -> JsonObject:
        self.socket.sendall(text.encode())
        return self.next()

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@contextlib.contextmanager
def raw(path: str) -> Iterator[Raw]:
    client = Raw(path)
    try:
        assert client.next() == {
            "QMP": {
                "version": {
                    "qemu": {"micro": 1, "minor": 0, "major": 5},
                    "package": "StratoVirt-2.5.0",
                },
                "capabilities": [],
            }
        }
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def connected(path: str) -> Iterator[Client]:
    client = Client.connect(UnixAddress(path))
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def odd() -> Iterator[str]:
    """An old one, whose cont and system_reset fail."""
    path = f"{new_folder()}/s"
    options = ("--old", "--failing", "cont", "--failing", "system_reset")
    with serving(sys.executable, "-m", "tests.stratovirt", path, *options, path=path):
        yield path


# ------------------------------------------------------------------------ the server


def desc(reply: JsonObject) -> str:
    assert "id" not in reply
    error = reply["error"]
    assert isinstance(error, dict)
    return str(error["desc"])


def test_ids(stratovirt: str) -> None:
    with raw(stratovirt) as client:
        assert client.ask('{"execute":"query-kvm","id":"a"}')["id"] == "a"
        number = client.ask('{"execute":"query-kvm","id":1}')
        assert desc(number) == "invalid type: integer `1`, expected a string"
        assert client.ask('{"execute":"qmp_capabilities","id":"a"}') == {"return": {}}
        assert client.ask('{"execute":"block-commit","arguments":{},"id":"a"}') == {"return": {}}
        failed = client.ask('{"execute":"device_del","arguments":{"id":"x"},"id":"a"}')
        assert failed["id"] == "a"


@pytest.mark.parametrize(
    "request_text, start",
    [
        ('{"execute":"query-kvm"}{"execute":"query-kvm"}', "trailing characters at line 1 column "),
        ('{"execute":"query-', "EOF while parsing"),
        ("\n", "EOF while parsing a value"),
        ('{"execute":"x"}', "unknown variant `x`, expected one of `qmp_capabilities`, `quit`, "),
        ('{"exec-oob":"query-kvm"}', "missing field `execute`"),
        ('{"execute":"query-kvm","x":1}', "unknown field `x`, expected `arguments` or `id`"),
        (
            '{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}',
            "unknown field `enable`, there are no fields",
        ),
        (
            '{"execute":"device_add","arguments":{"id":"a","driv":"x"}}',
            "unknown field `driv`, expected one of `id`, `driver`, ",
        ),
        ('{"execute":"device_add","arguments":{"id":"a"}}', "missing field `driver`"),
        ('{"execute":"device_add"}', "missing field `arguments`"),
        ('{"execute":"query-workloads"}', "missing field `arguments`"),
        (f'{{"execute":"{"x" * 8192}"}}', "The socket message is too long."),
        ('{"execute":"getfd","arguments":{"fdname":"a"}}', "Invalid SCM message"),
    ],
)
def test_refusals(stratovirt: str, request_text: str, start: str) -> None:
    with raw(stratovirt) as client:
        assert desc(client.ask(request_text)).startswith(start)
        assert client.ask('{\n  "execute": "query-kvm",\n  "id": "a"\n}\n')["id"] == "a"


def test_answers(stratovirt: str) -> None:
    with raw(stratovirt) as client:
        assert client.ask('{"execute":"query-qmp-schema"}') == {"return": {}}
        assert client.ask('{"execute":"query-workloads","arguments":{}}') == {"return": []}
        assert client.ask('{"execute":"qom-list","arguments":{"a":1}}') == {"return": []}
        said = client.ask('{"execute":"netdev_replace","arguments":{}}')
        assert said == {"return": "netdev_replace not supported for VM"}


def test_events_come_behind_the_reply(stratovirt: str) -> None:
    with raw(stratovirt) as client:
        assert client.ask('{"execute":"stop"}') == {"return": {}}
        event = client.next()
        assert list(event) == ["event", "data", "timestamp"]
        assert (event["event"], event["data"]) == ("STOP", {})
        assert client.ask('{"execute":"quit","id":"q"}') == {"return": {}, "id": "q"}
        assert client.next()["data"] == {"guest": False, "reason": "host-qmp-quit"}


def test_the_bucket_runs_over(stratovirt: str) -> None:
    with raw(stratovirt) as client:
        replies = [client.ask('{"execute":"query-kvm"}') for _ in range(400)]
    refused = [reply["error"] for reply in replies if "error" in reply]
    said = "More than 100 requests received during 1 second"
    assert refused
    assert all(error == {"class": "OperationThrottled", "desc": said} for error in refused)


def test_one_client_at_a_time(stratovirt: str) -> None:
    with raw(stratovirt) as first:
        second = Raw(stratovirt)
        assert first.ask('{"execute":"query-kvm"}')
        second.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.socket.recv(1)
        second.socket.settimeout(PATIENCE)
    assert "QMP" in second.next()
    second.close()


# ------------------------------------------------------------------------ the client


def test_greeted_and_negotiated(stratovirt: str) -> None:
    with connected(stratovirt) as client:
        assert client.dialect is STRATOVIRT
        assert not client.connection.oob
        reply = client.execute(STATUS, PATIENCE)
        assert reply.id == reply.raw["id"]


def test_many_at_once_go_one_by_one_and_are_never_throttled(stratovirt: str) -> None:
    with connected(stratovirt) as client:
        pendings = [client.submit(STATUS) for _ in range(150)]
        assert client.due is None  # the window holds back, not the time
        paced = False
        while not all(pending.done for pending in pendings):
            client.poll(PATIENCE)
            paced = paced or client.due is not None
        for pending in pendings:
            pending.result()
        assert paced


def test_too_long_a_request_is_not_sent(stratovirt: str) -> None:
    with connected(stratovirt) as client:
        fits = Command("qom-list", {"path": "x" * 8100})
        assert client.execute(fits, PATIENCE).value == []
        long = Command("qom-list", {"path": "x" * 8192})
        with pytest.raises(UsageError, match=r"^qom-list: StratoVirt takes requests of 8192 bytes"):
            client.submit(long)
        assert client.in_flight == 0
        assert client.execute(STATUS, PATIENCE).value


def test_a_refused_exec_oob_is_answered(stratovirt: str) -> None:
    with connected(stratovirt) as client, pytest.raises(CommandFailed, match="missing field"):
        client.execute(Command("query-kvm", oob=True), PATIENCE)


def test_getfd(stratovirt: str) -> None:
    with connected(stratovirt) as client:
        fd = os.open(os.devnull, os.O_RDONLY)
        assert client.execute(Command("getfd", {"fdname": "a"}, fd=fd), PATIENCE).value == {}


def test_an_old_one(odd: str) -> None:
    with connected(odd) as client:
        assert client.dialect is STRATOVIRT
        heard = Heard()
        client.subscriber = heard.subscriber
        client.execute(Command("stop"), PATIENCE)
        while not heard:
            client.poll(PATIENCE)
        (event,) = heard
        assert isinstance(event, Event)
        assert (event.name, event.data, event.time) == ("STOP", {}, None)
        with pytest.raises(CommandFailed, match=r"^GenericError$"):
            client.execute(Command("cont"), PATIENCE)


def test_quit(stratovirt: str) -> None:
    with connected(stratovirt) as client:
        heard = Heard()
        client.subscriber = heard.subscriber
        client.execute(Command("quit"), PATIENCE)
        while not client.closed:
            client.poll(PATIENCE)
        assert [message.name for message in heard if isinstance(message, Event)] == ["SHUTDOWN"]
