"""`.tree devices`: every bus with the devices on it, from HMP `info qtree`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qmpsh.complete.buses import child_kind
from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_str
from qmpsh.secrets.text import MASK, is_secret_name, mask_text
from qmpsh.shell.hmp import hmp_command, hmp_text
from qmpsh.shell.overview.replies import known
from qmpsh.shell.ports import PERIPHERAL
from qmpsh.shell.trees.node import (
    FREE,
    UNREADABLE,
    Forest,
    Questions,
    TreeNode,
    TreeRequest,
    below_name,
    nested,
)
from qmpsh.shell.trees.qom import qom_listing
from qmpsh.shell.trees.qtree import QtreeEntry, read_qtree

WITHOUT_BUSES = "only devices with a name, without their buses: this server has no human monitor"
NO_DEVICES = "no devices: this server has neither a human monitor nor qom-list"

QTREE: Final = hmp_command("info qtree")
_NAMED: Final = qom_listing(PERIPHERAL)
_PLACES: Final = ("addr", "port", "scsi-id", "unit", "nr")
"""Properties that say where on its bus a device is; the first that is there is shown."""


def ask_devices(request: TreeRequest) -> Questions:
    """Ask for the tree of devices. Raises LineFailed for an unknown device, and without any."""
    (text,) = (yield [QTREE]).values
    if text is not None:
        said = hmp_text(text) or ""
        entries = read_qtree(said)
        if not entries:
            return Forest((), (UNREADABLE,), said)
        has_details = request.has_details
        roots = nested(item for entry in entries for item in _items(entry, has_details=has_details))
        return Forest(below_name(roots, request.at))
    (listed,) = (yield [_NAMED]).values
    if not isinstance(listed, list):
        raise LineFailed(NO_DEVICES)
    return Forest(below_name(tuple(_named(listed)), request.at), (WITHOUT_BUSES,))


def _items(entry: QtreeEntry, *, has_details: bool) -> Iterator[tuple[int, TreeNode]]:
    """Yield an entry and, below it, its properties."""
    yield entry.depth, bus_node(entry) if entry.is_bus else device_node(entry)
    if has_details:
        yield from ((entry.depth + 2, _property(name, value)) for name, value in entry.properties)
        yield from ((entry.depth + 2, TreeNode(about=(line,))) for line in entry.lines)


def bus_node(entry: QtreeEntry) -> TreeNode:
    """Return the node of a bus."""
    facts = known({"type": "bus", "name": entry.name, "kind": entry.kind})
    facts |= {"free": True} if entry.is_free else {}
    mark = FREE if entry.is_free else ""
    return TreeNode("bus", entry.name, (entry.kind,) if entry.kind else (), "", mark, facts)


def device_node(entry: QtreeEntry, *about: str) -> TreeNode:
    """Return the node of a device. about: what is said of it besides its driver and its place"""
    place = next(((name, value) for name in _PLACES if (value := entry.value(name))), None)
    facts: JsonObject = {"type": "device", "name": entry.name, "driver": entry.kind}
    facts |= {} if place is None else {place[0]: place[1]}
    said = [entry.kind if entry.name else "", "" if place is None else " ".join(place), *about]
    return TreeNode("", entry.name or entry.kind, tuple(filter(None, said)), facts=known(facts))


def _property(name: str, value: str) -> TreeNode:
    shown = MASK if is_secret_name(name) else mask_text(value)
    return TreeNode(f"{name} =", shown, facts={"type": "property", "name": name, "value": shown})


def _named(listed: Json) -> Iterator[TreeNode]:
    for item in as_dicts(listed):
        name, driver = get_str(item, "name"), child_kind(item)
        if driver:
            facts: JsonObject = {"type": "device", "name": name, "driver": driver}
            yield TreeNode("", name, (driver,), facts=facts)
