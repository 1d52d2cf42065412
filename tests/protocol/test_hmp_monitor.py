"""The reader of HMP monitors: a model of QEMU's line editor, real bytes, and hostile ones."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.errors import FrameTooLong, ProtocolError, UsageError
from qmpsh.jsontypes import Json
from qmpsh.protocol.framing import NEED_DATA, PEER_CLOSED, Frame
from qmpsh.protocol.hmp_monitor import HmpMonitor, echo_of, echo_of_mark
from qmpsh.protocol.messages import Command
from tests.qemu import ROOT

WORD = "a1b2c3"
BANNER = b"QEMU 7.2.22 monitor - type 'help' for more information\r\n"
PROMPT = b"(qemu) "
MARK = PROMPT + echo_of_mark(WORD.encode())
NAME = Command("query-name")


def line(text: str) -> Command:
    return Command("human-monitor-command", {"command-line": text})


def take(monitor: HmpMonitor, data: bytes, cuts: list[int] | None = None) -> list[Json]:
    """The objects that come of the data, cut in pieces at these offsets."""
    found: list[Json] = []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts or ()), len(data)]
    for start, end in pairwise(places):
        if start < end:
            monitor.receive_data(data[start:end])
        while isinstance(frame := monitor.next_frame(), Frame):
            found.append(frame.object)
    return found


def ready(limit: int = 1 << 20) -> HmpMonitor:
    """A monitor that is at its prompt."""
    monitor = HmpMonitor(limit=limit, word=WORD)
    assert len(take(monitor, BANNER + PROMPT)) == 1
    return monitor


def shown(text: str, output: str) -> bytes:
    """What the monitor sends for a line: its echo, its output, the prompt and the mark's echo."""
    return echo_of(text.encode()) + b"\r\n" + output.encode() + MARK


# ---------------------------------------------------------------------------- real bytes


@pytest.mark.parametrize("version", ["7.2", "10.0"])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_session_of_qemu(version: str, step: int) -> None:
    data = Path(ROOT / f"tests/data/hmp-session-qemu-{version}.txt").read_bytes()
    waiting = [
        Command("qmp_capabilities"), line("info name"), line("nonsense"), Command("query-status"),
    ]  # fmt: skip
    monitor = HmpMonitor(limit=1 << 20, word=WORD)
    found: list[Json] = []
    for start in range(0, len(data), step):
        monitor.receive_data(data[start : start + step])
        while isinstance(frame := monitor.next_frame(), Frame):
            found.append(frame.object)
            if waiting:
                monitor.encode(waiting.pop(0), str(len(found)))
    major, minor, micro = (7, 2, 22) if version == "7.2" else (10, 0, 2)
    number = {"major": major, "minor": minor, "micro": micro}
    assert found == [
        {
            "QMP": {
                "version": {"qemu": number, "package": ""},
                "capabilities": [],
                "hmp-monitor": True,
            }
        },
        {"return": {}, "id": "1"},
        {"return": f"vm{major}\r\n", "id": "2"},
        {"return": "unknown command: 'nonsense'\r\n", "id": "3"},
        {"return": {"status": "running", "running": True}, "id": "4"},
    ]


def test_the_echo_is_that_of_qemu() -> None:
    assert echo_of(b"abc") == b"a\x1b[K\x1b[Dab\x1b[K\x1b[D\x1b[Dabc\x1b[K"
    assert echo_of_mark(b"ab") == b"a\x1b[K\x1b[Dab\x1b[K\x1b[D\x1b[Da\x1b[K\x1b[D\x1b[K"


# ---------------------------------------------------------------------------- any cut

LINES = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs"]), min_size=1
).filter(lambda text: b"\x9b" not in text.encode())
OUTPUTS = st.lists(
    st.sampled_from(["(qemu) ", "\r\n", "\x1b[K", "\x1b[D", "Password: ", "*", "a1b2c3", "x", "é"])
).map("".join)
CUTS = st.lists(st.integers(0, 10_000))


