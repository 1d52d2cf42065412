"""What processes use, from /proc."""

from __future__ import annotations

import os
import time

from hypothesis import given
from hypothesis import strategies as st

from qmpsh.system.usage import (
    InterfaceBytes,
    group_of,
    interface_bytes,
    maybe_usage,
    parse_interfaces,
    parse_usage,
    tap_names,
    thread_seconds,
)

STAT = (
    b"4242 (a) b (c)) S 1 4242 4242 0 -1 4194560 100 0 0 0 "
    b"150 50 0 0 20 0 3 0 777 1000000 25 18446744073709551615 1 1 0 0 0 0 0"
)


def test_a_stat_whose_name_has_parentheses() -> None:
    found = parse_usage(STAT, 7.0)
    assert found is not None
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    assert found == (7.0, 200 / ticks, 25 * page, "S", 777)


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    parse_usage(data, 0.0)
    parse_interfaces(data)


def test_our_own_process() -> None:
    before = maybe_usage(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = maybe_usage(os.getpid())
    assert before is not None
    assert after is not None
    assert after.seconds > before.seconds
    assert after.start == before.start
    assert after.resident > 1_000_000


def test_our_own_thread() -> None:
    assert thread_seconds(os.getpid(), [os.getpid(), 0]) > 0
    assert group_of(os.getpid()) == os.getpid()


def test_a_process_that_is_gone() -> None:
    assert maybe_usage(2**30) is None
    assert thread_seconds(2**30, [2**30]) == 0
    assert group_of(2**30) == 0
    assert tap_names(2**30) == ()


def test_interfaces() -> None:
    table = b"""Inter-|   Receive                 |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes
    lo:   12     3    0    0    0     0          0         0     34       3
 a:1:x: 5 0 0 0 0 0 0 0 6 0
broken: 1 2
"""
    assert parse_interfaces(table) == {"lo": InterfaceBytes(12, 34), "a:1:x": InterfaceBytes(5, 6)}
    assert "lo" in interface_bytes()
