"""How servers are told apart, and what is read from their names."""

from __future__ import annotations

import pytest
from hypothesis import given

from qmpsh.client.dialect import (
    GUEST_AGENT,
    QEMU,
    STORAGE_DAEMON,
    STRATOVIRT,
    Dialect,
    command_names,
    dialect_of_commands,
    dialect_of_greeting,
    disabled_names,
    remark,
    replay_remark,
    server_version,
)
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Greeting, classify
from tests.protocol.strategies import replies

NUMBER: JsonObject = {"micro": 1, "minor": 0, "major": 5}


def greeting(key: str, package: str) -> Greeting:
    message = classify(
        {"QMP": {"version": {key: NUMBER, "package": package}, "capabilities": []}}, 1
    )
    assert isinstance(message, Greeting)
    return message


@pytest.mark.parametrize(
    "key, package, dialect, introduced",
    [
        ("qemu", "Debian 1", QEMU, ("QEMU", "5.0.1", "Debian 1")),
        ("qemu", "", QEMU, ("QEMU", "5.0.1", "")),
        ("qemu", "StratoVirt-2.5.0", STRATOVIRT, ("StratoVirt", "2.5.0", "")),
        ("StratoVirt", "", STRATOVIRT, ("StratoVirt", "5.0.1", "")),
    ],
)
def test_greeted(
    key: str, package: str, dialect: Dialect, introduced: tuple[str, str, str]
) -> None:
    assert dialect_of_greeting(greeting(key, package)) is dialect
    assert server_version(greeting(key, package)) == introduced


@pytest.mark.parametrize(
    "reply, names",
    [
        ([{"name": "a"}, {"name": "b"}], ("a", "b")),
        ([{"name": 1}, 7, {"name": "b"}], ("b",)),
        (
            {
                "version": "7.2.22",
                "supported_commands": [
                    {"name": "guest-ping", "enabled": True, "success-response": True},
                    {"name": "guest-get-devices", "enabled": False},
                ],
            },
            ("guest-ping", "guest-get-devices"),
        ),
        ({}, ()),
        (None, ()),
    ],
)
def test_command_names(reply: Json, names: tuple[str, ...]) -> None:
    assert command_names(reply) == names


def test_disabled_names() -> None:
    commands: Json = [{"name": "guest-ping", "enabled": True}, {"name": "a", "enabled": False}]
    assert disabled_names({"supported_commands": commands}) == {"a"}
    assert disabled_names([{"name": "query-status"}]) == frozenset()


def test_listed() -> None:
    assert dialect_of_commands(QEMU, ()) is QEMU
    assert dialect_of_commands(QEMU, ("query-status",)) is QEMU
    assert dialect_of_commands(QEMU, ("query-jobs",)) is STORAGE_DAEMON
    assert dialect_of_commands(GUEST_AGENT, ("guest-ping",)) is GUEST_AGENT
    assert dialect_of_commands(STRATOVIRT, ("query-jobs",)) is STRATOVIRT


GREETING_MEMBERS = (
    *("version", "qemu", "major", "minor", "micro", "package", "capabilities", "oob", "remark"),
    *("replay", "recording", "StratoVirt", "name", "supported_commands", "enabled", "hmp"),
)


@given(replies(*GREETING_MEMBERS))
def test_any_greeting_and_list_of_commands_is_read(value: Json) -> None:
    message = classify({"QMP": value if isinstance(value, dict) else {"version": value}}, 1)
    assert isinstance(message, Greeting)
    assert dialect_of_greeting(message).title
    assert all(isinstance(one, str) for one in server_version(message))
    assert isinstance(remark("/run/qmp", message), str)
    assert isinstance(replay_remark(message), str)
    names = command_names(value)
    assert all(isinstance(name, str) for name in (*names, *disabled_names(value)))
    assert dialect_of_commands(QEMU, names).title
