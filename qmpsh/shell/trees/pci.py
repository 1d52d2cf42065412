"""`.tree pci`: the buses of PCI, what sits on each, and the ports that are free. Pure.

query-pci has addresses, classes and ids, but before the firmware ran it shows nothing at a port;
QOM has what sits there from the beginning, and the names of the buses. Source: QEMU 7.2 and 10.0.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Final

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_str, get_dict, get_dicts, get_str
from qmpsh.protocol.messages import Command
from qmpsh.shell.overview.replies import known, number
from qmpsh.shell.ports import PERIPHERAL, bus_query, is_port
from qmpsh.shell.trees.node import (
    FREE,
    MAX_DEPTH,
    AskedRound,
    Forest,
    Questions,
    TreeNode,
    TreeRequest,
    below_name,
    more,
    short_size,
)
from qmpsh.shell.trees.qom import qom_listing, qom_value

NO_QUERY = "no PCI devices: this server does not list them (query-pci)"
NO_BUS = "this machine has no PCI bus"
NO_ADDRESS = "(no address yet)"

MAX_PORTS: Final = 256
"""ports that are asked what sits on them"""

_CHILD: Final = "child["
"""How the links of a bus to its devices begin."""

Plugged = Mapping[str, tuple[TreeNode, ...] | None]
"""What QOM says sits on the bus of each port; None where it does not say."""


def ask_pci(request: TreeRequest) -> Questions:
    """Ask for devices and ports, then for what sits on these.

    Raises LineFailed for an unknown device, and where no devices are listed.
    """
    buses, listed = (yield [Command("query-pci"), qom_listing(PERIPHERAL)]).values
    if not isinstance(buses, list):
        raise LineFailed(NO_QUERY)
    ports = [get_str(item, "name") for item in as_dicts(listed) if is_port(item)][:MAX_PORTS]
    on_ports = (yield [bus_query(port) for port in ports]).values if ports else []
    plugged = yield from _plugged(dict(zip(ports, on_ports, strict=True)))
    owners = [name for bus in as_dicts(buses) if (name := _named_device(bus))]
    titles = (yield [qom_value(f"{PERIPHERAL}/{name}", "parent_bus") for name in owners]).values
    names = {
        name: as_str(title).rpartition("/")[2] for name, title in zip(owners, titles, strict=True)
    }
    drawing = _PciDrawing(plugged, has_details=request.has_details)
    roots = tuple(drawing.bus(bus, names.get(_named_device(bus), "")) for bus in as_dicts(buses))
    return Forest(below_name(roots, request.at)) if roots else Forest((), (NO_BUS,))


def _named_device(bus: JsonObject) -> str:
    """Return a device of a bus that has a name, which knows that of its bus; "" for none."""
    names = (get_str(device, "qdev_id") for device in get_dicts(bus, "devices"))
    return next((name for name in names if name and "/" not in name), "")


def _plugged(on_ports: Mapping[str, Json]) -> Generator[Sequence[Command], AskedRound, Plugged]:
    """Ask for the paths of the devices on ports. on_ports: the reply about each port's bus"""
    links = [
        (port, get_str(item, "name"), get_str(item, "type"))
        for port, listed in on_ports.items()
        for item in as_dicts(listed)
        if get_str(item, "name").startswith(_CHILD)
    ]
    commands = [qom_value(f"{PERIPHERAL}/{port}/{port}", name) for port, name, _ in links]
    paths = (yield commands).values if commands else []
    found: dict[str, tuple[TreeNode, ...] | None] = {
        port: () if isinstance(listed, list) else None for port, listed in on_ports.items()
    }
    for (port, _, kind), path in zip(links, paths, strict=True):
        name, driver = as_str(path).rpartition("/")[2], kind[len("link<") : -1]
        facts = known({"type": "device", "name": name, "driver": driver})
        node = TreeNode("", name, (driver,), "", NO_ADDRESS, facts)
        found[port] = (*(found[port] or ()), node)
    return found


class _PciDrawing:
    """The drawing of what query-pci lists, with what QOM says of the ports."""

    def __init__(self, plugged: Plugged, *, has_details: bool) -> None:
        self._plugged = plugged
        self._has_details = has_details

    def bus(self, item: JsonObject, name: str) -> TreeNode:
        """Return a bus at the top with all that is below it. name: "" for an unknown one"""
        index = number(item, "bus") or 0
        below = tuple(self._device(device, 1) for device in get_dicts(item, "devices"))
        facts = known({"type": "bus", "bus": index, "name": name})
        return TreeNode("bus", name or str(index), facts=facts, below=below)

    def _device(self, item: JsonObject, depth: int) -> TreeNode:
        name, port = get_str(item, "qdev_id"), self._plugged.get(get_str(item, "qdev_id"))
        address, (number_, title), id = _address(item), _class(item), _id(item)
        is_free_port = port == () and "pci_bridge" in item
        facts = known({"type": "device", "address": address, "name": name, "class": number_})
        facts |= known({"class-name": title, "id": id})
        facts |= {} if port is None else {"free": is_free_port}
        about = (title or f"class {number_ or 0:04x}", id, *self._details(item))
        mark = FREE if is_free_port else ""
        below = self._below(item, port or (), depth)
        return TreeNode(address, name, tuple(filter(None, about)), "", mark, facts, below)

    def _below(
        self, item: JsonObject, port: tuple[TreeNode, ...], depth: int
    ) -> tuple[TreeNode, ...]:
        devices = get_dicts(get_dict(item, "pci_bridge"), "devices")
        if depth == MAX_DEPTH:
            return (more(len(devices)),) if devices else ()
        listed = tuple(self._device(device, depth + 1) for device in devices)
        names = {node.name for node in listed}
        # A device without a name of its own is called by its place in QOM, and by nothing here.
        has_nameless = any(not node.name for node in listed)
        return (*listed, *(node for node in port if node.name not in names and not has_nameless))

    def _details(self, item: JsonObject) -> Iterator[str]:
        if not self._has_details:
            return
        for region in get_dicts(item, "regions"):
            bar, size, kind = number(region, "bar"), number(region, "size"), get_str(region, "type")
            if bar is not None and size is not None:
                yield f"bar{bar} {short_size(size)} {kind}".rstrip()


def _address(item: JsonObject) -> str:
    bus, slot, function = (number(item, key) or 0 for key in ("bus", "slot", "function"))
    return f"{bus:02x}:{slot:02x}.{function:x}"


def _class(item: JsonObject) -> tuple[int | None, str]:
    info = get_dict(item, "class_info")
    return number(info, "class"), get_str(info, "desc")


def _id(item: JsonObject) -> str:
    vendor, device = (number(get_dict(item, "id"), key) for key in ("vendor", "device"))
    return "" if vendor is None or device is None else f"{vendor:04x}:{device:04x}"
