"""Numbers of events, for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import read_int
from qmpsh.render.event_values import number_in_event, short_size

MIB = 2**20


@pytest.mark.parametrize(
    "event, member, value, text",
    [
        ("BLOCK_JOB_CANCELLED", "len", 300 * MIB, "300M"),
        ("BLOCK_JOB_CANCELLED", "offset", 300 * MIB + 4096, "300M"),
        ("BLOCK_JOB_COMPLETED", "speed", 10 * MIB, "10M/s"),
        ("BLOCK_JOB_COMPLETED", "speed", 0, "0"),
        ("BLOCK_JOB_COMPLETED", "offset", 0, "0"),
        ("BALLOON_CHANGE", "actual", 1536 * MIB, "1.5G"),
        ("RTC_CHANGE", "offset", 3600, "1:00:00"),
        ("RTC_CHANGE", "offset", -5, "-0:05"),
        ("MIGRATION_PASS", "pass", 2**30, "1073741824"),
        ("QUORUM_REPORT_BAD", "sectors-count", 2048, "2048"),
        ("A", "len", 2**64, "18446744073709551616"),
        ("A", "len", 2**63, "8E"),
        ("A", "len", -(2**20), "-1M"),
    ],
)
def test_number(event: str, member: str, value: int, text: str) -> None:
    assert number_in_event(event, member, value) == text


@pytest.mark.parametrize(
    "count, text",
    [
        (0, "0"),
        (1023, "1023"),
        (1024, "1K"),
        (1536, "1.5K"),
        (2**20 - 1, "1M"),
        (10**9, "953.7M"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert short_size(count) == text


@given(st.integers(0, 2**63), st.sampled_from(range(7)))
def test_a_size_is_short_and_close(count: int, power: int) -> None:
    text = short_size(count)
    assert len(text) <= 7
    number = float(text.rstrip("KMGTPE"))
    read = number * 1024 ** (" KMGTPE".index(text[-1]) if text[-1].isalpha() else 0)
    assert abs(read - count) <= 0.05 * max(count, 1)


@given(st.integers(1, 999), st.integers(0, 5))
def test_a_round_size_is_exact_and_can_be_typed(count: int, power: int) -> None:
    assert read_int(short_size(count * 1024**power)) == count * 1024**power
