"""Schemas kept between sessions."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qmpsh.client.dialect import command_names
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.schema.cache import MAX_FILES, cache_path, load_entities, load_schema, store_schema
from qmpsh.schema.model import Schema
from tests.samples import entities, schema

COMMANDS = ("stop", "cont")


@pytest.fixture
def path() -> str:
    return cache_path(["7.2.22", "Debian 1:7.2+dfsg-7", "fe01", "1a2b"])


def test_what_is_stored_is_loaded(path: str) -> None:
    store_schema(path, entities("7.2"), COMMANDS)
    loaded = load_schema(path, COMMANDS)
    assert loaded is not None
    known = schema("7.2")
    assert loaded.commands == known.commands
    assert loaded.events == known.events
    for name in known.commands:
        assert loaded.command(name) == known.command(name)
        assert loaded.arguments(name) == known.arguments(name)
    assert loaded.command("nope") is None


def test_what_is_no_schema_of_a_qemu_is_not_stored(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmpsh.schema.cache.MAX_CACHE_BYTES", 100_000)
    store_schema(path, entities("7.2"), COMMANDS)
    assert not os.path.exists(path)


def test_a_name_that_is_too_long_to_be_one_is_left_out(path: str) -> None:
    long: JsonObject = {"name": "x" * 1000, "meta-type": "command", "arg-type": "0"}
    store_schema(path, [long, *entities("7.2")], COMMANDS)
    loaded = load_schema(path, COMMANDS)
    assert loaded is not None
    assert loaded.commands == schema("7.2").commands
    assert Schema.from_entities([long]).commands == ()
    assert command_names([long, {"name": "stop"}]) == ("stop",)


def test_the_file_is_named_after_the_server(path: str) -> None:
    assert os.path.basename(path) == "schema-7.2.22-Debian_1_7.2+dfsg-7-fe01-1a2b"
    assert os.path.basename(cache_path(["", "../../x"])) == "schema-.._.._x"


def test_another_list_of_commands_is_another_server(path: str) -> None:
    store_schema(path, entities("7.2"), COMMANDS)
    assert load_schema(path, ("stop",)) is None
    assert load_schema(path, ("cont", "stop")) is not None
    assert load_schema(path) is not None


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"format": 1}\n',
        b'{"format": 1, "size": 0, "listed": 5}\n',
        b'{"format": 1, "size": 0, "listed": ["stop", "cont"], "index": []}\n',
        b'{"format": 1, "size": 0, "listed": ["stop", "cont"], "index": {}, "commands": 1}\n',
    ],
)
def test_a_damaged_file_is_no_file(path: str, damage: bytes) -> None:
    Path(path).write_bytes(damage)
    assert load_schema(path, COMMANDS) is None


def test_half_a_file_is_no_file(path: str) -> None:
    store_schema(path, entities("7.2"), COMMANDS)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    assert load_schema(path, COMMANDS) is None


def test_no_file(path: str) -> None:
    assert load_schema(path) is None


def test_a_folder_that_cannot_be_written_keeps_none() -> None:
    store_schema("/proc/no/such/folder/schema-x", entities("7.2"), COMMANDS)


def test_only_the_newest_are_kept(path: str) -> None:
    folder = Path(path).parent
    small = [{"name": "str", "meta-type": "builtin", "json-type": "string"}]
    for number in range(MAX_FILES + 5):
        one = cache_path([f"{number}"])
        store_schema(one, json.loads(json.dumps(small)), COMMANDS)
        os.utime(one, (number, number))
    assert len(list(folder.glob("schema-*"))) <= MAX_FILES + 1
    assert load_schema(cache_path([f"{MAX_FILES + 4}"])) is not None
    assert load_schema(cache_path(["0"])) is None
    assert not list(folder.glob("*.part"))


SMALL: list[Json] = [
    {"name": "stop", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
    {"name": "0", "meta-type": "object", "members": [{"name": "a", "type": "str"}]},
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
]
DEEP = b"[" * 100_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.sampled_from([b"", b"{", b"[", b"9", b'"', b"null", b"\n", b"\xff"]) | st.binary(),
        ),
        min_size=1, max_size=4,
    ),
    st.booleans(),
)  # fmt: skip
@example([(0.0, DEEP)], False)
@example([(0.6, DEEP)], False)
def test_a_damaged_file_is_ignored(
    path: str, changes: list[tuple[float, bytes]], keeps_size: bool
) -> None:
    store_schema(path, SMALL, COMMANDS)
    data = Path(path).read_bytes()
    for share, piece in changes:
        at = int(share * len(data))
        data = data[:at] + piece + data[at + (len(piece) if keeps_size else 0) :]
    Path(path).write_bytes(data)
    load_entities(path)
    loaded = load_schema(path)
    if loaded is not None:
        for name in (*loaded.commands, "0", "str", "nope"):
            loaded.command(name)
            loaded.arguments(name)
            loaded.type(name)
