"""Properties of a device, which the schema does not declare: read as `device-list-properties` says.

Source: WIRE.md section 5: QEMU 7.2 takes any scalar of device_add as a string, 10.0 wants the JSON
type, and nothing in the schema tells of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qmpsh.jsontypes import Json
from qmpsh.lang.syntax import Scalar
from qmpsh.scalars import read_boolean, read_int
from qmpsh.schema.entries import Entry

Properties = Mapping[str, str]
"""A device's property names and what `device-list-properties` calls their types."""

_PROPERTY_READERS: dict[str, Callable[[str], Json]] = {
    "bool": read_boolean,
    "size": read_int,
    **{f"{sign}int{bits}": read_int for sign in ("", "u") for bits in ("", "8", "16", "32", "64")},
}


def read_property(entry: Entry, source: str, properties: Properties) -> Json:
    """A property of a device: of its live type where the text fits, else the text.

    `addr` is always a string: an integer means another slot to QEMU 10.
    """
    value = entry.value
    if not isinstance(value, Scalar):
        return entry.guess(source)
    if value.quoted or entry.name == "addr":
        return value.text
    kind = properties.get(entry.name)
    if kind is None:
        return entry.guess(source)
    read = _PROPERTY_READERS.get(kind)
    found = read(value.text) if read is not None else None
    return value.text if found is None else found
