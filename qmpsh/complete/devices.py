"""Properties of the device that `device_add` names: the schema does not declare them.

They come from `device-list-properties`, which is harmless even where listing types is not
(WIRE.md section 6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qmpsh.complete.candidates import Candidate, Form
from qmpsh.complete.line import Line
from qmpsh.complete.live import Facts
from qmpsh.complete.place import Place
from qmpsh.complete.sources import Fact, Query
from qmpsh.jsontypes import JsonObject

_WORDS = {"bool": ("on", "off"), "OnOffAuto": ("on", "off", "auto")}
"""The values of the property types whose words are few and known."""

_BUSES = {
    "multifunction": "PCI PCIE CXL pxb-bus pxb-pcie-bus pxb-cxl-bus",
    "msos-desc": "usb-bus",
    "scsi-id": "SCSI",
    "nr": "virtio-serial-bus",
    "unit": "IDE floppy-bus",
    "cad": "HDA",
    "iobase": "ISA",
    "nsid": "nvme-bus",
    "address": "i2c-bus",
}
"""A property that only devices of one kind of bus have, and what `info qtree` calls such a bus: no
query tells where a device fits. Source: QEMU 7.2 and 10.0, the properties of each bus's devices.
"""


def property_keys(line: Line, place: Place, facts: Facts) -> Iterator[Candidate]:
    """The properties of the driver that the line does not have yet; a name may hold dots."""
    if place.name != "device_add" or place.path:
        return
    declared = {member.name for member in line.root.members}
    for item in _properties(line, facts):
        name = str(item.get("name"))
        if name not in declared and not line.is_given(tuple(name.split("."))):
            doc = str(item.get("description") or "")
            start, kind = place.pieces[0].start, str(item.get("type"))
            yield Candidate(name, start, kind, doc, form=Form.KEY, tail="=")


def property_values(line: Line, place: Place, facts: Facts) -> Iterator[Candidate]:
    """The values of a property whose type has few."""
    if place.name != "device_add":
        return
    for item in _properties(line, facts):
        if item.get("name") == ".".join(place.path):
            for word in _WORDS.get(str(item.get("type")), ()):
                yield Candidate(word, place.start, str(item.get("type")), form=Form.WORD)


def fits(line: Line, place: Place, facts: Facts) -> Callable[[Fact], bool]:
    """Whether the device of the line can use what the VM has: it is only told apart for a bus."""
    if place.name != "device_add" or place.path != ("bus",):
        return lambda fact: True
    names = {str(item.get("name")) for item in _properties(line, facts)}
    if not names and line.tag(("driver",)):
        return lambda fact: False  # what it is will be known in a moment
    kinds = next((buses.split() for mark, buses in _BUSES.items() if mark in names), None)
    return lambda fact: kinds is None or fact.kind in kinds


def _properties(line: Line, facts: Facts) -> Iterator[JsonObject]:
    driver = line.tag(("driver",))
    if not driver:
        return
    answer = facts.answer(Query("device-list-properties", (("typename", driver),)))
    for item in answer if isinstance(answer, list) else []:
        # Children are parts that the device makes itself.
        if isinstance(item, dict) and not str(item.get("type")).startswith("child<"):
            yield item
