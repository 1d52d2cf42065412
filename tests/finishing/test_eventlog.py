"""Which of the events of a session count for a line that waits, and how many are kept."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qmpsh.client.queues import RING_BYTES
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Event, Reply
from qmpsh.shell.events import MAX_NAMES, EventHistory, EventSpan


def event(name: str, number: int = 0, size: int = 1) -> Event:
    return Event(name, {"n": number}, None, {}, size)


def log_of(*events: Event, limit: int = 4096) -> EventHistory:
    log = EventHistory(EventSpan(is_script=True), limit, clock=lambda: 5.0)
    for each in events:
        log.on_message(each)
    return log


def take(log: EventHistory, name: str, since: int | None = 0) -> int | None:
    """The number of the event that a line which waits for that name gets at once."""
    with log.expecting(lambda event: event.name == name, since) as taker:
        return None if taker.event is None else int(str(taker.event.data["n"]))


def numbers(log: EventHistory) -> list[Json]:
    return [kept.event.data["n"] for kept in log.kept()]


def test_taking_an_event_discards_no_other() -> None:
    log = log_of(event("A", 1), event("B", 2), event("A", 3))
    assert [take(log, "B"), take(log, "A"), take(log, "A"), take(log, "A")] == [2, 1, 3, None]


def test_what_counts_begins_at_a_number() -> None:
    log = log_of(event("A", 1))
    mark = log.next
    log.on_message(Reply("x", None, 0, {}))
    log.on_message(event("A", 2))
    assert [take(log, "A", None), take(log, "A", mark), take(log, "A", mark)] == [None, 2, None]
    assert take(log, "A", 0) == 1


def test_a_script_looks_back_to_its_start_for_an_event_with_values() -> None:
    span = EventSpan(3, is_script=True)
    span.mark = 8
    assert (span.since(exact=True), span.since(exact=False)) == (3, 8)
    prompt = EventSpan(3, is_script=False)
    prompt.mark = 8
    assert (prompt.since(exact=True), prompt.since(exact=False)) == (8, 8)


def test_who_waits_gets_the_next_event_alone() -> None:
    log = log_of()
    everything = log.expecting(lambda event: True, 0)
    with everything as first, log.expecting(lambda event: True, 0) as second:
        log.on_message(event("A", 1))
        assert (first.event is not None, second.event) == (True, None)
        log.on_message(event("A", 2))
        assert second.event is not None
    assert log.kept() == []


def test_what_a_follower_waits_for_is_taken() -> None:
    log, heard = log_of(), []

    def follow(event: Event) -> bool:
        heard.append(event.data["n"])
        return event.name == "A"

    with log.followed(follow):
        log.on_message(event("A", 1))
        log.on_message(event("B", 2))
    log.on_message(event("A", 3))
    assert (heard, numbers(log)) == ([1, 2], [2, 3])


def test_a_flood_costs_no_event_of_another_name() -> None:
    log = log_of(event("B", 1), *(event("A", n) for n in range(20)), event("B", 2), limit=5)
    assert numbers(log) == [1, 17, 18, 19, 2]
    assert log.has_lost(lambda name: name == "A", 0)
    assert not log.has_lost(lambda name: name == "B", 0)
    assert not log.has_lost(lambda name: name == "A", 20)


def test_a_flood_of_bytes_costs_no_event_of_another_name() -> None:
    log = log_of(event("B", 1), *(event("A", n, RING_BYTES // 2 - 9) for n in range(9)))
    assert numbers(log) == [1, 7, 8]
    log.on_message(event("A", 10, RING_BYTES + 1))
    assert numbers(log) == [1]


def test_names_without_end_are_bounded_too() -> None:
    log = log_of(*(event(f"N{n}", n) for n in range(3 * MAX_NAMES)))
    assert numbers(log) == list(range(2 * MAX_NAMES, 3 * MAX_NAMES))


def test_another_connection_begins_with_nothing() -> None:
    log = log_of(event("A", 1), limit=1)
    log.on_message(event("A", 2))
    log.clear()
    assert log.kept() == []
    assert not log.has_lost(lambda name: True, 0)
    log.on_message(event("A", 3))
    assert (numbers(log), log.next) == ([3], 3)


STEPS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["hear", "take", "mark"])), max_size=60
)


@given(STEPS, st.integers(1, 12))
def test_the_log_against_a_list(steps: list[tuple[str, str]], limit: int) -> None:
    """The oldest of a name since the mark, unless the name had the most events and too many."""
    log, model, mark = log_of(limit=limit), [], 0
    for number, (name, what) in enumerate(steps):
        if what == "mark":
            mark = log.next
        elif what == "hear":
            model.append((log.next, name, number))
            log.on_message(event(name, number))
            if len(model) > limit:
                most = Counter(name for _, name, _ in model).most_common(1)[0][1]
                full = [n for n, c in Counter(name for _, name, _ in model).items() if c == most]
                gone = next(m for m in model if m[2] not in numbers(log))
                assert gone[1] in full
                assert gone == next(m for m in model if m[1] == gone[1])
                model.remove(gone)
        else:
            found = next((m for m in model if m[1] == name and m[0] >= mark), None)
            assert take(log, name, mark) == (None if found is None else found[2])
            if found is not None:
                model.remove(found)
    assert numbers(log) == [m[2] for m in model]
