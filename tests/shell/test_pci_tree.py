"""`.tree pci`: buses, devices, and the ports that are free."""

from __future__ import annotations

import contextlib
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json
from qmpsh.shell.trees.node import TreeRequest, walk
from qmpsh.shell.trees.pci import NO_BUS, NO_QUERY, ask_pci
from tests.protocol.strategies import patient
from tests.samples import VERSIONS
from tests.trees import documented_keys, drawn, grown, recorded, replies_of

WORDS = (
    *("devices", "qdev_id", "bus", "slot", "pci_bridge", "class_info", "desc", "regions", "size"),
    *("name", "type", "rp0", "child<pcie-root-port>", "child[0]", "link<x>"),
)

BEFORE_FIRMWARE = """\
    ├─ 00:02.0 rp0  PCI bridge  1b36:000c
    │  └─ vda  virtio-blk-pci  (no address yet)
    ├─ 00:03.0 rp1  PCI bridge  1b36:000c  (free)"""

AFTER_FIRMWARE = """\
    ├─ 00:02.0 rp0  PCI bridge  1b36:000c
    │  └─ 01:00.0 vda  SCSI controller  1af4:1042
    ├─ 00:03.0 rp1  PCI bridge  1b36:000c  (free)"""


@pytest.mark.parametrize("version, part", [("7.2", BEFORE_FIRMWARE), ("10.0", AFTER_FIRMWARE)])
def test_a_port_shows_what_sits_on_it_and_that_it_is_free(version: str, part: str) -> None:
    text = drawn(ask_pci(TreeRequest()), recorded(version))
    assert text.startswith("bus pcie.0\n├─ 00:00.0  Host bridge  8086:29c0\n")
    assert dedent(part) in text
    assert "00:07.0 balloon0  class 00ff  1af4:1002" in text


def test_details_are_the_regions() -> None:
    text = drawn(ask_pci(TreeRequest(has_details=True)), recorded("10.0"))
    assert "net0  Ethernet controller  1af4:1000  bar0 32B io  bar1 4K memory  bar4 16K" in text


def test_one_device_by_name_or_by_address() -> None:
    for at in ("rp0", "00:02.0"):
        text = drawn(ask_pci(TreeRequest(at)), recorded("10.0"))
        assert [line.split("  ")[0] for line in text.splitlines()] == [
            "00:02.0 rp0",
            "└─ 01:00.0 vda",
        ]
    with pytest.raises(
        LineFailed, match="nothing in this tree is called rp; did you mean rp2 or rp1 or rp0"
    ):
        drawn(ask_pci(TreeRequest("rp")), recorded("10.0"))


def test_a_machine_without_pci_and_a_server_without_the_query() -> None:
    assert grown(ask_pci(TreeRequest()), {"query-pci": []}).notes == (NO_BUS,)
    with pytest.raises(LineFailed) as error:
        grown(ask_pci(TreeRequest()), {})
    assert str(error.value) == NO_QUERY


@pytest.mark.parametrize("version", VERSIONS)
def test_the_keys_for_programs_are_the_documented_ones(version: str) -> None:
    forest = grown(ask_pci(TreeRequest()), recorded(version))
    assert {key for _, node in walk(forest.roots) for key in node.facts} <= documented_keys()


@patient
@given(pci=replies_of(WORDS), listed=replies_of(WORDS), bus=replies_of(WORDS), link=st.text())
def test_any_reply_makes_a_tree(pci: Json, listed: Json, bus: Json, link: str) -> None:
    replies: dict[str, Json] = {
        "query-pci": pci,
        'qom-list {"path": "/machine/peripheral"}': listed,
        'qom-list {"path": "/machine/peripheral/rp0/rp0"}': bus,
        'qom-get {"path": "/machine/peripheral/rp0/rp0", "property": "child[0]"}': link,
    }
    with contextlib.suppress(LineFailed):
        drawn(ask_pci(TreeRequest(has_details=True)), replies)
