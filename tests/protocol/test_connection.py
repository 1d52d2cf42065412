"""The session: greeting, negotiation, ids, and events at any time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import ConnectionLost, FrameTooLong, ProtocolError, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.connection import MAX_EARLY_EVENTS, TRANSITIONS, Connection, ProtocolState, Step
from qmpsh.protocol.framing import NEED_DATA, PEER_CLOSED, Pause
from qmpsh.protocol.messages import Command, ErrorReply, Event, Greeting, Message, Reply
from tests.protocol.strategies import cuts, patient

GREETING: JsonObject = {"QMP": {"version": {}, "capabilities": ["oob"]}}
NO_OOB: JsonObject = {"QMP": {"version": {}, "capabilities": []}}
STOP: JsonObject = {"event": "STOP"}
ERROR: JsonObject = {"error": {"class": "GenericError", "desc": "no"}}


def encode(*messages: JsonObject) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\r\n" for message in messages)


def give(connection: Connection, *messages: JsonObject) -> list[Message]:
    """What comes out for what comes in."""
    connection.receive_data(encode(*messages))
    return take(connection)


def take(connection: Connection) -> list[Message]:
    found: list[Message] = []
    while not isinstance(message := connection.next_message(), Pause):
        found.append(message)
    return found


def ids(messages: list[Message]) -> list[str | None]:
    return [message.id for message in messages if isinstance(message, Reply | ErrorReply)]


def greeted(greeting: JsonObject = GREETING, oob: bool = True) -> Connection:
    connection = Connection(oob=oob)
    give(connection, greeting)
    return connection


def ready(greeting: JsonObject = GREETING, oob: bool = True) -> Connection:
    connection = greeted(greeting, oob)
    id, _ = connection.negotiate()
    give(connection, {"return": {}, "id": id})
    return connection


# ------------------------------------------------------------------------ beginning


@pytest.mark.parametrize(
    "greeting, oob, sent",
    [
        (GREETING, True, {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}),
        (GREETING, False, {"execute": "qmp_capabilities"}),
        (NO_OOB, True, {"execute": "qmp_capabilities"}),
    ],
)
def test_negotiation(greeting: JsonObject, oob: bool, sent: JsonObject) -> None:
    connection = Connection(oob=oob)
    assert connection.next_message() is NEED_DATA
    assert [type(message) for message in give(connection, greeting)] == [Greeting]
    assert connection.greeting is not None
    id, data = connection.negotiate()
    assert json.loads(data) == {**sent, "id": id}
    assert ids(give(connection, {"return": {}, "id": id})) == [id]
    assert connection.state is ProtocolState.READY
    assert connection.oob is ("arguments" in sent)
    assert connection.in_flight == 0


@pytest.mark.parametrize(
    "reply",
    [
        {"return": {}},  # StratoVirt drops the id
        {"error": {"class": "CommandNotFound", "desc": "negotiation is already complete"}},
    ],
)
def test_replies_that_agree(reply: JsonObject) -> None:
    connection = greeted(NO_OOB)
    id, _ = connection.negotiate()
    assert ids(give(connection, reply)) == [id]
    assert connection.state is ProtocolState.READY


def test_negotiation_refused() -> None:
    connection = greeted()
    connection.negotiate()
    with pytest.raises(ProtocolError, match=r"^the server refused the negotiation: no$"):
        give(connection, ERROR)
    assert connection.state is ProtocolState.BROKEN


def test_negotiated_by_others_leaves_oob_off() -> None:
    connection = greeted()
    connection.negotiate()
    give(
        connection, {"error": {"class": "CommandNotFound", "desc": "is already complete, ignored"}}
    )
    assert not connection.oob


def test_events_before_the_agreement_are_kept() -> None:
    connection = greeted()
    id, _ = connection.negotiate()
    first, second = give(connection, STOP, {"return": {}, "id": id})
    assert isinstance(first, Event)
    assert isinstance(second, Reply)


def test_a_reply_to_somebody_else_before_the_agreement() -> None:
    connection = greeted()
    connection.negotiate()
    assert ids(give(connection, {"return": {}, "id": "libvirt-5"})) == ["libvirt-5"]
    assert connection.state is ProtocolState.NEGOTIATING


def test_no_greeting() -> None:
    connection = Connection()
    assert len(give(connection, *[STOP] * MAX_EARLY_EVENTS)) == MAX_EARLY_EVENTS
    for _ in range(2):
        with pytest.raises(ProtocolError, match=r"^the server sent events without a greeting$"):
            give(connection, STOP)
    assert connection.state is ProtocolState.BROKEN


@pytest.mark.parametrize("id", ["1", "2", None])
def test_the_last_clients_reply_may_come_first(id: str | None) -> None:
    connection = Connection(tag="t")
    left: JsonObject = {"return": {}, "id": id}
    assert ids(give(connection, left, GREETING)) == [id]
    assert connection.negotiate()[0] == "t"
    if id is not None:
        assert ids(give(connection, left)) == [id]
        give(connection, {"return": {}, "id": "t"})
    else:
        give(connection, {"return": {}})
    assert connection.send_command(Command("stop"))[0] == "1"


def test_an_event_may_come_first() -> None:
    connection = Connection(tag="t")
    assert [type(message) for message in give(connection, STOP, GREETING)] == [Event, Greeting]
    assert connection.state is ProtocolState.NEGOTIATING


def test_the_last_clients_greeting_may_come_first() -> None:
    connection = Connection(tag="t")
    give(connection, GREETING)
    connection.negotiate()
    give(connection, GREETING, {"return": {}, "id": "t"})
    assert connection.send_command(Command("stop"))[0] == "1"


def test_second_greeting() -> None:
    connection = ready()
    with pytest.raises(ProtocolError, match=r"^the server sent a second greeting$"):
        give(connection, GREETING)


def test_without_greeting() -> None:
    connection = Connection(greeting=False)
    assert connection.state is ProtocolState.READY
    id, data = connection.send_command(Command("guest-ping"))
    assert json.loads(data) == {"execute": "guest-ping", "id": id}
    assert ids(give(connection, {"return": {}, "id": id})) == [id]


def test_a_greeting_that_was_not_expected() -> None:
    connection = Connection(greeting=False)
    assert [type(message) for message in give(connection, GREETING)] == [Greeting]
    assert connection.greeting is not None
    assert connection.state is ProtocolState.READY


# ------------------------------------------------------------------------ what may be sent when


@pytest.mark.parametrize(
    "connection, why",
    [
        (Connection(), "stop was not sent: waits for the greeting"),
        (greeted(), "stop was not sent: greeted, capabilities not yet agreed"),
    ],
)
def test_nothing_is_sent_too_early(connection: Connection, why: str) -> None:
    with pytest.raises(ConnectionLost) as caught:
        connection.send_command(Command("stop"))
    assert str(caught.value) == why


def test_nothing_is_negotiated_too_early_or_too_late() -> None:
    with pytest.raises(ConnectionLost, match=r"^capabilities were not negotiated: waits for the"):
        Connection().negotiate()
    with pytest.raises(ConnectionLost, match=r"^capabilities were not negotiated: takes commands$"):
        ready().negotiate()


def test_end() -> None:
    connection = ready()
    connection.receive_data(b'{"return"')
    connection.receive_data(b"")
    assert connection.next_message() is PEER_CLOSED
    assert connection.next_message() is PEER_CLOSED
    assert connection.unfinished == 9
    with pytest.raises(ConnectionLost, match=r"^stop was not sent: the peer closed$"):
        connection.send_command(Command("stop"))


def test_garbage_ends_the_session() -> None:
    connection = ready()
    connection.receive_data(b"Killed\n")
    for _ in range(2):
        with pytest.raises(ProtocolError, match=r"^the server sent what is not JSON$"):
            connection.next_message()
    with pytest.raises(ConnectionLost, match=r"^stop was not sent: the peer sent what is not QMP$"):
        connection.send_command(Command("stop"))


def test_limit() -> None:
    connection = Connection(limit=10)
    with pytest.raises(FrameTooLong):
        give(connection, GREETING)


def test_every_state_has_its_row_and_ends_are_final() -> None:
    assert set(TRANSITIONS) == set(ProtocolState)
    for state in (ProtocolState.GREETING, ProtocolState.NEGOTIATING, ProtocolState.READY):
        assert TRANSITIONS[state][Step.FAILED] is ProtocolState.BROKEN
        assert TRANSITIONS[state][Step.ENDED] is ProtocolState.CLOSED
    assert set(TRANSITIONS[ProtocolState.CLOSED].values()) == {ProtocolState.CLOSED}
    assert TRANSITIONS[ProtocolState.BROKEN] == {}


# ------------------------------------------------------------------------ replies find commands


def test_ids_are_short_strings_and_used_again() -> None:
    connection = ready()
    first, second = (connection.send_command(Command("stop"))[0] for _ in range(2))
    assert first != second
    assert connection.in_flight == 2
    give(connection, {"return": {}, "id": first})
    assert connection.in_flight == 1
    later = [connection.send_command(Command("stop"))[0] for _ in range(7)]
    # A second reply to `first` is nobody's: its id rests as long as there are others.
    assert first not in later
    assert connection.send_command(Command("stop"))[0] == first
    assert {len(id) for id in (first, second, *later)} == {1}


def test_no_two_unanswered_commands_have_one_id() -> None:
    connection = ready()
    unanswered = [connection.send_command(Command("stop"))[0] for _ in range(12)]
    for id in unanswered[:3]:
        give(connection, {"return": {}, "id": id})
    unanswered = unanswered[3:] + [connection.send_command(Command("stop"))[0] for _ in range(5)]
    assert len(set(unanswered)) == len(unanswered)
    for id in unanswered:
        assert ids(give(connection, {"return": {}, "id": id})) == [id]
    assert connection.in_flight == 0


@pytest.mark.parametrize("oob", [False, True])
def test_the_id_of_an_answered_command_is_used_again(oob: bool) -> None:
    connection = ready()
    for _ in range(20):
        id, _ = connection.send_command(Command("yank", oob=oob))
        assert len(id) == 1
        give(connection, {"return": {}, "id": id})


@pytest.mark.parametrize("longest", [52, None])
def test_a_request_of_the_longest_length(longest: int | None) -> None:
    connection = ready()
    connection.bound_requests("the daemon", longest)
    _, data = connection.send_command(Command("x" * 28))
    assert len(data) == 52


def test_a_request_that_is_too_long_is_not_sent() -> None:
    connection = ready()
    connection.bound_requests("the daemon", 51)
    with pytest.raises(UsageError) as raised:
        connection.send_command(Command("x" * 28))
    assert str(raised.value) == (
        f"{'x' * 28}: the daemon takes requests of 51 bytes at most, and this one has 52; it was"
        " not sent"
    )
    assert connection.in_flight == 0


def test_any_number_of_events_comes_after_the_greeting() -> None:
    for connection in (greeted(), ready()):
        events = give(connection, *[STOP] * (MAX_EARLY_EVENTS + 1))
        assert len(events) == MAX_EARLY_EVENTS + 1


def test_a_byte_of_the_guest_agent_s_is_garbage_from_others() -> None:
    connection = ready()
    connection.receive_data(b"\xff" + encode(STOP))
    with pytest.raises(ProtocolError):
        connection.next_message()


def test_a_reply_without_id_is_the_oldest_in_band() -> None:
    connection = ready()
    oob, _ = connection.send_command(Command("yank", oob=True))
    first, _ = connection.send_command(Command("stop"))
    second, _ = connection.send_command(Command("cont"))
    messages = give(connection, ERROR, {"return": {}, "id": None}, ERROR, {"return": {}, "id": oob})
    assert ids(messages) == [first, second, None, oob]


def test_out_of_band_overtakes() -> None:
    connection = ready()
    first, _ = connection.send_command(Command("stop"))
    oob, _ = connection.send_command(Command("yank", oob=True))
    assert connection.in_flight == 1
    assert ids(give(connection, {"return": {}, "id": oob}, {"return": {}})) == [oob, first]
    assert connection.in_flight == 0


@pytest.mark.parametrize(
    "connection, is_in_band",
    [
        pytest.param(ready(), False, id="agreed"),
        pytest.param(ready(NO_OOB), True, id="not offered"),
        pytest.param(ready(oob=False), True, id="not wanted"),
        pytest.param(Connection(greeting=False), False, id="not known"),
    ],
)
def test_exec_oob_is_refused_in_request_order_where_it_was_not_agreed(
    connection: Connection, is_in_band: bool
) -> None:
    id, data = connection.send_command(Command("yank", oob=True))
    assert b'"exec-oob"' in data
    assert connection.in_flight == is_in_band
    assert ids(give(connection, ERROR)) == [id if is_in_band else None]
    assert connection.in_flight == 0


@pytest.mark.parametrize("foreign", ["libvirt-1", "99", 1, {"a": 1}])
def test_an_id_never_given_is_nobodys(foreign: Json) -> None:
    connection = ready()
    id, _ = connection.send_command(Command("stop"))
    (reply,) = give(connection, {"return": {}, "id": foreign})
    assert isinstance(reply, Reply)
    assert reply.id == (foreign if isinstance(foreign, str) else None)
    assert connection.in_flight == 1
    assert ids(give(connection, {"return": {}})) == [id]


def test_a_second_reply_to_the_same_command_is_nobodys() -> None:
    connection = ready()
    id, _ = connection.send_command(Command("stop"))
    give(connection, {"return": {}, "id": id})
    give(connection, {"return": {}, "id": id})
    assert connection.send_command(Command("stop"))[0] != connection.send_command(Command("a"))[0]


def test_what_cannot_be_encoded_takes_no_id() -> None:
    connection = ready()
    with pytest.raises(Exception, match="half a character"):
        connection.send_command(Command("stop", {"a": "\ud800"}))
    assert connection.in_flight == 0


@patient
@given(st.data())
def test_any_cut_gives_the_same_session(data: st.DataObject) -> None:
    written = encode(GREETING, STOP, {"return": {}, "id": "1"}, STOP, ERROR, {"return": 5})
    connection = Connection()
    found: list[Message] = []
    for piece in data.draw(cuts(written)):
        connection.receive_data(piece)
        while not isinstance(message := connection.next_message(), Pause):
            found.append(message)
            if isinstance(message, Greeting):
                connection.negotiate()
    assert [type(message) for message in found] == [
        Greeting,
        Event,
        Reply,
        Event,
        ErrorReply,
        Reply,
    ]
    assert ids(found) == ["1", None, None]


@patient
@given(st.binary())
def test_any_bytes_raise_nothing_but_protocol_error(garbage: bytes) -> None:
    connection = ready()
    connection.receive_data(garbage)
    try:
        take(connection)
    except ProtocolError:
        assert connection.state is ProtocolState.BROKEN
