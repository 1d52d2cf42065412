"""`.tree devices` and `.tree usb`: buses and the devices on them, from HMP `info qtree`."""

from __future__ import annotations

import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json
from qmpsh.shell.trees.devices import NO_DEVICES, WITHOUT_BUSES, ask_devices
from qmpsh.shell.trees.node import UNREADABLE, TreeRequest, walk
from qmpsh.shell.trees.qtree import read_qtree
from qmpsh.shell.trees.usb import NO_QUERY, NO_USB, ask_usb
from tests.protocol.strategies import patient
from tests.samples import VERSIONS
from tests.trees import Replies, documented_keys, drawn, grown, recorded

QTREE = 'human-monitor-command {"command-line": "info qtree"}'

USB = """\
    bus xhci.0  usb-bus
    ├─ hub0  usb-hub  port 1  QEMU USB Hub  12 Mb/s
    │  └─ tab  usb-tablet  port 1.1  QEMU USB Tablet  12 Mb/s
    └─ kbd  usb-kbd  port 2  QEMU USB Keyboard  480 Mb/s"""

PLUGGED = """\
    hub0  port 1  QEMU USB Hub  12 Mb/s
    └─ tab  port 1.1  QEMU USB Tablet  12 Mb/s
    kbd  port 2  QEMU USB Keyboard  480 Mb/s"""

SOME = """\
bus: main-system-bus
  type System
  dev: pcie-root-port, id "rp0"
    addr = 02.0
    bus: rp0
      type PCIE
  dev: usb-thing, id ""
    password = "hunter2"
    url = "https://bob:hunter3@host/"
    gpio-out "" 1
"""


def without(key: str, version: str = "10.0") -> Replies:
    return {name: value for name, value in recorded(version).items() if name != key}


@pytest.mark.parametrize("version", VERSIONS)
def test_devices_are_below_their_buses(version: str) -> None:
    text = drawn(ask_devices(TreeRequest()), recorded(version))
    assert text.startswith("bus main-system-bus  System\n├─ ps2-mouse\n")
    assert "│     ├─ rp1  pcie-root-port  addr 03.0\n│     │  └─ bus rp1  PCIE  (free)\n" in text
    assert drawn(ask_devices(TreeRequest("scsi0")), recorded(version)) == dedent(
        """\
        scsi0  virtio-scsi-pci  addr 06.0
        └─ bus virtio-bus  virtio-pci-bus
           └─ virtio-scsi-device
              └─ bus scsi0.0  SCSI
                 └─ sda  scsi-hd  scsi-id 0"""
    )


def test_properties_on_demand_without_secrets() -> None:
    text = drawn(ask_devices(TreeRequest(has_details=True)), {QTREE: SOME.replace("\n", "\r\n")})
    assert text == dedent(
        """\
        bus main-system-bus  System
        ├─ rp0  pcie-root-port  addr 02.0
        │  ├─ addr = 02.0
        │  └─ bus rp0  PCIE  (free)
        └─ usb-thing
           ├─ password = ********
           ├─ url = "https://bob:********@host/"
           └─ gpio-out "" 1"""
    )


def test_a_device_with_any_number_of_properties_is_read_in_linear_time() -> None:
    before = time.process_time()
    _, device, _ = read_qtree(SOME.replace("    addr = 02.0\n", "    addr = 02.0\n" * 80_000))[:3]
    assert time.process_time() - before < 5
    assert len(device.properties) == 80_000


def test_usb_devices_are_below_their_hubs() -> None:
    for version in VERSIONS:
        assert drawn(ask_usb(TreeRequest()), recorded(version)) == dedent(USB)
    assert drawn(ask_usb(TreeRequest("hub0")), recorded("7.2")).count("\n") == 1


def test_a_usb_device_that_was_given_a_port() -> None:
    text = """\
bus: xhci.0
  type usb-bus
  dev: usb-tablet, id ""
    port = ""
    addr 0.1, port 2, speed 480, name QEMU USB Tablet, attached
  dev: usb-kbd, id "kbd"
    port = ""
    addr 0.2, port 1, speed 480, name QEMU USB Keyboard, attached
"""
    assert drawn(ask_usb(TreeRequest()), {QTREE: text}) == dedent(
        """\
        bus xhci.0  usb-bus
        ├─ kbd  usb-kbd  port 1  QEMU USB Keyboard  480 Mb/s
        └─ usb-tablet  port 2  QEMU USB Tablet  480 Mb/s"""
    )


def test_without_a_human_monitor() -> None:
    assert drawn(ask_usb(TreeRequest()), without(QTREE)) == dedent(PLUGGED)
    forest = grown(ask_devices(TreeRequest()), without(QTREE))
    assert forest.notes == (WITHOUT_BUSES,)
    assert "kbd" in [root.name for root in forest.roots]
    for ask, message in ((ask_devices, NO_DEVICES), (ask_usb, NO_QUERY)):
        with pytest.raises(LineFailed) as error:
            grown(ask(TreeRequest()), {})
        assert str(error.value) == message


def test_a_machine_without_usb() -> None:
    assert grown(ask_usb(TreeRequest()), {QTREE: SOME}).notes == (NO_USB,)


def test_what_cannot_be_read_is_shown_as_it_came() -> None:
    for ask in (ask_devices, ask_usb):
        forest = grown(ask(TreeRequest()), {QTREE: "no tree\r\nhere\r\n"})
        assert forest == ((), (UNREADABLE,), "no tree\nhere")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_keys_for_programs_are_the_documented_ones(version: str) -> None:
    for ask in (ask_devices, ask_usb):
        forest = grown(ask(TreeRequest(has_details=True)), recorded(version))
        assert {key for _, node in walk(forest.roots) for key in node.facts} <= documented_keys()


LINES = [
    "bus: a",
    'dev: d, id "x"',
    "type usb-bus",
    'port = "1.1"',
    "p = 1",
    "addr 0.0, port 1, speed",
]
lines = st.builds(
    lambda depth, text: " " * depth + text, st.integers(0, 8), st.sampled_from(LINES) | st.text()
)


@patient
@given(st.lists(lines, max_size=12).map("\n".join), st.text() | st.none())
def test_any_text_makes_a_tree_or_is_shown(text: str, plugged: str | None) -> None:
    entries = read_qtree(text)
    assert len(entries) <= len(text.split("\n"))
    listed: Json = {"human-readable-text": plugged}
    for replies in ({QTREE: text}, {"x-query-usb": listed}):
        drawn(ask_usb(TreeRequest()), replies)
    drawn(ask_devices(TreeRequest(has_details=True)), {QTREE: text})
