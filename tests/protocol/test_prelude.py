"""Getting into step with a guest agent, whatever others left in its stream."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.errors import ProtocolError
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.agent_sync import SENTINEL
from qmpsh.protocol.connection import Connection, ProtocolState
from qmpsh.protocol.framing import NEED_DATA, PEER_CLOSED
from qmpsh.protocol.messages import Command, Reply

NUMBER = 4711
OURS = b'{"return": 4711, "id": "1"}\n'
LEFT_BY_OTHERS = st.lists(
    st.sampled_from(
        [
            SENTINEL,
            b"\n",
            b'{"return": {}}\n',
            b'{"return": 47}\n',
            b'{"retu',
            b'\xff{"return": 4710, "id": "1"}\n',
            b'\xff{"return": true}\n',
            b'{"error": {"class": "GenericError", "desc": "stray \'\\uFFFD\'"}}\n',
            b'{"return": {"out-data": "' + b"A" * 5000,
        ]
    )
    | st.binary(max_size=20)
).map(lambda pieces: re.sub(rb'\{"QMP"|QEMU ', b".", b"".join(pieces)))


def begun() -> Connection:
    connection = Connection(greeting=False)
    connection.synchronize(NUMBER)
    return connection


def test_what_is_sent() -> None:
    command, id, data = Connection(greeting=False).synchronize(NUMBER)
    assert data[:2] == SENTINEL * 2
    sent: JsonObject = json.loads(data[2:])
    assert sent == {"execute": "guest-sync-delimited", "arguments": {"id": NUMBER}, "id": id}
    assert command == Command("guest-sync-delimited", {"id": NUMBER})


@given(LEFT_BY_OTHERS, st.integers(1, 40))
@example(b'\xff{"return": 4711', 7)
@example(b"", 1)
def test_in_step_whatever_came_before(left: bytes, piece: int) -> None:
    connection = begun()
    stream = left + SENTINEL + OURS + b'{"return": {"later": 1}, "id": "x"}\n'
    found = []
    for start in range(0, len(stream), piece):
        connection.receive_data(stream[start : start + piece])
        while isinstance(message := connection.next_message(), Reply):
            found.append(message.raw)
    assert connection.state is ProtocolState.READY
    assert found == [{"return": NUMBER, "id": "1"}, {"return": {"later": 1}, "id": "x"}]


@given(LEFT_BY_OTHERS)
def test_not_in_step_before_the_answer(left: bytes) -> None:
    connection = begun()
    connection.receive_data(b"\n" + left)
    assert connection.next_message() is NEED_DATA
    assert connection.state is ProtocolState.SYNCING


def test_an_answer_without_its_id() -> None:
    connection = begun()
    connection.receive_data(b'\xff{"return": 4711}\n')
    message = connection.next_message()
    assert isinstance(message, Reply)
    assert (message.id, connection.state) == ("1", ProtocolState.READY)


def test_the_user_s_own_sentinel_is_no_garbage() -> None:
    connection = begun()
    connection.receive_data(SENTINEL + OURS)
    connection.next_message()
    id, _ = connection.send_command(Command("guest-sync-delimited", {"id": 5}))
    connection.receive_data(SENTINEL + json.dumps({"return": 5, "id": id}).encode() + b"\n")
    message = connection.next_message()
    assert isinstance(message, Reply)
    assert message.value == 5


@pytest.mark.parametrize("cut", [1, 4, 6, 30])
@pytest.mark.parametrize(
    "greeting, server",
    [
        (b'{"QMP": {"version": {}, "capabilities": []}}\r\n', "a QMP monitor"),
        (b"QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ", "an HMP monitor"),
    ],
    ids=["qmp", "hmp"],
)
def test_a_monitor_that_greets(greeting: bytes, server: str, cut: int) -> None:
    connection = begun()
    connection.receive_data(greeting[:cut])
    connection.receive_data(greeting[cut:])
    for _ in range(2):
        with pytest.raises(ProtocolError, match=f"is {server}, no guest agent"):
            connection.next_message()
    assert connection.state is ProtocolState.BROKEN


def test_what_a_monitor_says_after_its_greeting_is_not_looked_at() -> None:
    connection = begun()
    connection.receive_data(b'{"QMP": {"version": {}, "capabilities": []}}\r\n')
    for later in (b'{"QMP": {}}\r\n', SENTINEL + OURS):
        connection.receive_data(later)
    with pytest.raises(ProtocolError, match="is a QMP monitor, no guest agent"):
        connection.next_message()
    assert connection.state is ProtocolState.BROKEN


def test_the_end_before_the_answer() -> None:
    connection = begun()
    connection.receive_data(b'\n{"return": {}}\n')
    connection.receive_data(b"")
    assert connection.next_message() is PEER_CLOSED
    assert connection.state is ProtocolState.CLOSED
