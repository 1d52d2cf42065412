"""Counters of replies, and their rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json
from qmpsh.top.counters import DiskCounters, RateGroup, count_of, disks_of, exits_of, threads_of
from tests.top.samples import blockstats

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["device", "stats", "rd_bytes", "thread-id", "qdev", "status"]), inner
        )
    ),
    max_leaves=12,
)


def test_disks_are_named_after_drive_device_or_node() -> None:
    reply: Json = [
        {"device": "drive0", "qdev": "/machine/peripheral/vd0/virtio-backend", "stats": {}},
        {"device": "", "qdev": "/machine/peripheral/vd1/virtio-backend", "stats": {}},
        {"device": "", "node-name": "node3", "stats": {}},
        {"stats": {}},
    ]
    assert [disk.name for disk in disks_of(reply)] == ["drive0", "vd1", "node3", "disk"]


def test_two_disks_of_one_name_are_apart() -> None:
    three: Json = [{"device": "a"}, {"device": "a"}, {"device": "a"}]
    assert [disk.name for disk in disks_of(three)] == ["a", "a#2", "a#3"]


def test_exits_of_all_virtual_cpus() -> None:
    def cpu(number: int, value: Json) -> Json:
        stats: Json = [{"name": "exits", "value": value}]
        path = f"/machine/unattached/device[{number}]"
        return {"provider": "kvm", "stats": stats, "qom-path": path}

    assert exits_of([cpu(0, 272), cpu(2, 28)]) == 300
    assert exits_of([cpu(0, "many"), cpu(2, -5)]) == 0
    assert exits_of([]) is exits_of({}) is exits_of([cpu(0, None)]) is None


def test_counts_of_a_disk() -> None:
    assert disks_of(blockstats(1, 2, 3, 4, 5)) == (DiskCounters("disk0", 1, 2, 3, 4, 5),)


@given(JSON)
def test_any_reply_is_read(value: Json) -> None:
    for disk in disks_of(value):
        assert all(0 <= number < 2**64 for number in disk[1:])
    assert all(thread > 0 for thread in threads_of(value))


@pytest.mark.parametrize(
    "value, count",
    [(3, 3), (-3, 0), (2**70, 2**64 - 1), (True, None), ("3", None), (1.5, None)],
)
def test_a_count_is_a_bounded_number(value: Json, count: int | None) -> None:
    assert count_of(value) == count


def test_rates_need_two_counts() -> None:
    group = RateGroup()
    assert not group.read((10, 0), 1.0)
    assert not group.rates
    assert group.read((30, 1), 3.0)
    assert group.rates == (10.0, 0.5)


def test_counts_that_fall_begin_again() -> None:
    group = RateGroup()
    group.read((10,), 1.0)
    group.read((20,), 2.0)
    group.read((3,), 3.0)
    assert not group.rates
    assert group.read((5,), 4.0)
    assert [*group.rates] == [2.0]


def test_another_number_of_counts_begins_again() -> None:
    group = RateGroup()
    group.read((10,), 1.0)
    group.read((10, 10), 2.0)
    assert group.rates == ()


def test_two_counts_at_once_say_nothing_new() -> None:
    group = RateGroup()
    group.read((10,), 1.0)
    group.read((20,), 2.0)
    assert not group.read((21,), 2.01)
    assert (group.counts, group.rates) == ((20,), (10.0,))


@given(st.lists(st.tuples(st.integers(0, 2**64), st.floats(0, 1e6)), max_size=20))
def test_no_rate_is_negative(counts: list[tuple[int, float]]) -> None:
    group = RateGroup()
    for count, at in counts:
        group.read((count,), at)
        assert all(rate >= 0 for rate in group.rates)
