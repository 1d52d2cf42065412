"""Messages: what servers send, leniently, and what is sent to them, exactly."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import ProtocolError, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import (
    Command,
    ErrorReply,
    Event,
    Greeting,
    Message,
    Reply,
    classify,
    command_object,
    encode_command,
    ends_vm,
)
from tests.protocol.strategies import objects, patient, texts, values

DATA = Path(__file__).parent.parent / "data"


def greet(body: Json) -> JsonObject:
    return {"QMP": body}


# ------------------------------------------------------------------------ from the server


@pytest.mark.parametrize(
    "name, version, package, capabilities",
    [
        ("qemu-7.2", "7.2.22", "Debian 1:7.2+dfsg-7+deb12u18+b3", ("oob",)),
        ("qemu-10.0", "10.0.2", "Debian 1:10.0.2+ds-2+deb13u1~bpo12+1", ("oob",)),
        ("stratovirt-2.5.0-from-source", "5.0.1", "StratoVirt-2.5.0", ()),
    ],
)
def test_greetings_of_real_servers(
    name: str, version: str, package: str, capabilities: tuple[str, ...]
) -> None:
    raw = json.loads((DATA / f"greeting-{name}.txt").read_text())
    assert classify(raw, 1) == Greeting(version, package, capabilities, raw)


@pytest.mark.parametrize(
    "body, version, package, capabilities",
    [
        ({}, "", "", ()),
        ({"version": {}, "capabilities": []}, "", "", ()),
        ({"version": "7", "capabilities": "oob"}, "", "", ()),
        (
            {"version": {"StratoVirt": {"major": 2, "minor": 0, "micro": 1}, "package": ""}},
            "2.0.1",
            "",
            (),
        ),
        ({"version": {"qemu": {"major": 7, "minor": 2}, "package": 5}}, "", "", ()),
        ({"capabilities": ["oob", 1, "new"]}, "", "", ("oob", "new")),
    ],
)
def test_odd_greetings(
    body: JsonObject, version: str, package: str, capabilities: tuple[str, ...]
) -> None:
    raw = greet(body)
    assert classify(raw, 1) == Greeting(version, package, capabilities, raw)


STAMP: JsonObject = {"seconds": 1795211890, "microseconds": 630922}


@pytest.mark.parametrize(
    "raw, message",
    [
        ({"return": {}, "id": "1"}, Reply("1", {}, 9, {"return": {}, "id": "1"})),
        ({"return": []}, Reply(None, [], 9, {"return": []})),
        ({"return": 1, "id": 5}, Reply(None, 1, 9, {"return": 1, "id": 5})),
        (
            {"id": "2", "error": {"class": "GenericError", "desc": ""}},
            ErrorReply(
                "2",
                "GenericError",
                "",
                9,
                {"id": "2", "error": {"class": "GenericError", "desc": ""}},
            ),
        ),
        (
            {"timestamp": STAMP, "event": "STOP"},
            Event("STOP", {}, 1795211890.630922, {"timestamp": STAMP, "event": "STOP"}, 9),
        ),
    ],
)
def test_kinds(raw: JsonObject, message: Message) -> None:
    assert classify(raw, 9) == message


@patient
@given(objects, st.booleans())
def test_a_packed_event_is_the_same(data: JsonObject, says_data: bool) -> None:
    raw: JsonObject = {"event": "X", **({"data": data} if says_data else {})}
    event, packed = classify(raw, 9), classify(raw, 9)
    assert isinstance(event, Event)
    assert isinstance(packed, Event)
    for _ in range(2):
        packed.pack()
        assert (packed.name, packed.data, packed.raw, packed.size) == ("X", event.data, raw, 9)
        assert packed == event


def test_what_a_made_up_event_says_is_kept() -> None:
    event = Event("X", {"a": 1}, None, {})
    event.pack()
    assert event.data == {"a": 1}
    assert event != ("X", {"a": 1}, None, {}, 0)


def test_a_packed_event_takes_little_more_than_its_text() -> None:
    raw: JsonObject = {"event": "X", "data": {"list": [[1000 + number] for number in range(1000)]}}
    event = classify(raw, 9)
    assert isinstance(event, Event)
    event.pack()
    del raw
    held = gc.get_referents(event)
    assert sum(map(sys.getsizeof, held)) < 10_000
    assert not any(map(gc.get_referents, (each for each in held if isinstance(each, dict))))


def test_the_name_of_an_event_is_short() -> None:
    event = classify({"event": "x" * 10**6}, 9)
    assert isinstance(event, Event)
    assert event.name == "x" * 200 + "..."


@pytest.mark.parametrize(
    "timestamp, seconds",
    [
        ({"seconds": 5, "microseconds": 250000}, 5.25),
        ({"seconds": 0, "microseconds": 0}, 0.0),
        ({"seconds": -1, "microseconds": -1}, None),
        ({"seconds": 5, "microseconds": -1}, 5.0),
        ({"seconds": 5}, 5.0),
        ({"ds": 5, "microseconds": 1}, None),
        ({"seconds": 10**400}, None),
        ({"seconds": "5"}, None),
        (None, None),
        ([], None),
    ],
)
def test_timestamps(timestamp: Json, seconds: float | None) -> None:
    message = classify({"event": "STOP", "timestamp": timestamp}, 1)
    assert isinstance(message, Event)
    assert message.time == seconds


@pytest.mark.parametrize(
    "raw, complaint",
    [
        ({}, "the server sent a message of no known kind (members: )"),
        (
            {"é\x1b": 1, "b": 2},
            "the server sent a message of no known kind (members: 'é\x1b', 'b')",
        ),
        (
            {"x" * 1000: 1},
            f"the server sent a message of no known kind (members: '{'x' * 199}...)",
        ),
        (
            {str(number): 1 for number in range(10_000)},
            "the server sent a message of no known kind (members: "
            + ", ".join(f"'{number}'" for number in range(20))
            + ")",
        ),
        (greet(None), "the server sent a greeting that says nothing (members: 'QMP')"),
        (
            {"error": "no", "id": "1"},
            "the server sent an error without class and description (members: 'error', 'id')",
        ),
        (
            {"error": {"class": "GenericError"}},
            "the server sent an error without class and description (members: 'error')",
        ),
        (
            {"event": 5},
            "the server sent an event without name or with wrong data (members: 'event')",
        ),
        (
            {"event": "STOP", "data": []},
            "the server sent an event without name or with wrong data (members: 'event', 'data')",
        ),
    ],
)
def test_no_message(raw: JsonObject, complaint: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        classify(raw, 1)
    assert str(caught.value) == complaint.replace("é\x1b", "\\xe9\\x1b")


kinds = st.sampled_from(["return", "error", "event", "QMP", "data", "timestamp", "id"])


@patient
@given(st.dictionaries(kinds, values) | objects)
def test_any_object_is_a_message_or_a_protocol_error(raw: JsonObject) -> None:
    try:
        message = classify(raw, 1)
    except ProtocolError:
        return
    assert message.raw is raw


# ------------------------------------------------------------------------ to the server


@pytest.mark.parametrize(
    "command, line",
    [
        (Command("query-status"), b'{"execute":"query-status","id":"1"}\n'),
        (Command("stop", {}), b'{"execute":"stop","arguments":{},"id":"1"}\n'),
        (Command("yank", oob=True), b'{"exec-oob":"yank","id":"1"}\n'),
        (
            Command("a", {"b": [1, None, "\u00e9\U0001f600"]}),
            b'{"execute":"a","arguments":{"b":[1,null,"\\u00e9\\ud83d\\ude00"]},"id":"1"}\n',
        ),
        (Command("a", [1]), b'{"execute":"a","arguments":[1],"id":"1"}\n'),
        (
            Command("a", extra={"arguments": None, "control": 1, "id": "mine"}),
            b'{"execute":"a","arguments":null,"control":1,"id":"1"}\n',
        ),
        (
            Command("a", oob=True, extra={"execute": "b"}),
            b'{"exec-oob":"a","execute":"b","id":"1"}\n',
        ),
        (Command("quit"), b'{"execute":"quit","id":"1"}'),
        (
            Command("human-monitor-command", {"command-line": "q"}),
            b'{"execute":"human-monitor-command","arguments":{"command-line":"q"},"id":"1"}',
        ),
        (
            Command("a", {"b": "C:\\udata"}),
            b'{"execute":"a","arguments":{"b":"C:\\\\udata"},"id":"1"}\n',
        ),
    ],
)
def test_encoding(command: Command, line: bytes) -> None:
    data = encode_command(command, "1")
    assert json.loads(data) == json.loads(line)
    assert data == line


@pytest.mark.parametrize(
    "command, complaint",
    [
        (
            Command("a", {"b": ["x\ud83d"]}),
            "a: an argument holds '\\ud83d', which is half a character and cannot be sent",
        ),
        (
            Command("a", {"\udc80": 1}),
            "a: an argument holds '\\udc80', which is half a character and cannot be sent",
        ),
        (
            Command("a", extra={"b": "\udfff"}),
            "a: an argument holds '\\udfff', which is half a character and cannot be sent",
        ),
        (
            Command("a", {"b": float("inf")}),
            "a: an argument holds a number that JSON cannot carry",
        ),
    ],
)
def test_what_cannot_be_sent(command: Command, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        encode_command(command, "1")
    assert str(caught.value) == complaint


def test_too_deep_to_be_sent() -> None:
    deep: Json = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UsageError, match=r"^a: the arguments are nested too deeply$"):
        encode_command(Command("a", {"b": deep}), "1")


@patient
@given(texts, st.none() | objects, st.booleans())
def test_encoding_is_one_line_of_ascii_that_decodes_back(
    name: str, arguments: JsonObject | None, oob: bool
) -> None:
    command = Command(name, arguments, oob)
    data = encode_command(command, "1")
    assert data.isascii()
    assert b"\n" not in data[:-1]
    assert json.loads(data) == {**command_object(command), "id": "1"}


HMP = "human-monitor-command"


@pytest.mark.parametrize(
    "command, ends",
    [
        (Command("quit"), True),
        (Command("quit", {}), True),
        (Command("query-status"), False),
        (Command("system_reset"), False),
        (Command(HMP, {"command-line": "quit"}), True),
        (Command(HMP, {"command-line": " \tq  now"}), True),
        (Command(HMP, {"command-line": "quit", "cpu-index": 0}), True),
        (Command(HMP, {"command-line": "quitter"}), False),
        (Command(HMP, {"command-line": "info quit"}), False),
        (Command(HMP, {"command-line": "  "}), False),
        (Command(HMP, {"command-line": 5}), False),
        (Command(HMP, ["quit"]), False),
        (Command(HMP), False),
    ],
)
def test_what_ends_the_vm(command: Command, ends: bool) -> None:
    assert ends_vm(command) is ends
