"""What is learnt of a server is that server's, though another says it is the same."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qmpsh.address import TcpAddress, UnixAddress, parse_address
from qmpsh.client.client import Client
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell.introspection import Introspection, load_all
from qmpsh.shell.machine import Machine
from qmpsh.shell.steps import Task
from qmpsh.system.peer import place_identity
from tests.client.servers import Behaviour, Peer, serving
from tests.conftest import RunQmpsh
from tests.samples import entities, schema

SAME: list[Json] = [{"name": "query-commands"}, {"name": "set_link"}]


def events_of(path: str) -> tuple[str, ...]:
    """The events of the schema that a session with the server has."""
    client = Client.connect(parse_address(path))
    machine = Machine(path, client.connection.greeting)
    introspection = Introspection(client, machine)
    task = Task(load_all(introspection), lambda item: None)
    while not task.advance(time.monotonic()):
        client.poll(task.timeout(time.monotonic()))
    client.close()
    assert introspection.schema is not None
    return introspection.schema.events


def describing(described: list[Json]) -> Behaviour:
    """A server of some QEMU's greeting, the commands of SAME, and a schema of its own."""

    def behave(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            peer.reply(request, SAME if request["execute"] == "query-commands" else described)

    return behave


def test_two_servers_of_one_greeting_have_a_schema_each() -> None:
    # They are threads of this process, so that no binary tells one from the other.
    first, second = describing(entities("10.0")), describing(entities("7.2"))
    with serving(first) as path:
        assert events_of(path) == schema("10.0").events
    with serving(second) as path:
        assert events_of(path) == schema("7.2").events


def test_a_server_without_a_binary_is_known_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    one = place_identity(UnixAddress("./s"), -1)
    assert one == place_identity(UnixAddress(f"{here}/s"), -1)
    monkeypatch.chdir(there)
    assert one != place_identity(UnixAddress("./s"), -1)
    assert place_identity(TcpAddress("::1", 1), -1) != place_identity(TcpAddress("::1", 2), -1)


ENUM: Json = {"name": "9", "meta-type": "enum", "members": []}
COMMAND: Json = {"name": "set_link", "meta-type": "command", "arg-type": "9", "ret-type": "9"}


@pytest.mark.parametrize(
    "reply",
    [
        [],
        {},
        5,
        [1, [2], None],
        [{"name": 5, "meta-type": "command"}],
        [{"name": "set_link", "meta-type": "event", "arg-type": "9"}],
        [{"name": "other", "meta-type": "command", "arg-type": ""}],
        [COMMAND],
        [COMMAND, ENUM],
    ],
)
def test_a_junk_schema_is_no_schema(reply: Json, run_qmpsh: RunQmpsh) -> None:
    asked: list[JsonObject] = []

    def behave(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            asked.append(request)
            answers = {"query-commands": SAME, "query-qmp-schema": reply}
            peer.send({"return": answers.get(str(request["execute"]), {}), "id": request["id"]})

    with serving(behave) as path:
        done = run_qmpsh(path, "set_link", "name=n0", "up=true")
    assert done.returncode == 0
    assert done.stderr == (
        "qmpsh: the server's schema describes none of its commands: lines are sent unchecked\n"
    )
    assert asked[-1]["arguments"] == {"name": "n0", "up": True}
