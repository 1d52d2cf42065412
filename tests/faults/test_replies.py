"""Replies of the wrong shape, and a server that fails in one breath with its answer."""

from __future__ import annotations

import json

import pytest

from qmpsh.jsontypes import Json
from qmpsh.shell.session import reconnect
from tests.faults.server import ANSWERS, Act, Served, closed, greet, learnt, server, well
from tests.faults.test_batch import BEGIN
from tests.shell.harness import SessionHarness

SHAPES: list[Json] = [
    1,
    -1e300,
    "x",
    True,
    [],
    [1, [None], {}],
    {"name": 5, "UUID": [], "status": {}, "running": 7, "ram": []},
    [{"name": 5}, {"name": "stop"}, {"name": [], "meta-type": {}}],
    [{"name": "stop", "meta-type": "command", "arg-type": "0", "ret-type": 5, "features": 7}],
    [
        {"name": "stop", "meta-type": "command", "arg-type": "1"},
        {"name": "1", "meta-type": "object", "members": [{"name": 5}, 7], "variants": {"a": 1}},
    ],
    [
        {"name": "stop", "meta-type": "command", "arg-type": "1"},
        {"name": "1", "meta-type": "object", "members": [{"name": "a", "type": "2"}], "tag": 5},
        {"name": "2", "meta-type": "array", "element-type": "2"},
    ],
    [
        {"name": "stop", "meta-type": "command", "arg-type": "1"},
        {"name": "1", "meta-type": "object", "members": [{"name": "a", "type": "2"}]},
        {"name": "2", "meta-type": "alternate", "members": [{"type": "2"}, {"type": "2"}]},
    ],
    [{"id": [], "type": {}, "status": "running", "current-progress": "x"}],
]


def says_only(value: Json) -> Act:
    """It answers every question with the same."""

    def serve(peer: Served) -> None:
        while request := peer.receive():
            peer.reply(request, value if request["execute"] != "stop" else {})

    return serve


@pytest.mark.parametrize("value", SHAPES, ids=range(len(SHAPES)))
def test_a_session_lives_with_any_shape(value: Json) -> None:
    with server((greet, says_only(value))) as served:
        harness = SessionHarness(served.path)
        harness.poll_until(lambda: {"query-qmp-schema", "query-migrate"} & set(served.got))
        harness.session.complete("device_del id=", 14)
        harness.session.hint("stop a=", 7)
        # JSON is sent even if the schema, which may want anything, is against it.
        assert harness.run('{"execute": "stop"}').exit_code == 0
        assert harness.listener.losses == []
        harness.session.close()


@pytest.mark.parametrize("value", SHAPES, ids=range(len(SHAPES)))
def test_a_line_with_arguments_lives_with_any_shape(value: Json) -> None:
    with server((greet, says_only(value))) as served:
        said = BEGIN["1"](served.path, [], ["stop a=1"]).end()
    assert said.code in (0, 2), said
    assert "Traceback" not in said.err


@pytest.mark.parametrize("last", ["query-name", "query-uuid"])
def test_a_server_that_fails_in_one_breath_with_its_answer(
    last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for again, and no question is put to it."""
    monkeypatch.setattr(reconnect, "FIRST_PAUSE_SECONDS", 0.01)

    def goes(peer: Served) -> None:
        peer.attend(last)
        answer = {"return": ANSWERS[last], "id": peer.request["id"]}
        peer.raw(json.dumps(answer).encode() + b"\r\n\x16\x03\x01\r\n")
        peer.ignore()

    with server((learnt, closed), *[(greet, goes)] * 5, (greet, well)) as served:
        harness = SessionHarness(served.path)
        harness.poll_until(lambda: served.got.count(last) > 5 and harness.session.machine.connected)
        harness.session.close()
    assert len(harness.listener.losses) <= 6
    assert ANSWERS["query-name"] == {"name": harness.session.machine.name}


def test_what_the_last_client_asked_is_nobodys() -> None:
    """Seen on QEMU 10.0: a command goes on when its client leaves, and is answered to the next."""

    def left(peer: Served) -> None:
        for number in range(1, 10):
            peer.send({"return": "left behind", "id": str(number)})

    def greet_among(peer: Served) -> None:
        left(peer)
        peer.send({"QMP": {"version": {}, "capabilities": []}})
        left(peer)
        peer.answer(peer.receive())

    with server((greet_among, well)) as served:
        said = BEGIN["1"](served.path, ["--json"], ["stop"]).end()
    assert said == (0, '{"return": {}}\n', "")
