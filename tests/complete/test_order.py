"""What comes first, and what is marked as taken, of what a running VM lists."""

from __future__ import annotations

import subprocess

import pytest

import qmpsh
from qmpsh.complete.buses import NO_HOT_PLUG, read_buses
from qmpsh.complete.live import LiveQuery
from qmpsh.complete.order import FIRST, is_needed, property_place, type_place
from qmpsh.jsontypes import Json
from tests.complete.test_complete import at, live
from tests.qemu import VmStarter

QTREE = LiveQuery("human-monitor-command", (("command-line", "info qtree"),))
NETWORK = LiveQuery("human-monitor-command", (("command-line", "info network"),))
TREE = """bus: main-system-bus
  type System
  dev: q35-pcihost, id ""
    MCFG = 2952790016 (0xb0000000)
    bus: pcie.0
      type PCIE
      dev: pcie-root-port, id "rp2"
        hotplug = true
        bus: rp2
          type PCIE
      dev: pcie-root-port, id "rp1"
        hotplug = false
        bus: rp1
          type PCIE
      dev: pcie-root-port, id "rp0"
        hotplug = true
        bus: rp0
          type PCIE
          dev: virtio-scsi-pci, id "sc0"
            hotplug = 3 (0x3)
            bus: virtio-bus
              type virtio-pci-bus
              dev: virtio-scsi-device, id ""
                bus: sc0.0
                  type SCSI
                  dev: scsi-hd, id "hd0"
          dev: nvme, id ""
      dev: ICH9-LPC, id ""
        bus: isa.0
          type ISA
"""


def test_the_buses_of_a_device_tree() -> None:
    buses = {bus.name: bus for bus in read_buses(TREE)}
    assert buses["rp0"].devices == ("sc0", "nvme")
    assert {name: bus.why_not for name, bus in buses.items()} == {
        "main-system-bus": NO_HOT_PLUG,
        "pcie.0": NO_HOT_PLUG,
        "rp2": "",
        "rp1": NO_HOT_PLUG,
        "rp0": "used by sc0, nvme",
        "virtio-bus": "",
        "sc0.0": "",
        "isa.0": NO_HOT_PLUG,
    }


@pytest.mark.parametrize("text", ["", "bus:", 'dev: x, id ""', "type PCIE", "  type x\nbus: y\n"])
def test_a_tree_that_is_none(text: str) -> None:
    assert [bus.why_not for bus in read_buses(text)] in ([], [""])


def test_free_ports_come_first_and_taken_ones_say_why() -> None:
    query = LiveQuery("device-list-properties", (("typename", "virtio-blk-pci"),))
    known = live({QTREE: TREE, query: [{"name": "multifunction", "type": "bool"}]})
    assert [(c.text, c.doc) for c in at("device_add driver=virtio-blk-pci bus=", known)] == [
        ("rp2", ""),
        ("rp0", "used by sc0, nvme"),
        ("rp1", "no hot-plug"),
        ("pcie.0", "no hot-plug"),
    ]


def test_back_ends_without_a_device_come_first() -> None:
    network = (
        "net0: index=0,type=nic,model=x\r\n \\ nd0: index=0,type=user\r\nnd1: index=0,type=tap\r\n"
    )
    offered = at("device_add driver=e1000 netdev=", live({NETWORK: network}))
    assert [(c.text, c.doc) for c in offered] == [("nd1", ""), ("nd0", "used by net0")]
    # Where one is removed, that it is used is no reason to name it last.
    assert [c.text for c in at("netdev_del id=", live({NETWORK: network}))] == ["nd0", "nd1"]


def test_nodes_without_a_device_come_first() -> None:
    nodes: Json = [{"node-name": "d0"}, {"node-name": "d1"}]
    used: Json = [
        {
            "device": "",
            "qdev": "/machine/peripheral/vd0/virtio-backend",
            "inserted": {"node-name": "d0"},
        }
    ]
    query = LiveQuery("query-named-block-nodes", (("flat", True),))
    known = live({query: nodes, LiveQuery("query-block"): used})
    offered = at("device_add driver=virtio-blk-pci drive=", known)
    assert [(c.text, c.doc) for c in offered] == [("d1", ""), ("d0", "used by vd0")]


def test_properties_by_use_then_by_name_then_unstable_ones() -> None:
    names = ["x-txburst", "vectors", "serial", "bootindex", "mac", "ats", "netdev", "drive"]
    query = LiveQuery("device-list-properties", (("typename", "x"),))
    known = live({query: [{"name": name, "type": "str"} for name in names]})
    found = [c.text for c in at("device_add driver=x ", known)]
    assert found == [
        *("bus=", "id=", "drive=", "netdev=", "mac=", "serial=", "bootindex="),
        *("ats=", "vectors=", "x-txburst="),
    ]


