"""What a running VM answers, as completion reads it: of any shape, and in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.complete.buses import read_buses
from qmpsh.complete.live import SOURCES, LiveValue
from qmpsh.jsontypes import Json
from qmpsh.language.cursor import find_context
from qmpsh.language.syntax import PLAIN
from tests.protocol.strategies import replies

NAMES = (
    *("name", "type", "node-name", "device", "qdev", "id", "label", "option", "path", "status"),
    *("dirty-bitmaps", "image", "snapshots", "parameters"),
)
LINE = "block-dirty-bitmap-remove node=a name="
QTREE_LINES = [
    "bus: main-system-bus", "type System", 'dev: e1000, id "n0"', "bus: rp0", "type PCIE",
    "hotplug = false", 'dev: pcie-root-port, id ""', "dev: ", "bus: ", 'dev: x, id "a\x85"',
]  # fmt: skip
QTREES = st.lists(
    st.builds("{}{}".format, st.integers(0, 6).map(" ".__mul__), st.sampled_from(QTREE_LINES))
    | st.text(max_size=20)
).map("\n".join)
NETWORK = st.lists(
    st.sampled_from([" \\ ", "nd0", ": ", "index=0", ",type=", "user", "type=nic", "\n", "é"])
).map("".join)


@given(st.sampled_from(sorted(SOURCES)), replies(*NAMES) | QTREES | NETWORK)
def test_any_reply_has_values_or_none(name: str, reply: Json) -> None:
    context = find_context(LINE, len(LINE), PLAIN)
    for found in SOURCES[name].read(reply, context):
        assert isinstance(found, LiveValue)
        assert isinstance(found.value, str)
        assert isinstance(found.kind, str)


@given(QTREES)
def test_any_text_has_buses_or_none(text: str) -> None:
    buses = read_buses(text)
    assert len(buses) == sum(line.strip().startswith("bus: ") for line in text.split("\n"))
    assert sum(len(bus.devices) for bus in buses) <= text.count("dev: ")
    for bus in buses:
        assert isinstance(bus.why_not, str)


@pytest.mark.parametrize(
    "line", ['    dev: e1000, id "n"', "  bus: b", "  type PCIE", "    hotplug = false", " x"]
)
def test_many_lines_take_linear_time(line: str) -> None:
    text = 'dev: x, id ""\n  bus: pci.0\n' + f"{line}\n" * 100_000
    before = time.process_time()
    read_buses(text)
    assert time.process_time() - before < 5
