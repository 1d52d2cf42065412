"""The ring of events: repeats fold, the oldest go, nothing is lost unsaid."""

from __future__ import annotations

import weakref

import pytest

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.render.theme import ASCII, UNICODE, plain
from qmpsh.ui.screen.events import MAX_EVENT_BYTES, EventPane, cut_detail

START = 1_763_677_831.0  # 22:30:31 UTC


def event(name: str, seconds: float | None = 0.0, **data: str | int) -> Event:
    values: JsonObject = dict(data)
    return Event(name, values, None if seconds is None else START + seconds, {})


def shown(log: EventPane, width: int = 40, height: int = 50) -> list[str]:
    return [plain(row) for row in log.view.visible_rows(width, height)]


def filled(*events: Event, limit: int = 100) -> EventPane:
    log = EventPane(ASCII, lambda: START, limit)
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
    assert shown(log) == ["22:30:31.000 RTC_CHANGE x37 offset=0:01"]
    assert log.total == 37


def test_later_repeats_make_a_span() -> None:
    log = filled(*(event("RTC_CHANGE", 40.0 * number, offset=1) for number in range(4)))
    assert shown(log, 50) == ["22:30:31-22:32:31 RTC_CHANGE x4 offset=0:01"]
    assert shown(log, 40) == ["22:30:31-22:32:31 RTC_CHANGE x4", "  offset=0:01"]
    assert shown(log, 23) == ["22:30:31 RTC_CHANGE x4", "  offset=0:01"]


@pytest.mark.parametrize("later", [4000.0, -0.5])
def test_long_after_is_another_line(later: float) -> None:
    assert len(shown(filled(event("RTC_CHANGE"), event("RTC_CHANGE", later)))) == 2


def test_a_repeat_never_folds_across_another_event() -> None:
    log = filled(event("A"), event("B"), event("A", 0.1))
    assert shown(log) == ["22:30:31.000 A", "22:30:31.000 B", "22:30:31.100 A"]


def test_what_became_of_the_connection_stands_between_events() -> None:
    log = filled(event("STOP"))
    log.mark("the VM ended")
    log.add(event("STOP", 0.5))
    assert shown(log) == ["22:30:31.000 STOP", "22:30:31 the VM ended", "22:30:31.500 STOP"]
    log.select(-1)
    log.select(-1)
    assert log.selected is log.store.blocks[0]
    log.select(1)
    assert log.selected is log.store.blocks[2]


def test_the_data_stands_behind_the_name_where_there_is_room() -> None:
    log = filled(event("BLOCK_JOB_CANCELLED", 0.464, device="j1", offset=300 * 2**20, speed=0))
    whole = "22:30:31.464 BLOCK_JOB_CANCELLED device=j1 offset=300M speed=0"
    assert shown(log, 100) == [whole]
    assert shown(log, len(whole)) == [whole]
    assert shown(log, 60)[:2] == ["22:30:31.464 BLOCK_JOB_CANCELLED", "  device=j1"]
    assert shown(log, 23)[:3] == ["22:30:31 BLOCK_JOB_", "         CANCELLED", "  device=j1"]
    assert shown(filled(event("A", device="x" * 200)), 80) == [
        f"22:30:31.000 A device={'x' * 55}..."
    ]


def test_other_data_is_another_line() -> None:
    log = filled(event("A", offset=1), event("A", offset=2), event("A", offset=1))
    assert shown(log) == [f"22:30:31.000 A offset={size}" for size in (1, 2, 1)]


def test_run_states_are_told_in_their_order() -> None:
    log = filled(event("STOP"), event("RESUME"), event("STOP"), event("STOP"))
    assert shown(log) == ["22:30:31.000 STOP", "22:30:31.000 RESUME", "22:30:31.000 STOP x2"]


def test_only_a_long_name_wraps() -> None:
    log = filled(event("BLOCK_JOB_COMPLETED", device="a-rather-long-name-of-a-device"))
    assert shown(log, width=34)[0] == "22:30:31.000 BLOCK_JOB_COMPLETED"
    assert shown(log, width=28) == ["22:30:31 BLOCK_JOB_COMPLETED", "  device=a-rather-long-na..."]
    assert shown(log, width=20)[:2] == ["22:30:31 BLOCK_JOB_", "         COMPLETED"]
    assert shown(log, width=12)[0] == "22:30:31 ..."


def test_the_multiplier_is_never_cut_off() -> None:
    log = filled(*[event("BLOCK_JOB_COMPLETED")] * 1234)
    assert shown(log, width=24) == ["22:30:31 BLOCK_JOB_", "        COMPLETED x1,234"]


def test_the_oldest_go_and_are_counted() -> None:
    log = filled(*(event("A", number=number) for number in range(1000)), limit=100)
    assert log.total == 1000
    assert len(log.store.blocks) <= 100
    log.view.to_start()
    first = shown(log, height=2)
    assert first[0] == f"{log.store.dropped} older events dropped"
    assert log.store.dropped + len(log.store.blocks) == 1000