def test_what_a_device_cannot_do_without_comes_first() -> None:
    query = LiveQuery("device-list-properties", (("typename", "virtio-blk-pci"),))
    known = live({query: [{"name": "ats", "type": "bool"}, {"name": "drive", "type": "str"}]})
    found = [(c.text, c.required) for c in at("device_add driver=virtio-blk-pci ", known)]
    assert found == [("drive=", True), ("bus=", False), ("id=", False), ("ats=", False)]
    after = at("device_add driver=virtio-blk-pci drive=d ", known)
    assert [c.text for c in after] == ["bus=", "id=", "ats="]


@pytest.mark.parametrize(
    "machine,driver,name",
    [
        ([], "virtio-blk-pci", "drive"),
        (["-device", "virtio-scsi-pci"], "scsi-hd", "drive"),
        ([], "nvme", "serial"),
        (["-m", "64,maxmem=1G"], "virtio-mem-pci", "memdev"),
        ([], "vhost-user-blk-pci", "chardev"),
    ],
)
def test_this_qemu_refuses_a_device_without_it(
    emulator: str, machine: list[str], driver: str, name: str
) -> None:
    assert is_needed(name, driver)
    words = [emulator, "-M", "q35", "-nodefaults", "-display", "none", *machine, "-device", driver]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert name in ended.stderr


def test_the_folders_of_the_vms_images_come_first() -> None:
    query = LiveQuery("query-named-block-nodes", (("flat", True),))
    known = live({query: [{"file": "/vm/a.qcow2"}, {"file": "nbd://x"}, {"file": "json:{}"}]})
    folder = ["/vm/a.qcow2", "/vm/b.qcow2"]
    known.paths = lambda prefix: folder if prefix == "/vm/" else ["/bin/", "/vm/"]
    line = "blockdev-add driver=file filename="
    assert [c.text for c in at(line, known)] == ["/vm/", "/bin/"]
    assert [(c.text, c.doc) for c in at(f"{line}/vm/", known)] == [
        ("/vm/b.qcow2", ""),
        ("/vm/a.qcow2", "open in this VM"),
    ]


def test_usual_types_come_before_their_variants() -> None:
    names = [
        *("virtio-blk-device", "athlon-x86_64-cpu", "virtio-blk-pci-non-transitional", "edu"),
        *("vhost-user-blk-pci", "virtio-blk-pci", "virtio-blk-pci-transitional"),
    ]
    query = LiveQuery("qom-list-types", (("implements", "device"), ("abstract", False)))
    known = live({query: [{"name": name} for name in names]})
    assert [c.text for c in at("device_add driver=", known)] == [
        *("virtio-blk-pci", "edu", "vhost-user-blk-pci", "athlon-x86_64-cpu"),
        *("virtio-blk-device", "virtio-blk-pci-non-transitional", "virtio-blk-pci-transitional"),
    ]
    assert at("device_add driver=blk", known)[0].text == "virtio-blk-pci"


def test_no_name_stands_twice_in_a_row_of_the_table() -> None:
    assert all(len(set(names)) == len(names) for names in FIRST.values())
    assert property_place("drive") < property_place("ats") < property_place("x-ats")
    assert type_place("edu") < type_place("a-device")


def test_this_qemu_agrees_about_its_buses(start_vm: VmStarter) -> None:
    ports = ("id=rp0,chassis=1", "id=rp1,chassis=2", "id=off,chassis=3,hotplug=off")
    words = [word for port in ports for word in ("-device", f"pcie-root-port,{port}")]
    vm = start_vm("-nodefaults", *words, machine="q35")
    with qmpsh.connect(vm.path) as monitor:
        tree = monitor.execute("human-monitor-command", {"command-line": "info qtree"})
        assert isinstance(tree, str)
        buses = [bus for bus in read_buses(tree) if bus.kind == "PCIE"]
        assert {bool(bus.why_not) for bus in buses} == {True, False}
        for bus in buses:
            try:
                monitor.execute("device_add", {"driver": "edu", "bus": bus.name})
                refused = False
            except qmpsh.CommandFailed:
                refused = True
            assert (bus.name, refused) == (bus.name, bus.why_not == NO_HOT_PLUG)
        tree = monitor.execute("human-monitor-command", {"command-line": "info qtree"})
    used = {bus.name for bus in read_buses(str(tree)) if bus.why_not == "used by edu"}
    assert used == {bus.name for bus in buses if not bus.why_not}
