"""What the shell makes of a guest agent: silence, sessions, handles."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.dialect import GUEST_AGENT
from qmpsh.errors import CommandFailed
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell import execute
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Task
from qmpsh.shell.verbs import guest, guest_exec, guest_files
from tests.agents import Agent
from tests.client.servers import Peer, serving
from tests.protocol.strategies import replies
from tests.shell.harness import RecordingListener
from tests.waiting import PATIENCE, wait_until

OPTIONS = ClientOptions(PATIENCE, dialect=GUEST_AGENT)


def run(path: str, line: str, settings: Settings = Settings()) -> tuple[list[str], int]:  # noqa: B008
    """What a line says, and its exit code."""
    said: list[Answer | Note] = []
    client = Client.connect(UnixAddress(path), OPTIONS)
    shell = Context(client, settings, Machine(path, None))
    task = Task(run_line(shell, line), said.append)
    while not task.advance(time.monotonic()):
        client.poll(task.timeout(time.monotonic()))
    client.close()
    assert task.outcome is not None
    texts = [item.text or "" for item in said]
    if task.outcome.error is not None:
        texts.append(str(task.outcome.error))
    return texts, task.outcome.exit_code


def an_agent(answer: Callable[[str], Json]) -> Callable[[Peer], None]:
    """An agent that answers as it is told: None for silence, an error as such."""

    def behave(peer: Peer) -> None:
        rest = b""
        while piece := peer.connection.recv(1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                request: JsonObject = json.loads(line.lstrip(b"\xff"))
                reply(peer, request)

    def reply(peer: Peer, request: JsonObject) -> None:
        name = str(request["execute"])
        arguments = request.get("arguments")
        if name == "guest-sync-delimited" and isinstance(arguments, dict):
            peer.connection.sendall(b"\xff")
            peer.reply(request, arguments["id"])
            return
        value = answer(name)
        if value == "gone":
            raise EOFError
        if isinstance(value, dict) and "error" in value:
            peer.send({**value, "id": request["id"]})
        elif value is not None:
            peer.reply(request, value)

    return behave


@pytest.mark.parametrize("value", [None, "gone"], ids=["silence", "end of the stream"])
def test_silence_is_success(value: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "SILENCE_SECONDS", 0.05)
    with serving(an_agent(lambda _: value)) as path:
        said = run(path, "guest-shutdown")
    silence = "guest-shutdown: no reply, which means success for this command"
    assert said == ([silence, ""], 0)  # and the answer is an empty object


def test_a_failure_is_told() -> None:
    error: Json = {"error": {"class": "GenericError", "desc": "mode is invalid"}}
    with serving(an_agent(lambda _: error)) as path:
        assert run(path, "guest-suspend-ram") == (["GenericError: mode is invalid"], 1)


def test_silence_of_another_command_is_a_timeout() -> None:
    with serving(an_agent(lambda _: None)) as path:
        _, exit_code = run(path, "guest-ping", Settings(timeout=0.05))
    assert exit_code == 124


@pytest.mark.parametrize(
    "status, exit_code",
    [
        ({"exitcode": 255}, 255),
        ({"exitcode": 3221225477}, 255),
        ({"signal": 15}, 143),
        ({"signal": 3221225477}, 255),
    ],
)
def test_exit_codes(status: JsonObject, exit_code: int) -> None:
    replies: dict[str, Json] = {
        "guest-exec": {"pid": 5},
        "guest-exec-status": {"exited": True, **status},
    }
    with serving(an_agent(lambda name: replies[name])) as path:
        assert run(path, ".exec x")[1] == exit_code


def test_what_was_cut_is_noted() -> None:
    replies: dict[str, Json] = {
        "guest-exec": {"pid": 5},
        "guest-exec-status": {
            "exited": True,
            "exitcode": 0,
            "out-data": "b3V0",
            "out-truncated": True,
        },
    }
    with serving(an_agent(lambda name: replies[name])) as path:
        said, _ = run(path, ".exec x")
    assert said == ["out", "the agent cut the output: it keeps only so much of it"]


@pytest.mark.parametrize(
    "value, said",
    [({}, "guest-exec returned no pid"), (5, "guest-exec returned no object")],
)
def test_a_process_without_a_number(value: Json, said: str) -> None:
    with serving(an_agent(lambda _: value)) as path:
        assert run(path, ".exec x") == ([f"GenericError: {said}"], 1)


NO_BASE64: list[Json] = ["x", "\u00e9", "!!!\u00e9", "\ud800", "====", " ", 5, None, ["aGkK"]]


@pytest.mark.parametrize(
    "status, wrong",
    [
        ({"exited": True}, "exitcode"),
        ({"exitcode": 0}, "exited"),
        ({"exited": "yes", "exitcode": 0}, "usable exited"),
        ({"exited": 1, "exitcode": 0}, "usable exited"),
        ({"exited": True, "exitcode": "x"}, "usable exitcode"),
        ({"exited": True, "exitcode": True}, "usable exitcode"),
        ({"exited": True, "exitcode": 0, "signal": None}, "usable signal"),
        *(
            ({"exited": True, "exitcode": 0, f"{stream}-data": data}, f"usable {stream}-data")
            for data in NO_BASE64
            for stream in ("out", "err")
        ),
    ],
)
def test_a_status_that_makes_no_sense(status: JsonObject, wrong: str) -> None:
    replies: dict[str, Json] = {"guest-exec": {"pid": 1}, "guest-exec-status": status}
    with serving(an_agent(lambda name: replies[name])) as path:
        said = [f"GenericError: guest-exec-status returned no {wrong}"]
        assert run(path, ".exec x") == (said, 1)


@pytest.mark.parametrize(
    "read, wrong",
    [
        ({"count": "x", "buf-b64": 7, "eof": "z"}, "usable buf-b64"),
        ({"count": 0, "eof": False}, "buf-b64"),
        ({"count": 0, "buf-b64": "", "eof": False}, "bytes before the end"),
        ({"count": 3, "buf-b64": "aGkK", "eof": "z"}, "usable eof"),
        ({"count": 3, "buf-b64": "aGkK"}, "eof"),
        *(({"count": 1, "buf-b64": data, "eof": True}, "usable buf-b64") for data in NO_BASE64),
    ],
)
def test_a_file_that_makes_no_sense(read: JsonObject, wrong: str) -> None:
    replies: dict[str, Json] = {
        "guest-file-open": 1000,
        "guest-file-read": read,
        "guest-file-close": {},
    }
    with serving(an_agent(lambda name: replies[name])) as path:
        said = [f"GenericError: guest-file-read returned no {wrong}"]
        assert run(path, ".cat /x") == (said, 1)


def polled(session: Session) -> Session:
    session.poll()
    return session


def test_a_session(agent: Agent) -> None:
    sent: list[str] = []

    def trace(direction: str, message: JsonObject) -> None:
        if direction == "->":
            sent.append(str(message["execute"]))

    client = Client.connect(UnixAddress(agent.path), OPTIONS, tracer=trace)
    session = Session(client, Settings(), RecordingListener(), agent.path)
    session.preferences.change("overview", "off")
    assert session.works == []
    wait_until(lambda: polled(session).catalog.commands)
    assert session.prompt == "(guest) "
    assert session.machine.version == agent.version
    assert {c.text: c.kind for c in session.complete("guest-s", 7)}["guest-shutdown"] == "disabled"
    assert session.complete("guest-pi", 8)[0].text == "guest-ping"
    said: list[Answer | Note] = []
    session.start(".exec false", said.append, lambda outcome: None)
    wait_until(lambda: polled(session).running is None)
    assert said == [Note("exit code 1")]
    assert set(sent) == {"guest-sync-delimited", "guest-info", "guest-exec", "guest-exec-status"}
    session.close()


def test_letting_go_of_cat_ends_it(agent: Agent) -> None:
    client = Client.connect(UnixAddress(agent.path), OPTIONS)
    session = Session(client, Settings(), RecordingListener(), agent.path)
    pieces: list[Answer | Note] = []
    session.start(".cat /dev/zero", pieces.append, lambda outcome: None)
    wait_until(lambda: polled(session) and pieces)
    running = session.running
    assert running is not None
    wait_until(lambda: polled(session) and running.task.stops)
    assert session.interrupt()
    assert isinstance(running.task, Task)
    assert running.task.outcome is not None
    assert running.task.outcome.exit_code == 130
    session.start("guest-ping", pieces.append, lambda outcome: None)
    wait_until(lambda: polled(session).running is None)
    session.close()


FORGOTTEN: list[tuple[str, str]] = [
    (".exec sleep 9", "Invalid parameter 'pid'"),
    (".cat /x", "handle '1000' has not been found"),
    (".put /proc/version /x", "handle '1000' has not been found"),
]


@pytest.mark.parametrize("line, desc", FORGOTTEN)
def test_a_restart_of_the_agent_is_said_as_what_it_is(line: str, desc: str) -> None:
    error: Json = {"error": {"class": "GenericError", "desc": desc}}
    replies: dict[str, Json] = {"guest-exec": {"pid": 5}, "guest-file-open": 1000}
    with serving(an_agent(lambda name: replies.get(name, error))) as path:
        said, exit_code = run(path, line)
    assert exit_code == 1
    assert said[-1].startswith("the guest agent or the guest was restarted: ")


def test_another_error_of_the_agent_stays_as_it_is() -> None:
    error: Json = {"error": {"class": "GenericError", "desc": "Invalid parameter 'arg'"}}
    with serving(an_agent(lambda _: error)) as path:
        assert run(path, ".exec x") == (["GenericError: Invalid parameter 'arg'"], 1)


SILENT = "the guest agent has been silent for 0.05 s"


@pytest.mark.parametrize(
    "line, answered",
    [
        (".exec x", {}),
        (".exec x", {"guest-exec": {"pid": 5}}),
        (".cat /x", {"guest-file-open": 1000}),
        (".put /proc/version /x", {"guest-file-open": 1000}),
        ("guest-ping", {}),
    ],
)
def test_a_silent_agent_is_said_once_and_has_its_time(
    line: str, answered: dict[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(guest_files, "_CLOSE_SECONDS", 0.05)
    with serving(an_agent(answered.get)) as path:
        said, exit_code = run(path, line, Settings(timeout=0.2))
    assert exit_code == 124
    assert [text.startswith(SILENT) for text in said].count(True) == 1
    assert said[-1].startswith("no answer to guest-")


def test_an_agent_that_answers_is_not_called_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest, "SILENCE_SECONDS", 0.0)
    with serving(an_agent(lambda _: None)) as path:
        said, _ = run(path, "guest-ping", Settings(timeout=0.05))
        assert "Ctrl-C" not in said[0]  # it has an end
    replies: dict[str, Json] = {
        "guest-exec": {"pid": 5},
        "guest-exec-status": {"exited": True, "exitcode": 0},
    }
    monkeypatch.setattr(guest, "SILENCE_SECONDS", 60.0)
    with serving(an_agent(replies.get)) as path:
        assert run(path, ".exec x") == ([], 0)


def test_a_write_of_nothing_is_no_progress() -> None:
    replies: dict[str, Json] = {
        "guest-file-open": 1000,
        "guest-file-write": {"count": 0, "eof": False},
        "guest-file-close": {},
    }
    with serving(an_agent(replies.get)) as path:
        said, exit_code = run(path, ".put /proc/version /x")
    assert (exit_code, said[0]) == (1, "/x is incomplete: it has 0 bytes")
    assert said[-1].startswith("GenericError: guest-file-write wrote 0 of ")


# ------------------------------------------------------------------------ whatever is answered

MEMBERS = (
    "exited",
    "exitcode",
    "signal",
    "out-data",
    "err-data",
    "out-truncated",
    "buf-b64",
    "eof",
)
ANSWERS = replies(*MEMBERS) | st.fixed_dictionaries(
    {},
    optional={
        "signal": st.integers(),
        "exitcode": st.integers(),
        "out-data": st.text(st.sampled_from("QUJD=+/\n\xe4")),
        "err-data": st.text(),
        "out-truncated": st.booleans(),
    },
)


@given(ANSWERS)
def test_any_answer_is_read_or_a_failed_command(value: Json) -> None:
    try:
        status = guest.as_object("guest-exec-status", value)
        for item in guest_exec._output(status, None, frozenset()):
            assert isinstance(item, Answer | Note)
        assert 0 <= guest_exec._exit_code(status) <= 255
    except CommandFailed:
        return
