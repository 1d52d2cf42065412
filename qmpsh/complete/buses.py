"""The buses of a VM, from HMP `info qtree`: what kind they are, what sits on them.

A PCIe port takes one device. What sits on a bus is listed there as by qom-list of the bus;
query-pci is wrong until the firmware ran. Source: QEMU 7.2 and 10.0.
"""

from __future__ import annotations

from functools import lru_cache

from qmpsh.jsontypes import JsonObject, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern

NO_HOT_PLUG = "no hot-plug"
USED_BY = "used by {}"

_PORT = LatePattern(r".*root-port|ioh3420|.*downstream|cxl-rp")
_FIXED = frozenset({"System", "ISA", "IDE", "HDA", "i2c-bus", "floppy-bus", "SSI", "sd-bus"})
"""Buses to which nothing is added while the VM runs, by what `info qtree` calls them."""
_EXPRESS = frozenset({"PCIE", "CXL"})
_ROOTS = frozenset({"pxb-bus", "pxb-pcie-bus", "pxb-cxl-bus"})
_CHILD = "child<"
_DEVICE = LatePattern(r'dev: (\S+), id "(.*)"')


def child_kind(item: JsonObject) -> str:
    """Return the type of the object that an item of qom-list is: `child<virtio-net-pci>` is a
    virtio-net-pci; "" for a property that is none.
    """
    kind = get_str(item, "type")
    return kind[len(_CHILD) : -1] if kind.startswith(_CHILD) else ""


def is_port(driver: str) -> bool:
    """Return whether a device is a port of PCI Express, which takes one other."""
    return _PORT.fullmatch(driver) is not None


class Bus(NamedTuple):
    """A bus of the device tree.

    kind:    what `info qtree` calls it; owner: the type of the device that makes it, "" for none
    plugs:   whether its owner lets devices come and go
    devices: what sits on it, by id or else by type
    """

    name: str
    kind: str = ""
    owner: str = ""
    plugs: bool = True
    devices: tuple[str, ...] = ()

    @property
    def why_not(self) -> str:
        """Why it takes no other device; "" if it does."""
        is_port_bus = is_port(self.owner)
        is_root = self.kind in _ROOTS or (self.kind in _EXPRESS and not is_port_bus)
        if self.kind in _FIXED or is_root or not self.plugs:
            return NO_HOT_PLUG
        return USED_BY.format(", ".join(self.devices)) if is_port_bus and self.devices else ""


class _Device:
    """A device of the tree while it is read."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.plugs = True


class _OpenBus:
    """A bus of the tree while it is read. owner: None at the top"""

    def __init__(self, name: str, owner: _Device | None) -> None:
        self._name = name
        self._owner = owner or _Device("")
        self._plugs = self._owner.plugs  # a device says so before its buses
        self.kind = ""
        self.devices: list[str] = []

    def whole(self) -> Bus:
        """Return what was read of it."""
        return Bus(self._name, self.kind, self._owner.kind, self._plugs, tuple(self.devices))


@lru_cache(maxsize=2)
def read_buses(text: str) -> tuple[Bus, ...]:
    """Return the buses in HMP `info qtree`, in its order.

    A level is two blanks deeper: `bus: rp0`, below it `type PCIE` and `dev: nvme, id "n0"`, and
    below that what the device has.
    """
    buses: list[_OpenBus] = []
    open_: list[tuple[int, _Device | _OpenBus]] = []  # what each indentation belongs to
    for line in text.split("\n"):
        words = line.strip()
        depth = len(line) - len(line.lstrip(" "))
        while open_ and open_[-1][0] >= depth:
            open_.pop()
        owner = open_[-1][1] if open_ else None
        if words.startswith("bus: "):
            buses.append(_OpenBus(words[5:], owner if isinstance(owner, _Device) else None))
            open_.append((depth, buses[-1]))
        elif (found := _DEVICE.fullmatch(words)) is not None:
            if isinstance(owner, _OpenBus):
                owner.devices.append(found[2] or found[1])
            open_.append((depth, _Device(found[1])))
        elif words.startswith("type ") and isinstance(owner, _OpenBus):
            owner.kind = words[5:]
        elif words == "hotplug = false" and isinstance(owner, _Device):
            owner.plugs = False
    return tuple(bus.whole() for bus in buses)
