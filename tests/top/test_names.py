"""VMs of one name are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.top.names import distinct_parts, tell_apart
from qmpsh.top.order import Order
from tests.top.samples import NOW, running


@pytest.mark.parametrize(
    "addresses, parts",
    [
        (["/run/vms/a.sock", "/run/vms/b.sock"], ["a", "b"]),
        (["/run/a/qmp.sock", "/run/b/qmp.sock"], ["a", "b"]),
        (["/run/one/vm-a-long-name.sock", "/run/two/vm-b-long-name.sock"], ["one", "two"]),
        (["/a/x/m.sock", "/a/y/m.sock", "/b/x/m.sock"], ["a/x/m", "a/y/m", "b/x/m"]),
        (["/a/m.sock", "/a/m.qmp"], ["/a/m.sock", "/a/m.qmp"]),
        (["ssh://host1/m", "ssh://host2/m"], ["host1", "host2"]),
        (["127.0.0.1:4444", "127.0.0.1:4445"], ["127.0.0.1:4444", "127.0.0.1:4445"]),
        (["/m.sock", "/a/m.sock"], ["/m", "a/m"]),
    ],
)
def test_parts(addresses: list[str], parts: list[str]) -> None:
    assert distinct_parts(addresses) == parts


@given(st.lists(st.text(alphabet="ab/.", min_size=1, max_size=8), min_size=2, unique=True))
def test_no_two_parts_are_the_same(addresses: list[str]) -> None:
    assert len({*distinct_parts(addresses)}) == len(addresses)


def test_only_those_that_are_alike_get_a_part() -> None:
    records = [running("web"), running("web"), running("db")]
    for record, text in zip(records, ("/run/a.sock", "/run/b.sock", "/run/c.sock"), strict=True):
        record.target = record.target._replace(text=text)
    order = Order()
    order.update(records, NOW)
    assert [one.name for one in records] == ["web@a", "web@b", "db"]
    order.update(records[1:], NOW)
    assert [one.name for one in records[1:]] == ["web", "db"]
    tell_apart(records)
    assert records[1].name == "web@b"
