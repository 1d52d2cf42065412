"""Rule 1: which reply and which events belong to a command."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.replay.pairing import pair
from qmpsh.replay.recording import Recording
from qmpsh.replay.scanner import scan
from qmpsh.shell.policy import reads_only
from tests.replay.samples import (
    GREETING,
    NAMES,
    event,
    logged,
    names_of,
    recording_of,
    returned,
    sample,
    sent,
)


@pytest.mark.parametrize("name, commands", NAMES.items())
def test_logs_of_others(name: str, commands: tuple[str, ...]) -> None:
    recording = Recording(*pair(scan(sample(name).read_text()), reads_only))
    assert tuple(one.name for one in recording.commands) == commands
    unanswered = [one.name for one in recording.commands if one.reply is None]
    # What is left out of libvirtd's log stood there.
    assert unanswered == (["query-chardev"] if name.startswith("libvirtd") else [])
    [session] = recording.sessions
    is_greeted = name in ("libvirtd-9.0.log", "qemu-qmp.log")
    assert (session.greeting is not None) == is_greeted


def test_a_log_of_before_there_were_recordings() -> None:
    recording = Recording(*pair(scan(sample("logfile-0.1.jsonl").read_text()), reads_only))
    assert len(recording.sessions) == 1
    commands = list(recording.commands)
    assert len(commands) == 36
    assert {one.by for one in commands} == {""}
    assert recording.schema() is None
    assert "device_add" in recording.command_list()


def test_by_id_and_without_one_by_order() -> None:
    recording = recording_of(
        sent("query-name", id="a"),
        sent("query-kvm"),
        sent("query-uuid"),
        returned(2),
        returned(1, id="a"),
        returned(3),
        returned(4, id="unknown"),
    )
    assert [one.reply for one in recording.commands] == [
        returned(1),
        returned(2),
        returned(3),
    ]


def test_ids_are_used_again() -> None:
    recording = recording_of(
        sent("query-name", id=1),
        returned(1, id=1),
        sent("query-name", id=1),
        returned(2, id=1),
    )
    assert [one.reply for one in recording.commands] == [returned(1), returned(2)]


def test_events_before_and_after() -> None:
    recording = recording_of(
        logged("received", GREETING, 10),
        logged("received", event("EARLY"), 11),
        logged("sent", sent("stop", id=1), 12),
        logged("received", event("STOP"), 13),
        logged("received", returned({}, id=1), 14),
        logged("sent", sent("query-status", id=2), 15),
        logged("received", event("LATE"), 16),
        logged("received", returned({}, id=2), 17),
        logged("received", event("LATER"), 18),
    )
    [session] = recording.sessions
    assert [(one.message["event"], one.seconds) for one in session.begin.after] == [("EARLY", 1)]
    stop, query = recording.commands
    assert names_of(one.message for one in stop.before) == ["STOP"]
    assert [(one.message["event"], one.seconds) for one in stop.after] == [
        ("LATE", 2),
        ("LATER", 4),
    ]
    assert [*query.before, *query.after] == []


def test_events_of_what_was_never_answered_follow_it() -> None:
    recording = recording_of(
        logged("sent", sent("stop", id=1), 12), logged("received", event("STOP"), 13)
    )
    [stop] = recording.commands
    assert (stop.reply, names_of(one.message for one in stop.after)) == (None, ["STOP"])


def test_second_copies_are_dropped() -> None:
    one = [
        GREETING,
        sent("stop", id=1),
        event("STOP", 5),
        returned({}, id=1),
    ]
    recording = recording_of(*(message for message in one for _ in range(3)))
    [stop] = recording.commands
    assert names_of(one.message for one in stop.before) == ["STOP"]
    assert len(recording.sessions) == 1


def test_the_same_event_twice_is_no_copy_where_its_time_was_cut() -> None:
    recording = recording_of(sent("stop"), event("STOP"), event("STOP"), returned({}))
    [stop] = recording.commands
    assert names_of(one.message for one in stop.before) == ["STOP", "STOP"]


def test_sessions() -> None:
    recording = recording_of(
        *(GREETING, sent("qmp_capabilities", id=0), returned({}, id=0)),
        *(sent("query-name", id=1), returned(1, id=1)),
        *(GREETING, sent("query-name", id=1), returned(2, id=1)),
        *(sent("qmp_capabilities"), returned({}), sent("query-name"), returned(3)),
    )
    replies = [[one.reply for one in session.commands] for session in recording.sessions]
    assert replies == [[returned(1)], [returned(2)], [returned(3)]]


def test_sessions_of_ours_by_their_number() -> None:
    """Two that were appended at the same time."""
    recording = recording_of(
        logged("meta", {"format": 1}, session=1),
        logged("received", GREETING, session=1),
        logged("meta", {"format": 1}, session=2),
        logged("sent", sent("query-name", id=1), session=1, by="user"),
        logged("received", GREETING, session=2),
        logged("sent", sent("query-uuid", id=1), session=2, by="shell"),
        logged("received", returned(1, id=1), session=1),
        logged("received", returned(2, id=1), session=2),
        logged("meta", {"ended": "why"}, session=2),
        logged("meta", {"format": 1}, session=2),
        logged("sent", sent("query-kvm", id=1), session=2, via="qmp-shell 5"),
    )
    found = [[(one.name, one.by) for one in session.commands] for session in recording.sessions]
    assert found == [[("query-name", "user")], [("query-uuid", "shell")], [("query-kvm", "other")]]
    assert [session.ended for session in recording.sessions] == [False, True, False]


def test_monitors_of_libvirt_are_sessions() -> None:
    text = "\n".join(
        f"2026-01-01 10:00:0{second}.000+0000: 1: info : X: mon=0x{monitor} msg={message}"
        for second, (monitor, message) in enumerate(
            [
                ("a1", '{"execute":"stop","id":"libvirt-1"}'),
                ("b2", '{"execute":"cont","id":"libvirt-1"}'),
                ("b2", '{"return":2,"id":"libvirt-1"}'),
                ("a1", '{"return":1,"id":"libvirt-1"}'),
                ("a1", '{"event":"STOP"}'),
            ]
        )
    )
    recording = Recording(*pair(scan(text), reads_only))
    stop, cont = recording.commands
    assert (stop.reply, cont.reply) == (returned(1), returned(2))
    assert [one.seconds for one in stop.after] == [1]


_MANY = 20_000
_QUERIES = "".join(f'{{"execute": "query-status", "id": {id}}}\n' for id in range(_MANY))
UNANSWERED = {
    "events": _QUERIES + '{"event": "RESUME"}\n' * _MANY,
    "replies without an id": _QUERIES + '{"return": {}}\n' * _MANY,
    "changes with one id": '{"execute": "cont", "id": 1}\n{"execute": "stop", "id": 1}\n' * _MANY,
}


@pytest.mark.parametrize("text", UNANSWERED.values(), ids=UNANSWERED)
def test_many_unanswered_commands_are_paired_in_linear_time(text: str) -> None:
    before = time.process_time()
    pair(scan(text), reads_only)
    assert time.process_time() - before < 5


MESSAGES = [
    GREETING,
    event("STOP"),
    {"event": "X", "timestamp": {"seconds": -1, "microseconds": "x"}},
    {"event": "Y", "timestamp": [], "data": 5},
    returned({}),
    returned({}, id=1),
    {"error": {"class": "GenericError", "desc": "no"}, "id": {}},
    sent("stop", id=1),
    sent("stop"),
    sent("query-status", [1], id=[]),
    sent("qmp_capabilities", id=1),
    logged("meta", {}),
    logged("meta", {"format": 1}, session=True),
    logged("meta", {"schema": {"gz": 5, "sha256": []}}),
    logged("meta", {"schema": {"gz": "H4sI", "sha256": "x"}}),
    logged("received", {"message": {}, "direction": "sent"}),
    logged("?", {}, monotonic="x", by=5),  # type: ignore[arg-type]  # as a stranger writes it
    logged("sent", sent("cont"), monotonic=10**400),
    {"event": "STOP", "timestamp": {"seconds": True, "microseconds": False}},
]


@given(st.lists(st.sampled_from(MESSAGES)))
@example(MESSAGES)
def test_any_order_of_messages_is_read(messages: list[dict[str, object]]) -> None:
    recording = recording_of(*messages)  # type: ignore[arg-type]  # JSON, as drawn
    recording.schema()
    recording.command_list()
    for number in range(len(recording.sessions)):
        assert "QMP" in recording.greeting(number)
