"""Clients of a share that want much, take nothing, or send what should not pass; on a real QEMU."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject, get_str
from qmpsh.protocol.messages import Command
from qmpsh.share import server, session
from qmpsh.share.exchange import MAX_DESCRIPTORS
from qmpsh.share.limits import MAX_REQUEST_BYTES, MOST_REQUEST_BYTES
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


def test_one_that_never_reads_is_given_up(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_UNSENT_BYTES", 4096)
    deaf, other = negotiated(holder), negotiated(holder)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    for _ in range(1000):  # what the kernel takes comes on top
        other.send({"execute": "stop"}, {"execute": "cont"})
        other.gets(4)
        if len(holder.server.clients) == 1:
            break
    assert holder.news[-1].text == "takes nothing of what it is sent, and was given up"
    assert holder.server.clients[0].member.count > 2


def test_of_all_together_the_slowest_is_given_up(
    holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_UNSENT_BYTES", 600_000)
    slow, slower = negotiated(holder), negotiated(holder)
    slow.send(SCHEMA, SCHEMA)  # of which the kernel takes about one
    holder.run_until(lambda: bool(holder.server.clients[0].member.session.outgoing))
    slower.send(*[SCHEMA] * 4)
    holder.run_until(lambda: len(holder.server.clients) == 1)
    assert len(slow.gets(2)) == 2
    slower.read()
    assert slower.is_over


def test_a_light_one_beside_a_heavy_one(holder: Holder) -> None:
    heavy, light = negotiated(holder), negotiated(holder)
    heavy.send(*[SCHEMA] * 12)
    holder.run_until(lambda: len(heavy.read()) == 1)
    light.send({"execute": "query-name", "id": 1})
    # The light one first: what comes together with its reply came after it.
    holder.run_until(lambda: bool(light.read()) or len(heavy.read()) == 12)
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


def test_the_own_user_may_send_longer_ones_once_that_is_allowed(holder: Holder) -> None:
    before = negotiated(holder)
    holder.server.set_own_limit(MOST_REQUEST_BYTES)
    for client in (before, negotiated(holder)):
        client.socket.setblocking(True)
        long = "i" * MAX_REQUEST_BYTES
        client.send({"execute": "query-name", "id": long})
        client.socket.setblocking(False)
        assert client.gets(1)[0]["id"] == long


def test_ten_megabytes_without_a_newline(holder: Holder) -> None:
    flooding, other = negotiated(holder), negotiated(holder)
    piece = b'{"execute":"' + b"x" * 1024 * 1024
    for number in range(10):
        left = piece if number == 0 else piece.replace(b"{", b"x")
        while left:
            with contextlib.suppress(BlockingIOError):
                left = left[flooding.socket.send(left) :]
            holder.run_once()
        other.send({"execute": "query-name", "id": number})
        assert other.gets(1)[0]["id"] == number
    assert len(flooding.gets(1)) == 1
    flooding.send("", {"execute": "query-name", "id": "again"})
    assert flooding.gets(1)[0]["id"] == "again"


def test_a_long_id_comes_back_and_a_longer_one_is_refused(holder: Holder) -> None:
    client = negotiated(holder)
    client.socket.setblocking(True)
    long = "i" * (MAX_REQUEST_BYTES - 100)
    client.send({"execute": "query-name", "id": long})
    client.socket.setblocking(False)
    assert client.gets(1)[0]["id"] == long
    left = json.dumps({"execute": "query-name", "id": "i" * 1024 * 1024}).encode() + b"\n"
    while left:
        with contextlib.suppress(BlockingIOError):
            left = left[client.socket.send(left) :]
        holder.run_once()
    (refused,) = client.gets(1)
    assert "are shared" in get_str(refused["error"], "desc")
    assert "id" not in refused


def test_five_hundred_connections(holder: Holder) -> None:
    before = len(os.listdir("/proc/self/fd"))
    first = negotiated(holder)
    for number in range(500):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(holder.own.path)
            holder.run_once()
        first.send({"execute": "query-name", "id": number})
        assert first.gets(1)[0]["id"] == number
    holder.run_until(lambda: len(holder.server.clients) == 1)
    assert len(os.listdir("/proc/self/fd")) == before + 2


def test_descriptors_that_no_command_takes_are_closed(holder: Holder) -> None:
    client = negotiated(holder)
    holder.run_once()
    before = len(os.listdir("/proc/self/fd"))
    with open(os.devnull) as file:
        for _ in range(2 * MAX_DESCRIPTORS):
            socket.send_fds(client.socket, [b'{"execute":"query-name"}'], [file.fileno()])
    client.gets(2 * MAX_DESCRIPTORS)
    assert len(os.listdir("/proc/self/fd")) <= before + MAX_DESCRIPTORS
    client.socket.close()
    holder.run_until(lambda: not holder.server.clients)
    assert len(os.listdir("/proc/self/fd")) == before - 2


def test_two_clients_pass_descriptors_at_once(holder: Holder) -> None:
    clients = [negotiated(holder), negotiated(holder)]
    with open(os.devnull) as file:
        for n in range(8):
            request = f'{{"execute":"getfd","arguments":{{"fdname":"f{n}"}}}}'.encode()
            socket.send_fds(clients[n % 2].socket, [request], [file.fileno()])
    for client in clients:
        assert client.gets(4) == [{"return": {}}] * 4


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