@given(LINES, OUTPUTS, CUTS)
@example("info name", "(qemu) odd\r\n", [70, 77])
@example("info name", "(qemu) ", [])
@example("x", "", [1, 2, 3])
def test_any_cut_gives_the_output(text: str, output: str, cuts: list[int]) -> None:
    monitor = ready()
    assert monitor.encode(line(text), "1") == f"{text}\n{WORD}".encode() + b"\x7f" * len(WORD)
    assert take(monitor, shown(text, output), cuts) == [{"return": output, "id": "1"}]
    assert monitor.next_frame() is NEED_DATA
    assert monitor.unfinished == 0
    monitor.encode(NAME, "2")
    assert take(monitor, shown("info name", "a\r\n"), cuts) == [
        {"return": {"name": "a"}, "id": "2"}
    ]


@given(st.binary(), CUTS)
@example(BANNER + b"\0" * 300, [3])
@example(b"QEMU " + b"x" * 300, [])
def test_whatever_comes_is_one_result_at_any_cut(data: bytes, cuts: list[int]) -> None:
    assert outcome(data, []) == outcome(data, cuts)


def outcome(data: bytes, cuts: list[int]) -> str:
    monitor = HmpMonitor(limit=100, word=WORD)
    monitor.encode(Command("qmp_capabilities"), "1")
    try:
        return str(take(monitor, data, cuts))
    except ProtocolError as error:
        return type(error).__name__


def test_invalid_utf8_is_replaced() -> None:
    monitor = ready()
    monitor.encode(line("x"), "1")
    data = echo_of(b"x") + b"\r\n\xff\xfe" + MARK
    assert take(monitor, data) == [{"return": "\ufffd\ufffd", "id": "1"}]


def test_what_comes_unasked_is_dropped() -> None:
    monitor = ready()
    assert take(monitor, b"an earlier line\r\n(qemu) ") == []
    assert monitor.unfinished == 0
    monitor.encode(line("x"), "1")
    assert take(monitor, b"late\r\n" + shown("x", "0\r\n")) == [{"return": "0\r\n", "id": "1"}]


def test_the_echo_of_a_long_line_takes_no_room() -> None:
    monitor = ready(limit=10)
    text = "y" * 1000
    monitor.encode(line(text), "1")
    data = shown(text, "no\r\n")
    for start in range(0, len(data), 4096):
        found = take(monitor, data[start : start + 4096])
        assert monitor.unfinished < 8192
    assert found == [{"return": "no\r\n", "id": "1"}]


# ---------------------------------------------------------------------------- QMP commands


def test_another_command_sends_the_mark_alone() -> None:
    monitor = ready()
    sent = monitor.encode(Command("query-block"), "1")
    assert sent == WORD.encode() + b"\x7f" * len(WORD)
    [reply] = take(monitor, echo_of_mark(WORD.encode()))
    assert reply == {
        "error": {
            "class": "CommandNotFound",
            "desc": "query-block needs QMP, and this is an HMP monitor; start QEMU with -qmp"
            " unix:PATH,server=on,wait=off as well",
        },
        "id": "1",
    }


