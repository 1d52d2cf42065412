"""The keys of the objects in `.tree --json`, a promise to programs, and what each holds."""

from __future__ import annotations

from typing import Final

TREE_KEYS: Final[dict[str, str]] = {
    "tree": "of the whole: the kind, `block`, `pci`, ...",
    "roots": "of the whole: a list of what is at the top",
    "text": "of the whole, in the place of `roots`: what the server said, which could not be read",
    "children": "of any other: a list of what is below it; no key where nothing is",
    "type": "`device`, `bus`, `object`, `property`; `export`, `job`, `node`; `unused`, a node that"
    " nothing uses;"
    " `used-by`, whose children are the users of the node that was asked for",
    "name": "as the machine has it; no key for what has none",
    "edge": "what a node is to the one above it: `file`, `backing`, `target`, ...",
    "driver, size, read-only, file": "of a block node; the size in bytes; of a device its driver",
    "kind": "of an export, a job, a bus or an object: `nbd`, `mirror`, `PCIE`, `iothread`, ...",
    "path": "of an object in QOM",
    "value": "of a property, with `-l`, as `info qtree` writes it",
    "status, progress": "of a job; the progress from 0 to 1",
    "above": "`true`: it is in the tree before, with its children",
    "bus": "of a PCI bus: its number",
    "address": "of a PCI device: `BUS:SLOT.FUNCTION`, hexadecimal; none before the firmware ran",
    "class, class-name, id": "of a PCI device; the id is `VENDOR:DEVICE`, hexadecimal",
    "free": "of a PCI port or its bus: whether nothing is plugged in",
    "addr, port, scsi-id, unit, nr": "of a device: where on its bus it is",
    "product, speed": "of a USB device, as `12 Mb/s`",
    "more": "stands for so many objects that are not shown",
}
"""The keys, in the order of docs/."""
