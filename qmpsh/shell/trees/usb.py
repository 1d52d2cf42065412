"""`.tree usb`: the buses of USB, and the devices at the ports of each hub. Pure.

From HMP `info qtree`, which has a line `addr 0.0, port 1.1, speed 12, name ...` for each; without a
human monitor from x-query-usb, which knows the devices that are plugged in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import get_str
from qmpsh.protocol.messages import Command
from qmpsh.secrets.text import mask_text
from qmpsh.shell.hmp import hmp_text
from qmpsh.shell.overview.replies import known
from qmpsh.shell.trees.devices import QTREE, bus_node, device_node
from qmpsh.shell.trees.node import (
    UNREADABLE,
    Forest,
    Questions,
    TreeNode,
    TreeRequest,
    below_name,
    nested,
)
from qmpsh.shell.trees.qtree import QtreeEntry, read_qtree

NO_USB = "this machine has no USB bus"
NO_QUERY = "no USB devices: this server has neither a human monitor nor x-query-usb"

_BUS: Final = "usb-bus"
_STATE: Final = re.compile(r"addr \S+, port (\S+), speed (\S+), name (.*?)(?:, attached)?")
_PLUGGED: Final = re.compile(
    r"Device \S+, Port ([\d.]+), Speed (\S+) Mb/s, Product (.*?)(?:, ID: (.*))?"
)


def ask_usb(request: TreeRequest) -> Questions:
    """Ask for the tree of devices, and take its USB buses. Raises LineFailed without any."""
    (text,) = (yield [QTREE]).values
    if text is None:
        (plugged,) = (yield [Command("x-query-usb")]).values
        if plugged is None:
            raise LineFailed(NO_QUERY)
        return _forest(_plugged(get_str(plugged, "human-readable-text")), request)
    said = hmp_text(text) or ""
    entries = read_qtree(said)
    return _forest(_items(entries), request) if entries else Forest((), (UNREADABLE,), said)


def _forest(items: Iterable[tuple[int, TreeNode]], request: TreeRequest) -> Forest:
    roots = nested(items)
    return Forest(below_name(roots, request.at)) if roots else Forest((), (NO_USB,))


def _items(entries: Iterable[QtreeEntry]) -> Iterator[tuple[int, TreeNode]]:
    """Yield each bus, and after it its devices by their ports, a hub before what is at it."""
    found: dict[int, tuple[QtreeEntry, list[QtreeEntry]]] = {}
    bus = None
    for at, entry in enumerate(entries):
        if entry.is_bus:
            bus = entry if entry.kind == _BUS else None
            found |= {} if bus is None else {at: (entry, [])}
        elif bus is not None and entry.depth == bus.depth + 2:
            next(reversed(found.values()))[1].append(_placed(entry))
    for owner, devices in found.values():
        yield 0, bus_node(owner)
        for device in sorted(devices, key=lambda entry: _steps(entry.value("port"))):
            yield len(_steps(device.value("port"))), _device(device)


def _state_of(entry: QtreeEntry) -> re.Match[str] | None:
    return next(filter(None, map(_STATE.fullmatch, entry.lines)), None)


def _placed(entry: QtreeEntry) -> QtreeEntry:
    """Return a device with the port that it was given, where it was to have any."""
    state = _state_of(entry)
    if state is None or entry.value("port"):
        return entry
    return entry._replace(properties=(("port", state[1]), *entry.properties))


def _device(entry: QtreeEntry) -> TreeNode:
    state = _state_of(entry)
    return device_node(entry) if state is None else _with(device_node(entry), state[3], state[2])


def _with(node: TreeNode, product: str, speed: str) -> TreeNode:
    """Return a device with its product and its speed in Mb/s."""
    product, speed = mask_text(product), f"{speed} Mb/s"
    facts = {**node.facts, "product": product, "speed": speed}
    return node._replace(about=(*node.about, product, speed), facts=facts)


def _plugged(text: str) -> Iterator[tuple[int, TreeNode]]:
    """Yield the devices that x-query-usb lists, by their ports."""
    found = [match for line in text.splitlines() if (match := _PLUGGED.fullmatch(line.strip()))]
    for match in sorted(found, key=lambda match: _steps(match[1])):
        facts = known({"type": "device", "name": match[4] or "", "port": match[1]})
        node = TreeNode("", match[4] or "", (f"port {match[1]}",), facts=facts)
        yield len(_steps(match[1])), _with(node, match[3], match[2])


def _steps(port: str) -> tuple[int, ...]:
    """Return a place such as `1.4.2` as the ports from the root to it."""
    return tuple(int(step) for step in port.split(".") if step.isdecimal() and len(step) < 10)