@pytest.mark.parametrize(
    "name, output, value",
    [
        ("query-name", "vm7\r\n", {"name": "vm7"}),
        ("query-name", "", {"name": ""}),
        ("query-uuid", "0-0\r\n", {"UUID": "0-0"}),
        ("query-status", "VM status: running\r\n", {"status": "running", "running": True}),
        (
            "query-status",
            "VM status: running (single step mode)\r\n",
            {"status": "running", "running": True},
        ),
        ("query-status", "VM status: paused\r\n", {"status": "paused", "running": False}),
        (
            "query-status",
            "VM status: paused (io-error)\r\n",
            {"status": "io-error", "running": False},
        ),
        ("query-status", "unknown command: 'info status'\r\n", {}),
    ],
)
def test_queries_that_every_shell_asks(name: str, output: str, value: Json) -> None:
    monitor = ready()
    text = name.replace("query-", "info ")
    assert monitor.encode(Command(name), "1").startswith(text.encode())
    assert take(monitor, shown(text, output)) == [{"return": value, "id": "1"}]


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "text, said",
    [
        ("info\tname", "the line holds '\\t', which is a key to an HMP monitor"),
        ("stop\nquit", "the line holds '\\n', which is a key to an HMP monitor"),
        ("a\x7f", "the line holds '\\x7f', which is a key to an HMP monitor"),
        ("a\x9b", "the line holds '\\x9b', which is a key to an HMP monitor"),
        ("print ě", "the line holds ě, which an HMP monitor cannot read"),
        ("x \udc80", "the line holds '\\udc80', which is half a character"),
        ("y" * 4096, "the line has 4096 bytes, and an HMP monitor reads 4095 of a line at most"),
        ("change vnc password", "the monitor would ask for the password"),
        (" change  -f vnc passwd ", "the monitor would ask for the password"),
    ],
)
def test_lines_that_the_monitor_would_read_otherwise(text: str, said: str) -> None:
    monitor = ready()
    with pytest.raises(UsageError) as caught:
        monitor.encode(line(text), "1")
    assert str(caught.value).startswith(said)
    assert monitor.encode(line("y" * 4095), "1")


def test_a_question_for_a_password() -> None:
    monitor = ready()
    monitor.encode(line("block_passwd d"), "1")
    stars = echo_of_mark(b"*" * len(WORD))
    monitor.receive_data(echo_of(b"block_passwd d") + b"\r\nPassword: " + stars)
    assert "asks for a password" in str(monitor.next_frame())
    with pytest.raises(ProtocolError, match="asks for a password"):
        monitor.next_frame()


def test_a_question_that_an_earlier_client_has_left() -> None:
    monitor = HmpMonitor(limit=100, word=WORD)
    monitor.encode(Command("qmp_capabilities"), "1")
    monitor.receive_data(BANNER + b"Password: " + echo_of_mark(b"*" * len(WORD)))
    assert "QMP" in str(monitor.next_frame())
    assert "asks for a password" in str(monitor.next_frame())


@pytest.mark.parametrize(
    "data",
    [
        b"QUIT\r\n",
        b"QEMU 7.2 is here\r\n",
        b"QEMU " + b"x" * 300,
        b"QEMU 7.2 monitor - type 'help' " + b"x" * 300 + b"\r\n",
    ],
)
def test_another_banner(data: bytes) -> None:
    monitor = HmpMonitor(limit=100, word=WORD)
    with pytest.raises(ProtocolError) as caught:
        take(monitor, data)
    assert caught.value.data == data[:256]


@pytest.mark.parametrize("version", ["7.2", "7.2.22 (Debian 1:7.2)", "newest"])
def test_other_versions(version: str) -> None:
    monitor = HmpMonitor(limit=100, word=WORD)
    data = f"QEMU {version} monitor - type 'help' for more information\r\n".encode()
    assert len(take(monitor, data)) == 1


def test_an_output_without_end() -> None:
    monitor = ready(limit=100)
    monitor.encode(line("x"), "1")
    with pytest.raises(FrameTooLong, match="the monitor's output has more than 100 bytes"):
        take(monitor, echo_of(b"x") + b"\r\n" + b"y" * 300)


def test_a_line_that_is_not_sent_after_all() -> None:
    monitor = ready()
    monitor.encode(line("stop"), "1")
    monitor.encode(line("cont"), "2")
    monitor.forget("2")
    monitor.encode(line("x"), "3")
    assert take(monitor, shown("stop", "")) == [{"return": "", "id": "1"}]
    assert take(monitor, shown("x", "0")) == [{"return": "0", "id": "3"}]


def test_the_end_of_the_stream() -> None:
    monitor = ready()
    monitor.encode(line("quit"), "1")
    monitor.receive_data(echo_of(b"quit") + b"\r\n")
    assert monitor.next_frame() is NEED_DATA
    monitor.receive_data(b"")
    assert monitor.next_frame() is PEER_CLOSED
