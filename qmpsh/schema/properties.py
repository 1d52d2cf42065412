"""Reads device properties, which the schema does not declare, using `device-list-properties`.

Source: WIRE.md section 5: in device_add, QEMU 7.2 takes any scalar as a string, while 10.0 wants
the JSON type; the schema mentions neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qmpsh.jsontypes import Json
from qmpsh.lang.build import as_text, declared_text
from qmpsh.lang.syntax import Scalar
from qmpsh.scalars import read_boolean, read_int
from qmpsh.schema.entries import Entry

Properties = Mapping[str, str]
"""A device's property names and their types as `device-list-properties` names them."""

_PROPERTY_READERS: dict[str, Callable[[str], Json]] = {
    "bool": read_boolean,
    "size": read_int,
    "busnr": read_int,
    **{
        f"{sign}int{bits}{end}": read_int
        for sign in ("", "u")
        for bits in ("", "8", "16", "32", "64")
        for end in ("", "_t")
    },
}


def property_types(answer: Json) -> dict[str, str]:
    """Return names and types from the reply to `device-list-properties`; {} from anything else."""
    if not isinstance(answer, list):
        return {}
    pairs = ((p.get("name"), p.get("type")) for p in answer if isinstance(p, dict))
    return {name: kind for name, kind in pairs if isinstance(name, str) and isinstance(kind, str)}


def read_as(kind: str, text: str) -> Json:
    """Read a bare word as a live type if it fits, else as a string: the server judges.

    kind: as `device-list-properties` and `qom-list` name it
    """
    read = _PROPERTY_READERS.get(kind)
    if read is None:
        return declared_text(text)
    found = read(text)
    return as_text(text) if found is None else found


def read_property(entry: Entry, source: str, properties: Properties) -> Json:
    """Read a device property: as its live type if the text fits, else as a string.

    An unknown property is read untyped. `addr` is always a string: as an integer it means another
    slot to QEMU 10.
    """
    value = entry.value
    if not isinstance(value, Scalar):
        return entry.guess(source)
    if value.quoted or entry.name == "addr":
        return value.text
    kind = properties.get(entry.name)
    if kind is None:
        return entry.guess(source)
    return read_as(kind, value.text)
