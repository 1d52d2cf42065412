"""The ring of events: repeats fold, the oldest go, nothing is lost unsaid."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.tui.eventlog import EventLog
from qmpsh.view.glyphs import ASCII, UNICODE
from qmpsh.view.theme import plain
from qmpsh.wire.messages import Event

START = 1_763_677_831.0  # 22:30:31 UTC


def event(name: str, seconds: float | None = 0.0, **data: str | int) -> Event:
    values: JsonObject = dict(data)
    return Event(name, values, None if seconds is None else START + seconds, {})


def shown(log: EventLog, width: int = 40, height: int = 50) -> list[str]:
    return [plain(row) for row in log.view.view(width, height)]


def filled(*events: Event, limit: int = 100) -> EventLog:
    log = EventLog(ASCII, lambda: START, limit)
    for one in events:
        log.add(one)
    return log


def test_time_name_and_data() -> None:
    log = filled(event("DEVICE_DELETED", 0.12, device="net1", path="/machine/peripheral/net1"))
    assert shown(log) == [
        "22:30:31.120 DEVICE_DELETED",
        "  device=net1",
        "  path=/machine/peripheral/net1",
    ]


def test_an_event_without_a_time_gets_ours() -> None:
    assert shown(filled(event("STOP", None))) == ["22:30:31.000 STOP"]


def test_repeats_within_a_second_are_one_line() -> None:
    log = filled(*(event("RTC_CHANGE", number / 40, offset=1) for number in range(37)))
    assert shown(log) == ["22:30:31.000 RTC_CHANGE x37", "  offset=1"]
    assert log.total == 37


@pytest.mark.parametrize("later", [1.0, 3600.0, -0.5])
def test_a_second_later_is_another_line(later: float) -> None:
    assert len(shown(filled(event("RTC_CHANGE"), event("RTC_CHANGE", later)))) == 2


def test_other_data_is_another_line() -> None:
    log = filled(event("A", offset=1), event("A", offset=2), event("A", offset=1))
    assert shown(log) == ["22:30:31.000 A x2", "  offset=1", "22:30:31.000 A", "  offset=2"]


def test_run_states_are_told_in_their_order() -> None:
    log = filled(event("STOP"), event("RESUME"), event("STOP"), event("STOP"))
    assert shown(log) == ["22:30:31.000 STOP", "22:30:31.000 RESUME", "22:30:31.000 STOP x2"]


def test_a_line_never_wraps() -> None:
    log = filled(event("BLOCK_JOB_COMPLETED", device="a-rather-long-name-of-a-device"))
    assert shown(log, width=34)[0] == "22:30:31.000 BLOCK_JOB_COMPLETED"
    assert shown(log, width=28) == ["22:30:31 BLOCK_JOB_COMPLETED", "  device=a-rather-long-na..."]
    assert shown(log, width=20)[0] == "22:30:31 BLOCK_JO..."


def test_the_multiplier_is_never_cut_off() -> None:
    log = filled(*[event("BLOCK_JOB_COMPLETED")] * 1234)
    assert shown(log, width=24) == ["22:30:31 BLOCK... x1,234"]


def test_the_oldest_go_and_are_counted() -> None:
    log = filled(*(event("A", number=number) for number in range(1000)), limit=100)
    assert log.total == 1000
    assert len(log.store.blocks) <= 100
    log.view.to_start()
    first = shown(log, height=2)
    assert first[0] == f"{log.store.dropped} older events dropped"
    assert log.store.dropped + len(log.store.blocks) == 1000


def test_names_from_the_vm_are_made_safe() -> None:
    log = EventLog(UNICODE, lambda: START)
    log.add(event("BAD\x1b[31m", id="\u202eid\x9b"))
    assert shown(log) == ["22:30:31.000 BAD\\x1b[31m", "  id=\\u202eid\\x9b"]


def test_the_last_name_is_known() -> None:
    log = filled(event("A"), event("B"), event("A"))
    assert log.last == "A"
