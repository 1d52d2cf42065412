"""What a client of a share is answered, and in which order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import JsonObject
from qmpsh.share.session import (
    MAX_OOB,
    MAX_SLOTS,
    MAX_UNSENT_BYTES,
    PAUSE_BYTES,
    ShareRequest,
    ShareSession,
    encode_line,
)

GREETING: JsonObject = {"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}}
NEGOTIATE = '{"execute":"qmp_capabilities"}'
NEGOTIATE_OOB = '{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}'
FIRST = "Expecting capabilities negotiation with 'qmp_capabilities'"


def taken(session: ShareSession) -> list[JsonObject]:
    """What was sent to the client since the last call."""
    data, session.outgoing = bytes(session.outgoing), bytearray()
    assert not data or data.endswith(b"\r\n")
    return [json.loads(line) for line in data.split(b"\r\n")[:-1]]


def send(session: ShareSession, *lines: str) -> list[ShareRequest]:
    session.receive_data("\n".join(lines).encode())
    requests = []
    while (request := session.next_request()) is not None:
        requests.append(request)
    return requests


def negotiated(line: str = NEGOTIATE) -> ShareSession:
    session = ShareSession(GREETING, offers_oob=True)
    assert send(session, line) == []
    assert taken(session) == [GREETING, {"return": {}}]
    return session


@pytest.mark.parametrize(
    "line, error_class, desc",
    [
        ('{"execute":"query-status"}', "CommandNotFound", FIRST),
        (
            '{"execute":"qmp_capabilities","arguments":{"enable":"oob"}}',
            "GenericError",
            "Invalid parameter type for 'enable', expected: array",
        ),
        (
            '{"execute":"qmp_capabilities","arguments":{"x":1}}',
            "GenericError",
            "Parameter 'x' is unexpected",
        ),
        (
            '{"exec-oob":"qmp_capabilities"}',
            "GenericError",
            "QMP input member 'exec-oob' is unexpected",
        ),
        ("{}", "GenericError", "QMP input lacks member 'execute'"),
        ('{"execute":1}', "GenericError", "QMP input member 'execute' must be a string"),
        (
            '{"execute":"stop","arguments":[]}',
            "GenericError",
            "QMP input member 'arguments' must be an object",
        ),
        ('{"execute":"stop","x":1}', "GenericError", "QMP input member 'x' is unexpected"),
        ("[1]", "GenericError", "QMP input must be a JSON object"),
    ],
)
def test_refused_before_negotiation_in_the_words_of_qemu(
    line: str, error_class: str, desc: str
) -> None:
    session = ShareSession(GREETING, offers_oob=True)
    assert send(session, f"{line}\n", NEGOTIATE) == []
    error = {"error": {"class": error_class, "desc": desc}}
    assert taken(session) == [GREETING, error, {"return": {}}]


def test_negotiated_once() -> None:
    session = negotiated()
    assert send(session, '{"execute":"qmp_capabilities","id":"z"}') == []
    desc = "Capabilities negotiation is already complete, command ignored"
    assert taken(session) == [{"id": "z", "error": {"class": "CommandNotFound", "desc": desc}}]


def test_what_the_holder_did_not_agree_on_is_not_offered() -> None:
    session = ShareSession(GREETING, offers_oob=False)
    assert send(session, NEGOTIATE_OOB) == []
    greeting, error = taken(session)
    assert greeting == {"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": []}}
    assert "error" in error
    assert not session.negotiated


@pytest.mark.parametrize("id", ["a", 1, 1.5, None, {"a": [1]}, "1"])
def test_the_id_is_the_clients(id: object) -> None:
    session = negotiated()
    (request,) = send(session, json.dumps({"execute": "stop", "id": id}))
    session.answer(request.slot, {"return": {}, "id": "17"})
    assert taken(session) == [{"return": {}, "id": id}]


def test_without_an_id_there_is_none() -> None:
    session = negotiated()
    (request,) = send(session, '{"execute":"stop"}')
    session.answer(request.slot, {"return": {}, "id": "17"})
    assert taken(session) == [{"return": {}}]


def test_out_of_band_replies_do_not_wait() -> None:
    session = negotiated(NEGOTIATE_OOB)
    slow, oob = send(session, '{"execute":"a","id":1}', '{"exec-oob":"b","id":2}')
    assert (slow.command.oob, oob.command.oob) == (False, True)
    session.answer(oob.slot, {"return": 2})
    assert taken(session) == [{"return": 2, "id": 2}]
    session.answer(slow.slot, {"return": 1})
    assert taken(session) == [{"return": 1, "id": 1}]


def test_events_after_negotiation_only() -> None:
    session = ShareSession(GREETING, offers_oob=True)
    session.send_event(encode_line({"event": "STOP"}))
    send(session, NEGOTIATE)
    session.send_event(encode_line({"event": "RESUME"}))
    assert taken(session) == [GREETING, {"return": {}}, {"event": "RESUME"}]


def test_a_client_that_half_closed_gets_its_replies() -> None:
    session = negotiated()
    (request,) = send(session, '{"execute":"stop"}')
    session.receive_data(b"")
    assert not session.wants_read
    assert not session.is_over
    session.answer(request.slot, {"return": {}})
    assert not session.is_over
    taken(session)
    assert session.is_over


def test_reading_pauses_while_much_is_unanswered_or_not_taken() -> None:
    session = negotiated()
    requests = send(session, *['{"execute":"a"}'] * (MAX_SLOTS + 1))
    assert len(requests) == MAX_SLOTS
    assert not session.wants_read
    session.answer(requests[0].slot, {"return": "x" * PAUSE_BYTES})
    assert session.waiting == MAX_SLOTS - 1
    assert not session.wants_read
    taken(session)
    assert session.wants_read
    assert session.next_request() is not None
    session.outgoing += bytes(MAX_UNSENT_BYTES)
    assert not session.is_too_slow
    session.outgoing += bytes(4 * PAUSE_BYTES)
    assert session.is_too_slow


def test_one_long_reply_is_no_slowness() -> None:
    session = negotiated()
    requests = send(session, '{"execute":"a"}', '{"execute":"a"}')
    for request in requests:
        session.answer(request.slot, {"return": "x" * MAX_UNSENT_BYTES})
    assert not session.is_too_slow


def test_out_of_band_requests_are_bounded_too() -> None:
    session = negotiated(NEGOTIATE_OOB)
    requests = send(session, *['{"exec-oob":"a"}'] * (MAX_OOB + 1))
    assert (len(requests), session.wants_read) == (MAX_OOB, False)
    session.answer(requests[0].slot, {"return": {}})
    assert session.next_request() is not None


def test_an_id_that_json_cannot_carry_is_refused() -> None:
    session = negotiated()
    assert send(session, '{"execute":"a","id":1e999}') == []
    assert "error" in taken(session)[0]


@given(st.permutations(range(8)), st.data())
def test_in_band_replies_leave_in_the_order_of_their_requests(
    order: list[int], data: st.DataObject
) -> None:
    session = negotiated()
    bad = data.draw(st.sets(st.integers(0, 7)))
    lines = [f"[{n}]" if n in bad else json.dumps({"execute": "a", "id": n}) for n in range(8)]
    requests = send(session, *(f"{line}\n" for line in lines))
    by_id = {request.slot.id_member["id"]: request for request in requests}
    for n in order:
        if n in by_id:
            session.answer(by_id[n].slot, {"return": {}, "id": "x"})
    answers = taken(session)
    assert [answer.get("id", n) for n, answer in enumerate(answers)] == list(range(8))
    assert {n for n, answer in enumerate(answers) if "error" in answer} == bad
