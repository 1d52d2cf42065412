"""What is kept for those who are not there yet: bounded by number and by bytes."""

from __future__ import annotations

from qmpsh.client.queues import RING_BYTES, Inbox, MessageRing
from qmpsh.protocol.messages import ErrorReply, Event, Reply


def event(number: int, size: int) -> Event:
    return Event("X", {"n": number}, None, {}, size)


def numbers(ring: MessageRing) -> list[object]:
    return [event.data["n"] for event in ring if isinstance(event, Event)]


def test_a_ring_is_bounded_by_number() -> None:
    ring = MessageRing(2)
    for number in range(3):
        ring.append(event(number, 10))
    assert (numbers(ring), ring.dropped) == ([1, 2], 1)


def test_a_ring_is_bounded_by_bytes() -> None:
    ring = MessageRing(1000)
    for number in range(9):
        ring.append(event(number, RING_BYTES // 4))
    assert (numbers(ring), ring.dropped) == ([5, 6, 7, 8], 5)
    ring.pop(1)
    ring.append(event(9, RING_BYTES // 4))
    assert numbers(ring) == [5, 7, 8, 9]
    ring.append(event(10, RING_BYTES + 1))
    assert (numbers(ring), ring.dropped) == ([], 10)
    ring.append(event(11, RING_BYTES))
    assert numbers(ring) == [11]


def test_the_backlog_of_an_inbox_is_bounded_by_bytes() -> None:
    inbox = Inbox()
    for number in range(9):
        inbox.deliver(event(number, RING_BYTES // 4))
        inbox.deliver(Reply(f"x{number}", None, RING_BYTES // 4, {}))
    heard: list[Event | Reply | ErrorReply] = []
    inbox.subscriber = heard.append
    assert len(heard) == 4
    assert isinstance(heard[-1], Reply)
    assert heard[-1].id == "x8"
