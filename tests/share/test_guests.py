"""Clients of a share that want much, take nothing, or send what should not pass; on a real QEMU."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject, get_str
from qmpsh.protocol.messages import Command
from qmpsh.share.requests import MAX_REQUEST_BYTES
from qmpsh.share.server import MAX_CLIENTS
from tests.qemu import Vm
from tests.share.holder import Holder, RawClient

SCHEMA: JsonObject = {"execute": "query-qmp-schema"}


@pytest.fixture
def holder(vm: Vm) -> Iterator[Holder]:
    holder = Holder(vm.path)
    yield holder
    holder.close_all()


def negotiated(holder: Holder) -> RawClient:
    client = RawClient(holder)
    client.negotiate()
    return client


def test_one_more_than_there_are_places(holder: Holder) -> None:
    clients = [RawClient(holder) for _ in range(MAX_CLIENTS)]
    holder.run_until(lambda: len(holder.server.clients) == MAX_CLIENTS)
    late = RawClient(holder)
    holder.run_until(lambda: late.read() == [] and late.is_over)
    clients[0].socket.close()
    holder.run_until(lambda: len(holder.server.clients) == MAX_CLIENTS - 1)
    negotiated(holder)


def test_one_that_takes_nothing_holds_up_no_other(holder: Holder) -> None:
    slow, other = negotiated(holder), negotiated(holder)
    slow.socket.setblocking(True)
    slow.send(*[SCHEMA] * 16)
    slow.socket.setblocking(False)
    for number in range(20):
        other.send({"execute": "query-name", "id": number})
        assert other.gets(1)[0]["id"] == number
    held = [len(one.member.session.outgoing) for one in holder.server.clients]
    assert 0 < sum(held) < 1024 * 1024  # of three
    assert len(slow.gets(16)) == 16


def test_a_light_one_beside_a_heavy_one(holder: Holder) -> None:
    heavy, light = negotiated(holder), negotiated(holder)
    heavy.send(*[SCHEMA] * 12)
    holder.run_until(lambda: len(heavy.read()) == 1)
    light.send({"execute": "query-name", "id": 1})
    holder.run_until(lambda: len(heavy.read()) == 12 or bool(light.read()))
    assert len(heavy.received) <= 4
    assert len(heavy.gets(12)) == 12


def test_an_oversized_request_is_refused_and_the_next_one_answered(holder: Holder) -> None:
    client = negotiated(holder)
    client.socket.setblocking(True)
    client.send({"execute": "x" * MAX_REQUEST_BYTES}, {"execute": "query-name", "id": 2})
    client.socket.setblocking(False)
    refused, answer = client.gets(2)
    assert "are shared" in get_str(refused["error"], "desc")
    assert answer["id"] == 2


def test_a_descriptor_of_another_command_is_not_passed_on(holder: Holder) -> None:
    client, other = negotiated(holder), negotiated(holder)
    with open(os.devnull) as file:
        socket.send_fds(client.socket, [b'{"execute":"query-name"}'], [file.fileno()])
    client.gets(1)
    other.send({"execute": "getfd", "arguments": {"fdname": "stolen"}})
    (answer,) = other.gets(1)
    assert get_str(answer["error"], "desc") == "No file descriptor supplied via SCM_RIGHTS"


def test_the_end_of_the_vm_reaches_all(holder: Holder) -> None:
    first, second = negotiated(holder), negotiated(holder)
    first.send({"execute": "quit", "id": "q"})
    holder.run_until(lambda: holder.client.closed)
    holder.close()
    for client in (first, second):
        client.read()
        assert client.is_over
        assert "SHUTDOWN" in [one.get("event") for one in client.received]
    assert {"return": {}, "id": "q"} in first.received


def test_nobody_ends_the_session_of_all(holder: Holder) -> None:
    client = negotiated(holder)
    instances: Json = [{"type": "chardev", "id": "compat_monitor0"}]
    client.send({"execute": "yank", "arguments": {"instances": instances}})
    (answer,) = client.gets(1)
    assert "it would end the session of everyone" in get_str(answer["error"], "desc")
    holder.client.submit(Command("query-name"))


def test_a_stopped_vm_answers_later(holder: Holder, vm: Vm) -> None:
    client = negotiated(holder)
    with vm.stopped():
        client.send({"execute": "query-name", "id": 1})
        second = RawClient(holder)
        second.negotiate()
    assert client.gets(1)[0]["id"] == 1


REQUEST = st.sampled_from(
    [
        '{"execute":"query-name","id":%d}', '{"execute":"query-status","id":%d}',
        '{"execute":"nope","id":%d}', '{"execute":1,"id":%d}', "{'execute':'query-kvm','id':%d}",
        '{"exec-oob":"query-yank","id":%d}', '{"execute":"query-uuid","arguments":[],"id":%d}',
    ]
)  # fmt: skip


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(REQUEST, max_size=12), min_size=1, max_size=4), st.data())
def test_whatever_is_sent_each_gets_its_own_replies_in_order(
    vm: Vm, plans: list[list[str]], data: st.DataObject
) -> None:
    holder = Holder(vm.path)
    try:
        clients = [negotiated(holder) for _ in plans]
        left = [
            "\n".join(line % number for number, line in enumerate(plan)).encode() for plan in plans
        ]
        while any(left):
            at = data.draw(st.sampled_from([n for n, rest in enumerate(left) if rest]))
            size = data.draw(st.integers(1, 200))
            clients[at].socket.sendall(left[at][:size])
            left[at] = left[at][size:]
            holder.run_once()
        for client, plan in zip(clients, plans, strict=True):
            answers = client.gets(len(plan))
            assert [one["id"] for one in answers] == [*range(len(plan))]
            for line, answer in zip(plan, answers, strict=True):
                is_right = "query-" in line and "oob" not in line and "[]" not in line
                assert ("return" in answer) is is_right, (line, answer)
    finally:
        holder.close_all()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.binary(max_size=300), max_size=6))
def test_garbage_of_one_is_no_matter_to_another(vm: Vm, pieces: list[bytes]) -> None:
    holder = Holder(vm.path)
    try:
        bad, good = negotiated(holder), negotiated(holder)
        for piece in pieces:
            bad.socket.sendall(piece)
            holder.run_once()
            good.send({"execute": "query-name", "id": "good"})
            assert good.gets(1)[0]["id"] == "good"
        assert all("error" in one or "return" in one for one in bad.read())
    finally:
        holder.close_all()
