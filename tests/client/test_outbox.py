"""The order in which requests are written."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.client.dialect import QEMU, STRATOVIRT
from qmpsh.client.queues import Outbox, Pending, RateLimiter
from qmpsh.protocol.messages import Command

WINDOW = QEMU.window
IN_BAND = Pending(Command("query-status"), "1")


def write_all(outbox: Outbox) -> list[bytes]:
    """What may be written now, in its order."""
    written = []
    while outbox.begin_next(0.0):
        written.append(outbox.rest)
    return written


def test_in_order() -> None:
    outbox = Outbox(WINDOW)
    for data in (b"a", b"b"):
        outbox.put(data, oob=False)
    assert write_all(outbox) == [b"a", b"b"]
    assert not outbox.begin_next(0.0)


def test_out_of_band_goes_first() -> None:
    outbox = Outbox(WINDOW)
    outbox.put(b"a", oob=False)
    outbox.put(b"x", oob=True)
    outbox.put(b"y", oob=True)
    assert write_all(outbox) == [b"x", b"y", b"a"]


def test_fewer_than_eight_in_band_are_on_the_wire() -> None:
    outbox = Outbox(WINDOW)
    requests = [b"%d" % n for n in range(20)]
    for data in requests:
        outbox.put(data, oob=False)
    assert WINDOW < 8
    assert write_all(outbox) == requests[:WINDOW]
    outbox.put(b"x", oob=True)
    assert write_all(outbox) == [b"x"]
    outbox.count_answer(IN_BAND)
    assert write_all(outbox) == [requests[WINDOW]]


def test_clear() -> None:
    outbox = Outbox(WINDOW)
    outbox.put(b"a", oob=False)
    outbox.begin_next(0.0)
    outbox.put(b"b", oob=False)
    outbox.put(b"x", oob=True)
    outbox.clear()
    assert outbox.rest == b""
    assert write_all(outbox) == []


# ------------------------------------------------------------------------ pace


@given(st.integers(5, 200), st.lists(st.floats(0, 0.5), min_size=1, max_size=600))
def test_never_more_than_the_rate_in_any_one_second(rate: int, pauses: list[float]) -> None:
    pace, now, times = RateLimiter(rate), 0.0, list[float]()
    for pause in pauses:
        now = max(now + pause, pace.due)
        pace.consume(now)
        times.append(now)
    assert all(later - at > 1 - 1e-9 for at, later in zip(times, times[rate:], strict=False))


def test_time_alone_holds_back() -> None:
    outbox = Outbox(window=1000, rate=100)
    assert outbox.due is None
    for _ in range(25):
        outbox.put(b"a", oob=False)
    assert len(write_all(outbox)) == 20
    outbox.rest = b""
    due = outbox.due or 0.0
    assert due == pytest.approx(0.5 / 80)
    assert outbox.begin_next(due)
    outbox.rest = b""
    assert not outbox.begin_next(due)
    assert outbox.due == pytest.approx(1.5 / 80)


def test_who_waits_for_the_window_is_not_due() -> None:
    assert STRATOVIRT.window == 1
    outbox = Outbox(STRATOVIRT.window, STRATOVIRT.rate)
    outbox.put(b"a", oob=False)
    outbox.put(b"b", oob=False)
    assert write_all(outbox) == [b"a"]
    outbox.rest = b""
    assert outbox.due is None
    outbox.count_answer(IN_BAND)
    assert outbox.due is not None


# ------------------------------------------------------------------------ descriptors


def test_clear_closes_what_never_went() -> None:
    fds = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    outbox = Outbox(1)
    for fd, oob in zip(fds, (False, False, True), strict=True):
        outbox.put(b"a", oob=oob, fd=fd)
    outbox.begin_next(0.0)
    outbox.clear()
    outbox.clear()
    for fd in fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def with_descriptor(outbox: Outbox, data: bytes) -> Pending:
    pending = Pending(Command("getfd"), data.decode())
    outbox.put(data, oob=False, fd=os.open(os.devnull, os.O_RDONLY), pending=pending)
    return pending


def test_one_descriptor_at_a_time() -> None:
    outbox = Outbox(WINDOW)
    first, second = with_descriptor(outbox, b"a"), with_descriptor(outbox, b"b")
    outbox.put(b"c", oob=False)
    outbox.put(b"x", oob=True)
    assert write_all(outbox) == [b"x", b"a"]
    outbox.count_answer(IN_BAND)
    assert write_all(outbox) == []
    outbox.count_answer(first)
    assert write_all(outbox) == [b"b", b"c"]
    outbox.count_answer(second)
    outbox.clear()


def test_one_descriptor_that_was_taken_back_makes_way_for_the_next() -> None:
    outbox = Outbox(WINDOW)
    first, _ = with_descriptor(outbox, b"a"), with_descriptor(outbox, b"b")
    assert outbox.begin_next(0.0)
    assert outbox.withdraw(first)
    assert write_all(outbox) == [b"b"]
    outbox.clear()
