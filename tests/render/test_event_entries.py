"""Which events share an entry."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.protocol.messages import Event
from qmpsh.render.event_entries import (
    LARGE_EVENT_BYTES,
    MAX_PAUSE_SECONDS,
    MOMENT_SECONDS,
    EventEntry,
    EventFolder,
)

Heard = tuple[str, int, float]
"""An event's name, a number in its data, its time"""


def folded(*heard: Heard, size: int = 0) -> list[EventEntry]:
    folder, entries = EventFolder(), list[EventEntry]()
    for name, value, seconds in heard:
        entry = folder.add(Event(name, {"n": value}, seconds, {}, size), seconds)
        if not entries or entries[-1] is not entry:
            entries.append(entry)
    return entries


def shown(entries: list[EventEntry]) -> list[tuple[str, int, float, float | None]]:
    return [(entry.event.name, entry.count, entry.first, entry.until) for entry in entries]


@pytest.mark.parametrize(
    "heard, entries",
    [
        ([], []),
        ([("A", 1, 0.0), ("A", 1, 0.9)], [("A", 2, 0.0, None)]),
        ([("A", 1, 0.0), ("A", 1, 0.9), ("A", 1, 1.5)], [("A", 3, 0.0, 1.5)]),
        ([("A", 1, 0.0), ("A", 2, 0.1)], [("A", 1, 0.0, None), ("A", 1, 0.1, None)]),
        (
            [("STOP", 1, 0.0), ("RESUME", 1, 0.1), ("STOP", 1, 0.2), ("STOP", 1, 0.3)],
            [("STOP", 1, 0.0, None), ("RESUME", 1, 0.1, None), ("STOP", 2, 0.2, None)],
        ),
        (
            [("A", 1, 0.0), ("A", 1, MAX_PAUSE_SECONDS + 1)],
            [("A", 1, 0.0, None), ("A", 1, MAX_PAUSE_SECONDS + 1, None)],
        ),
        ([("A", 1, 5.0), ("A", 1, 4.0)], [("A", 1, 5.0, None), ("A", 1, 4.0, None)]),
    ],
)
def test_entries(heard: list[Heard], entries: list[tuple[str, int, float, float | None]]) -> None:
    assert shown(folded(*heard)) == entries


def test_a_large_event_has_an_entry_of_its_own() -> None:
    assert len(folded(("A", 1, 0.0), ("A", 1, 0.1), size=LARGE_EVENT_BYTES + 1)) == 2


heard = st.tuples(st.sampled_from("AB"), st.integers(0, 1), st.floats(0, 4 * MAX_PAUSE_SECONDS))


@given(st.lists(heard, max_size=40), st.booleans())
def test_nothing_is_lost_or_moved(events: list[Heard], is_sorted: bool) -> None:
    if is_sorted:
        events.sort(key=lambda each: each[2])
    entries = folded(*events)
    told = [
        (entry.event.name, entry.event.data["n"]) for entry in entries for _ in range(entry.count)
    ]
    assert told == [(name, value) for name, value, _ in events]
    at = 0
    for entry in entries:
        times = [seconds for _, _, seconds in events[at : at + entry.count]]
        assert (entry.first, entry.last) == (times[0], times[-1])
        assert (entry.until is None) == (times[-1] - times[0] < MOMENT_SECONDS)
        at += entry.count
    for before, after in pairwise(entries):
        same = (before.event.name, before.event.data) == (after.event.name, after.event.data)
        assert not same or not 0 <= after.first - before.last <= MAX_PAUSE_SECONDS