def sized(size: int, number: int) -> Event:
    return Event("Y", {"n": number}, START + number, {}, size)


def test_the_ring_is_bounded_by_bytes_and_says_so() -> None:
    size = MAX_EVENT_BYTES // 16
    log = filled(*(sized(size, number) for number in range(100)))
    assert len(log.store.blocks) <= 16
    log.view.to_start()
    assert shown(log, height=2)[0] == f"{log.store.dropped} older events dropped"
    assert log.store.dropped + len(log.store.blocks) == 100


def test_a_large_event_is_let_go_of_with_its_line() -> None:
    class Data(dict[str, Json]):
        """A dict that can be referred to weakly."""

    data = Data(text="x")
    kept = weakref.ref(data)
    log = filled(Event("X", data, START, {}, MAX_EVENT_BYTES))
    del data
    assert shown(log) == ["22:30:31.000 X text=x"]
    log.add(sized(MAX_EVENT_BYTES, 1))
    assert kept() is None


def test_names_from_the_vm_are_made_safe() -> None:
    log = EventPane(UNICODE, lambda: START)
    log.add(event("BAD\x1b[31m", id="\u202eid\x9b"))
    assert shown(log, 60) == ["22:30:31.000 BAD\\x1b[31m id=\\u202eid\\x9b"]


def test_the_last_name_is_known() -> None:
    log = filled(event("A"), event("B"), event("A"))
    assert log.last_name == "A"


# ------------------------------------------------------------------------ patterns


@pytest.mark.parametrize(
    "patterns, names",
    [
        ((), ["STOP", "BLOCK_IO_ERROR", "BLOCK_JOB_READY"]),
        (("stop",), ["STOP"]),
        (("block_*",), ["BLOCK_IO_ERROR", "BLOCK_JOB_READY"]),
        (("*ERROR", "S?OP"), ["STOP", "BLOCK_IO_ERROR"]),
        (("BLOCK",), []),
    ],
)
def test_only_what_fits_is_shown_and_nothing_is_lost(
    patterns: tuple[str, ...], names: list[str]
) -> None:
    log = filled(event("STOP"), event("BLOCK_IO_ERROR"))
    log.set_filter(patterns)
    log.add(event("BLOCK_JOB_READY"))
    assert [line.split()[1] for line in shown(log)] == names
    log.set_filter(())
    assert len(shown(log)) == 3
    assert log.total == 3


def test_what_is_not_shown_is_not_new() -> None:
    log = filled(*(event("STOP", number, n=number) for number in range(9)))
    log.set_filter(("STOP",))
    shown(log, height=3)
    log.view.page(-1)
    log.add(event("RESUME"))
    assert log.view.unseen == 0
    log.add(event("STOP", 20))
    assert log.view.unseen == 1


# ------------------------------------------------------------------------ selecting


def selected(log: EventPane) -> str:
    return log.selected.event.name if log.selected else ""


def test_up_from_the_newest_and_down_out_of_it() -> None:
    log = filled(event("A", x=1), event("HIDDEN"), event("B"), event("C"))
    log.set_filter(("?",))
    log.select(1)
    assert selected(log) == ""
    names = []
    for step in (-1, -1, -1, -1, 1, 1, 1):
        log.select(step)
        names.append(selected(log))
    assert names == ["C", "B", "A", "A", "B", "C", ""]
    log.set_filter(("none",))
    log.select(-1)
    assert selected(log) == ""


def test_the_selected_one_stands_out_and_stays_where_it_is() -> None:
    log = filled(*(event(f"E{number}") for number in range(9)))
    shown(log, height=3)
    log.select(-1)
    log.add(event("LATE"))
    rows = log.view.visible_rows(40, 3)
    assert [plain(row).split()[1] for row in rows] == ["E6", "E7", "E8"]
    assert [role for role, _ in rows[2]] == ["menu.current"]
    assert log.view.unseen == 1
    for _ in range(5):
        log.select(-1)
    assert "E3" in " ".join(shown(log, height=3))
    log.deselect()
    assert shown(log, height=3)[-1].endswith("LATE")


def test_a_selected_one_that_was_dropped_is_left() -> None:
    log = filled(*(event(f"E{number}") for number in range(9)), limit=16)
    log.select(-1)
    for number in range(30):
        log.add(event(f"L{number}"))
    log.select(-1)
    assert selected(log) == "E8"
    log.select(1)
    assert log.selected is log.store.blocks[0]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("  device=n0", "  device=n0"),
        ("  path=/machine/peripheral/n0", "  path=…/peripheral/n0"),
        ("  path=/machine/peripheral/n0/virtio-backend", "  path=…/virtio-backend"),
        ("  path=/machine/very-long-name-of-a-device", "  path=/machine/very-l…"),
        ("  path=/任务/名字/名字/名字", "  path=/任务/名字/名字…"),
        ("  message=a/word=/x of many words", "  message=a/word=/x of…"),
    ],
)
def test_a_path_without_room_loses_its_beginning(text: str, shown: str) -> None:
    assert plain(cut_detail([("event.data", text)], 23, "…")) == shown
