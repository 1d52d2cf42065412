"""Rules 2 to 6: what a recording answers."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Command
from qmpsh.replay.answers import Answers
from qmpsh.replay.recording import MAX_RECORDING_BYTES, is_like, read_recording
from qmpsh.shell.policy import reads_only
from tests.replay.samples import (
    GREETING,
    ask,
    begun,
    event,
    logged,
    names_of,
    recording_of,
    returned,
    sent,
    text_of,
)
from tests.samples import entities

ONE: list[JsonObject] = [
    sent("query-status"),
    returned("prelaunch"),
    sent("cont"),
    event("RESUME"),
    returned({}),
    sent("query-status"),
    returned("running"),
    sent("stop"),
    event("STOP"),
    returned({}),
    event("LATE"),
    sent("query-status"),
    returned("paused"),
]
"""A session: `cont`, `stop`, and the status before, between and after them"""


# ---------------------------------------------------------------------------- rule 2: what matches


@pytest.mark.parametrize(
    "recorded, given, expected",
    [
        ({"a": 1, "b": [True]}, {"b": [True], "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": None}, {}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ("********", "anything", True),
        ("********", {"even": "this"}, True),
        ("u:********@h", "u:secret@h", True),
        ("u:********@h", "u:secret@i", False),
        ("a********b********c", "a1b2c", True),
        ("a********b********c", "a1c", False),
        ("ab********ba", "aba", False),
    ],
)
def test_like(recorded: Json, given: Json, expected: bool) -> None:
    assert is_like(recorded, given) is expected


def test_arguments_in_any_order_and_none_as_none_at_all() -> None:
    answers = begun(
        *(sent("query-x", {"a": 1, "b": 2}), returned(1)),
        *(sent("query-x"), returned(2)),
        *(sent("query-x", {"a": True, "b": 2}), returned(3)),
    )
    assert ask(answers, "query-x", {"b": 2, "a": 1}) == 1
    assert ask(answers, "query-x", {"b": 2, "a": True}) == 3
    assert ask(answers, "query-x", {}) == ask(answers, "query-x") == 2


def test_a_secret_matches_any() -> None:
    arguments: JsonObject = {"qom-type": "secret", "id": "s", "data": "********"}
    answers = begun(sent("object-add", arguments), returned(1))
    assert ask(answers, "object-add", {**arguments, "data": "hunter2"}) == 1
    assert "recorded once" in str(ask(answers, "object-add", {**arguments, "id": "t"}))


# ---------------------------------------------------------------------------- rules 3 and 4


def test_queries_are_repeatable_and_as_new_as_what_changed_last() -> None:
    answers = begun(*ONE)
    found = [ask(answers, "query-status") for _ in range(3)]
    ask(answers, "cont")
    found += [ask(answers, "query-status") for _ in range(2)]
    ask(answers, "stop")
    found += [ask(answers, "query-status") for _ in range(2)]
    assert found == ["prelaunch"] * 3 + ["running"] * 2 + ["paused"] * 2


def test_a_query_that_was_asked_several_times_is_answered_in_turn() -> None:
    answers = begun(*(one for n in range(3) for one in (sent("query-jobs"), returned(n))))
    assert [ask(answers, "query-jobs") for _ in range(5)] == [0, 1, 2, 2, 2]


def test_a_query_from_before_and_one_from_later() -> None:
    answers = begun(
        *(sent("query-name"), returned("n"), sent("stop"), returned({})),
        *(sent("query-kvm"), returned("k")),
    )
    assert ask(answers, "query-kvm") == "k"
    ask(answers, "stop")
    assert ask(answers, "query-name") == "n"


def test_repeated_beyond_the_recording() -> None:
    answers = begun(*ONE)
    for name in ("cont", "stop", "cont", "cont"):
        answer = answers.answer(Command(name), 0.0)
        assert answer.reply == returned({})
        assert names_of(answer.events)[-1] == {"cont": "RESUME", "stop": "STOP"}[name]
    # It does not go back: the VM was last seen paused.
    assert ask(answers, "query-status") == "paused"


def test_the_next_of_several() -> None:
    answers = begun(*(one for n in range(3) for one in (sent("guest-file-read"), returned(n))))
    assert [ask(answers, "guest-file-read") for _ in range(4)] == [0, 1, 2, 2]


def test_a_query_without_an_answer_counts_only_if_there_is_no_other() -> None:
    answers = begun(
        *(sent("query-name"), sent("query-kvm", id=1), returned(1, id=1)),
        *(sent("query-kvm", id=2), sent("stop", id=3), returned({}, id=3)),
    )
    assert ask(answers, "query-kvm") == ask(answers, "query-kvm") == 1
    assert answers.answer(Command("query-name"), 0.0).reply is None


LATER: list[JsonObject] = [
    logged("sent", sent("device_del", id=1), 10),
    logged("received", event("BEFORE"), 10.5),
    logged("received", returned({}, id=1), 11),
    logged("received", event("ONE"), 12),
    logged("sent", sent("query-pci", id=2), 12),
    logged("received", returned("gone", id=2), 12),
    logged("received", event("TWO"), 15),
    logged("sent", sent("device_add", id=3), 16),
    logged("received", returned({}, id=3), 16),
]


@pytest.mark.parametrize("speed, dues", [(1, (101, 104)), (2, (100.5, 102)), (0, (100, 100))])
def test_events_at_their_distance(speed: float, dues: tuple[float, float]) -> None:
    answers = begun(*LATER, speed=speed)
    assert names_of(answers.answer(Command("device_del"), 100.0).events) == ["BEFORE"]
    assert answers.due == dues[0]
    taken = names_of(answers.take_events(dues[0]))
    assert taken == (["ONE", "TWO"] if not speed else ["ONE"])
    if speed:
        assert (answers.take_events(dues[1] - 0.01), answers.due) == ([], dues[1])
        assert names_of(answers.take_events(dues[1])) == ["TWO"]
    assert answers.due is None


def test_events_are_never_later_than_an_answer_that_came_after_them() -> None:
    answers = begun(*LATER)
    answers.answer(Command("device_del"), 100.0)
    assert names_of(answers.answer(Command("query-pci"), 100.0).events) == ["ONE"]
    assert names_of(answers.answer(Command("device_add"), 100.0).events) == ["TWO"]


def test_the_end_of_a_vm() -> None:
    answers = begun(sent("quit"), returned({}), event("SHUTDOWN"), sent("cont"))
    answer = answers.answer(Command("quit"), 0.0)
    assert (answer.reply, names_of(answer.last), answer.ends) == (
        returned({}),
        ["SHUTDOWN"],
        True,
    )
    assert begun(sent("stop"), returned(1)).answer(Command("quit"), 0.0).ends
    refused: JsonObject = {"error": {"class": "GenericError", "desc": "no"}}
    assert not begun(sent("quit"), refused).answer(Command("quit"), 0.0).ends


def test_a_connection_that_the_server_ended() -> None:
    answers = begun(
        *(logged("received", GREETING), logged("sent", sent("device_add", id=1))),
        logged("meta", {"ended": "the server closed the connection"}),
    )
    answer = answers.answer(Command("device_add"), 0.0)
    assert (answer.reply, answer.ends) == (None, True)


# ---------------------------------------------------------------------------- rule 5: not found


def refusal(answers: Answers, name: str, arguments: Json = None) -> Json:
    reply = answers.answer(Command(name, arguments), 0.0).reply
    assert reply is not None
    return reply["error"]


def test_other_arguments() -> None:
    answers = begun(sent("device_add", {"driver": "x"}), returned({}))
    assert refusal(answers, "device_add", {"driver": "y"}) == {
        "class": "GenericError",
        "desc": 'replay: device_add was recorded once, with {"driver": "x"}',
    }
    answers = begun(*(sent("stop", {"n": 1}), returned({}), sent("stop", {"n": 2}), returned(1)))
    assert refusal(answers, "stop") == {
        "class": "GenericError",
        "desc": 'replay: stop was recorded 2 times, the last time with {"n": 2}',
    }


def test_other_arguments_are_masked() -> None:
    secret: JsonObject = {"qom-type": "secret", "id": "s0", "data": "hunter2"}
    typed: JsonObject = {"keys": [{"type": "qcode", "data": "h"}]}
    for name, arguments in (("object-add", secret), ("send-key", typed)):
        answers = begun(sent(name, arguments), returned({}))
        desc = str(ask(answers, name, {"id": "x"}))
        assert "********" in desc
        assert "hunter2" not in desc
        assert '"h"' not in desc


def test_what_the_server_had_and_what_not() -> None:
    answers = begun(
        *(sent("query-commands"), returned([{"name": "stop"}, {"name": "cont"}])),
        *(sent("query-status"), returned({})),
    )
    assert refusal(answers, "stop") == {
        "class": "GenericError",
        "desc": "replay: stop is not in this recording, which holds query-commands, query-status",
    }
    assert refusal(answers, "sotp") == {
        "class": "CommandNotFound",
        "desc": "The command sotp has not been found",
    }


def test_schema_commands_and_version_are_known_otherwise() -> None:
    answers = begun(GREETING, sent("stop"), returned({}))
    assert ask(answers, "query-version") == GREETING["QMP"]["version"]  # type: ignore[index,call-overload]  # of this file
    assert "has not been found" in str(ask(answers, "query-qmp-schema"))
    answers.recording.use_schema(entities("10.0"))
    assert ask(answers, "query-qmp-schema") == entities("10.0")
    names = ask(answers, "query-commands")
    assert isinstance(names, list)
    assert {"name": "blockdev-add"} in names
    assert "not in this recording" in str(ask(answers, "blockdev-add"))


def test_a_guest_agent_gets_in_step() -> None:
    answers = begun(sent("guest-sync", {"id": 5}), returned(5), sent("guest-ping"), returned({}))
    assert answers.recording.is_agent
    assert ask(answers, "guest-sync", {"id": 7}) == 7
    answer = answers.answer(Command("guest-sync-delimited", {"id": 8}), 0.0)
    assert (answer.reply, answer.has_sentinel) == (returned(8), True)
    assert [one.name for one in answers.unasked()] == ["guest-ping"]


# ---------------------------------------------------------------------------- rule 6: strict


def test_strict_refuses_what_is_not_next() -> None:
    said: list[str] = []
    answers = Answers(recording_of(*ONE), strict=True, on_mismatch=lambda _, why: said.append(why))
    answers.connect()
    answers.begin(0.0)
    ask(answers, "cont")
    assert ask(answers, "cont") == "replay: cont is not recorded once more (--strict)"
    assert "not been found" in str(ask(answers, "quit"))
    assert len(said) == 2


def test_strict_refuses_a_query_of_later() -> None:
    answers = begun(sent("stop"), returned({}), sent("query-kvm"), returned(1), strict=True)
    assert ask(answers, "query-kvm") == "replay: query-kvm is recorded only later (--strict)"


def test_what_was_never_asked_for() -> None:
    answers = begun(
        logged("sent", sent("query-name", id=1), by="shell"),
        *(logged("sent", sent("query-kvm", id=n), by="user") for n in (2, 3)),
        *(logged("received", returned(n, id=n)) for n in (1, 2, 3)),
    )
    ask(answers, "query-kvm")
    assert [(one.name, one.reply) for one in answers.unasked()] == [("query-kvm", returned(3))]


# ---------------------------------------------------------------------------- connections


def test_each_client_gets_the_next_session() -> None:
    answers = Answers(
        recording_of(
            *(GREETING, sent("query-status"), returned("one"), sent("stop"), returned({})),
            *(GREETING, sent("query-status"), returned("two")),
        )
    )
    found = []
    for _ in range(3):
        found.append(answers.connect())
        answers.begin(0.0)
        found.append(ask(answers, "query-status"))  # type: ignore[arg-type]  # numbers and words
    assert found == [0, "one", 1, "two", 1, "two"]


def test_a_client_that_asks_nothing_of_the_user_takes_no_session() -> None:
    answers = Answers(
        recording_of(
            logged("received", GREETING, session=1),
            logged("sent", sent("query-name", id=1), session=1, by="shell"),
            logged("received", returned("n", id=1), session=1),
            logged("received", GREETING, session=2),
        )
    )
    for _ in range(2):
        assert answers.connect() == 0
        answers.begin(0.0)
        assert ask(answers, "query-name") == "n"


# ---------------------------------------------------------------------------- files


def test_one_session_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_text(text_of(GREETING, sent("stop"), returned(1), GREETING, sent("stop")))
    assert len(read_recording(str(path), reads_only, 1).sessions) == 1
    with pytest.raises(
        UsageError, match=f"--session 3: the connections in {path} are numbered from 1 to 2"
    ):
        read_recording(str(path), reads_only, 3)


def test_a_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "r.gz"
    packed = gzip.compress(text_of(sent("stop"), returned(1)).encode())
    path.write_bytes(packed)
    assert read_recording(str(path), reads_only).names == ("stop",)
    path.write_bytes(packed + gzip.compress(text_of(sent("cont"), returned(2)).encode()))
    assert read_recording(str(path), reads_only).names == ("stop", "cont")
    for damaged in (packed[:10] + b"x" + packed[11:], packed[:-9]):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match="damaged or cut off"):
            read_recording(str(path), reads_only)
    path.write_bytes(gzip.compress(bytes(MAX_RECORDING_BYTES + 1)))
    with pytest.raises(UsageError, match="it has more than 64 MiB"):
        read_recording(str(path), reads_only)


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="it is a FIFO, not a file"):
        read_recording(str(path), reads_only)
    with pytest.raises(UsageError, match="it is a device, not a file"):
        read_recording("/dev/zero", reads_only)
    with pytest.raises(UsageError, match="it is a directory"):
        read_recording(str(tmp_path), reads_only)
    path.unlink()
    path.write_bytes(b"\xff\xfe\0{" * 1000)
    with pytest.raises(UsageError, match="holds no command with its reply; qmpsh --record FILE"):
        read_recording(str(path), reads_only)
    with path.open("r+b") as file:
        file.truncate(MAX_RECORDING_BYTES + 1)
    with pytest.raises(UsageError, match="it has more than 64 MiB"):
        read_recording(str(path), reads_only)
