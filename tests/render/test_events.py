"""What stands in an event's line."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.render.events import details, event_line, fold_key, head, one_line, role
from qmpsh.render.theme import ASCII, UNICODE, plain

SECONDS = 1_763_677_831.12  # 22:30:31.120 UTC


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "name, expected",
    [
        ("STOP", "event.state"),
        ("SHUTDOWN", "event.state"),
        ("BLOCK_IO_ERROR", "event.severe"),
        ("GUEST_PANICKED", "event.severe"),
        ("DEVICE_DELETED", "event.name"),
        ("\x1b[31mSTOP", "event.name"),
    ],
)
def test_role(name: str, expected: str) -> None:
    assert role(name) == expected


@pytest.mark.parametrize(
    "data, lines",
    [
        ({}, []),
        ({"device": "net1"}, ["device=net1"]),
        ({"guest": False, "reason": "host-signal"}, ["guest=false", "reason=host-signal"]),
        ({"info": {"type": "s390", "core": 1}}, ["info.type=s390", "info.core=1"]),
        ({"a": {}, "b": [1, {"c": None}], "s": ""}, ["a={}", 'b=[1, {"c": null}]', 's=""']),
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, ["a=1", "b=2", "c=3  +2"]),
        ({"id": "a\nb\x1b[2J"}, ["id=a\\nb\\x1b[2J"]),
        ({"k\n": "\u202eabc"}, ["k\\n=\\u202eabc"]),
    ],
)
def test_details(data: JsonObject, lines: list[str]) -> None:
    assert details("A", data) == lines


def test_a_huge_value_is_cut() -> None:
    assert len(details("A", {"value": "x" * 1_000_000})[0]) < 1000


def test_head() -> None:
    assert head("STOP", SECONDS, 1, UNICODE) == [
        ("event.time", "22:30:31.120"),
        ("", " "),
        ("event.state", "STOP"),
    ]
    times = UNICODE.times
    assert plain(head("A", SECONDS, 1037, UNICODE)) == f"22:30:31.120 A {times}1,037"
    assert plain(head("RTC_CHANGE", SECONDS, 37, ASCII)) == "22:30:31.120 RTC_CHANGE x37"


def test_a_span_has_both_its_ends() -> None:
    line = head("RTC_CHANGE", SECONDS, 37, ASCII, SECONDS + 65)
    assert plain(line) == "22:30:31-22:31:36 RTC_CHANGE x37"


def test_an_event_on_one_line() -> None:
    data: JsonObject = {"device": "j1", "offset": 300 * 2**20, "len": 300 * 2**20, "speed": 0}
    first = head("BLOCK_JOB_CANCELLED", SECONDS, 1, ASCII)
    line = one_line("BLOCK_JOB_CANCELLED", data, first)
    assert plain(line) == (
        "22:30:31.120 BLOCK_JOB_CANCELLED device=j1 offset=300M len=300M speed=0"
    )
    assert one_line("STOP", {}, first) == first
    many: JsonObject = {f"k{number}": "v" for number in range(20)}
    assert plain(one_line("A", many, first)).endswith(" k11=v  +8")


def test_a_name_from_the_vm_is_made_safe() -> None:
    assert plain(head("A\x1b]0;title\x07", SECONDS, 1, UNICODE)).endswith("A\\x1b]0;title\\x07")


def test_one_line_for_all() -> None:
    line = event_line("DEVICE_DELETED", {"device": "n", "path": "/p"}, SECONDS, 2, ASCII)
    assert line == [("dim", "22:30:31.120 DEVICE_DELETED x2 device=n path=/p")]
    assert event_line("WATCHDOG", {}, SECONDS, 1, ASCII) == [("error", "22:30:31.120 WATCHDOG")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=12,
)


@given(data=st.dictionaries(st.text(), JSON, max_size=5))
def test_any_data_is_at_most_three_safe_lines(data: JsonObject) -> None:
    lines = details("A", data)
    assert len(lines) <= 3
    assert all(char.isprintable() or char >= "\xa0" for line in lines for char in line)
    assert "\n" not in "".join(lines)


def test_the_same_event_has_the_same_key() -> None:
    key = fold_key(Event("A", {"b": 1}, 1.0, {}))
    assert key == fold_key(Event("A", {"b": 1}, 2.0, {}))
    assert key != fold_key(Event("A", {"b": True}, 1.0, {}))
    assert key != fold_key(Event("B", {"b": 1}, 1.0, {}))
