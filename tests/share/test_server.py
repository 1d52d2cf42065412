"""Several clients of one monitor, on a real QEMU."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from qmpsh.client.client import Client
from qmpsh.jsontypes import JsonObject, as_dict, get_str
from qmpsh.protocol.messages import Command
from qmpsh.share.server import MAX_NEWS, QUIET_SECONDS
from tests.qemu import Vm
from tests.share.holder import NEGOTIATE, NEGOTIATE_OOB, Holder, RawClient
from tests.waiting import PATIENCE, wait_until

MANY = "sends many commands; .share counts them"


@pytest.fixture
def holder(vm: Vm) -> Iterator[Holder]:
    holder = Holder(vm.path)
    yield holder
    holder.close_all()


def test_two_clients_and_the_holder(holder: Holder) -> None:
    first, second = RawClient(holder), RawClient(holder)
    first.negotiate()
    second.negotiate()
    first.send({"execute": "query-name", "id": 1}, {"execute": "query-status", "id": [2]})
    second.send({"execute": "query-status", "id": "x"})
    pending = holder.client.submit(Command("query-version"))
    assert [one["id"] for one in first.gets(2)] == [1, [2]]
    assert [one["id"] for one in second.gets(1)] == ["x"]
    holder.run_until(lambda: pending.done)
    assert "qemu" in as_dict(pending.result().value)


def test_events_reach_all_who_negotiated(holder: Holder) -> None:
    first, second, silent = RawClient(holder), RawClient(holder), RawClient(holder)
    first.negotiate(NEGOTIATE_OOB)
    second.negotiate()
    first.send({"execute": "stop"})
    assert sorted("event" in one for one in first.gets(2)) == [False, True]
    assert [one["event"] for one in second.gets(1)] == ["STOP"]
    assert len(silent.gets(1)) == 1
    assert silent.read() == []


def test_requests_in_order_and_out_of_band(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate(NEGOTIATE_OOB)
    schemas: list[JsonObject] = [{"execute": "query-qmp-schema", "id": n} for n in range(5)]
    client.send(*schemas, {"exec-oob": "query-yank", "id": "oob"})
    ids = [one["id"] for one in client.gets(6)]
    assert [one for one in ids if one != "oob"] == list(range(5))
    assert ids[-1] != "oob"


def test_refusals_are_those_of_qemu(holder: Holder, vm: Vm) -> None:
    lines = [
        '{"execute":"query-status","id":1}', '{"exec-oob":"qmp_capabilities"}', '{"id":3}',
        '{"execute":1}', '{"execute":"stop","arguments":[]}', '{"execute":"stop","x":1,"id":9}',
        "[1]", '{"execute":"qmp_capabilities","arguments":{"x":1}}',
        '{"execute":"qmp_capabilities","arguments":{"enable":"oob"}}',
        '{"execute":"qmp_capabilities","id":null}', '{"execute":"qmp_capabilities"}',
        '{"exec-oob":"query-yank"}', '{"execute":"nope","id":{"a":[1]}}',
        '{"execute":"query-status","arguments":{"x":1}}', "{'execute': 'query-name'}",
    ]  # fmt: skip
    shared = RawClient(holder)
    shared.send(*lines)
    through = shared.gets(len(lines) + 1)
    holder.close()
    direct = RawClient(holder, vm.path)
    direct.send(*lines)
    wait_until(lambda: len(direct.read()) > len(lines))
    assert through == direct.received


def test_a_client_that_leaves_does_not_take_its_command_along(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    client.send({"execute": "query-qmp-schema"}, {"execute": "stop"})
    client.socket.close()
    holder.run_until(lambda: not holder.server.clients)
    status = holder.client.submit(Command("query-status"))
    holder.run_until(lambda: status.done)
    assert holder.news[-1].text == "left; query-qmp-schema, stop goes on"
    assert get_str(status.result().value, "status") == "paused"


def test_half_closed_it_gets_all_replies(holder: Holder) -> None:
    client = RawClient(holder)
    client.send(NEGOTIATE, *[{"execute": "query-name"}] * 20)
    client.socket.shutdown(socket.SHUT_WR)
    assert len(client.gets(22)) == 22
    holder.run_until(lambda: client.read() == [] and client.is_over)
    assert holder.server.clients == []


def test_descriptors_go_with_the_commands_that_take_them(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    for n in range(4):
        with open(os.devnull) as file:
            request = f'{{"execute":"getfd","arguments":{{"fdname":"f{n}"}}}}'.encode()
            socket.send_fds(client.socket, [request], [file.fileno()])
    assert client.gets(4) == [{"return": {}}] * 4


def test_read_only(vm: Vm) -> None:
    holder = Holder(vm.path, read_only=True)
    client = RawClient(holder)
    client.negotiate()
    client.send({"execute": "stop", "id": 1}, {"execute": "query-status", "id": 2})
    refused, status = client.gets(2)
    assert get_str(refused["error"], "desc") == "stop was refused: this share is read-only"
    assert "return" in status
    holder.close_all()


def test_it_ends_with_the_holder(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    path = holder.own.path
    assert os.path.exists(path)
    holder.close()
    assert client.read() == []
    assert client.is_over
    assert not os.path.exists(path)
    again = Client.connect(holder.address)
    assert again.execute(Command("query-name"), PATIENCE)
    again.close()


def test_of_many_changes_few_are_said(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    stops: list[JsonObject] = [{"execute": "stop"}, {"execute": "cont"}]
    client.send(*stops * MAX_NEWS)
    client.gets(4 * MAX_NEWS)
    said = [one.text for one in holder.news if one.text]
    assert said[:3] == ["sent stop", "sent cont", "sent stop"]
    assert (len(said), said[-1]) == (MAX_NEWS, MANY)
    shared = holder.server.clients[0]
    later = monotonic() + QUIET_SECONDS + 1
    assert [shared.bounded("x", at) for at in (later, later + 1)] == ["x", "x"]


def test_an_fdset_outlives_who_has_added_it(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    with open(os.devnull) as file:
        socket.send_fds(client.socket, [b'{"execute":"add-fd"}'], [file.fileno()])
    (reply,) = client.gets(1)
    number = as_dict(reply["return"])["fdset-id"]
    assert holder.server.orphans == {}
    who = client.who
    client.socket.close()
    holder.run_until(lambda: holder.server.orphans == {number: who})
