"""Reads the value of `qom-set`, which the schema leaves open, by the live type of its property.

Source: QEMU 7.2 and 10.0, the properties of every object of a q35 machine. The types there are
hints: a `str` may hold an integer, and enums are named without their words, which only some
descriptions list.
"""

from __future__ import annotations

import re

from qmpsh.errors import SchemaMismatch
from qmpsh.jsontypes import Json
from qmpsh.lang.build import guess_value
from qmpsh.lang.syntax import Argument, RawLiteral, Scalar
from qmpsh.schema.properties import read_as

_TEXTS = frozenset({"str", "string"})
_CHOICES = re.compile(r"(?:^|[ (])((?:[\w.+-]+/)+[\w.+-]+)\)?$")
"""`on/off/auto`, `Error handling policy (report/ignore/stop)`, the same after a comma in 7.2."""


def read_qom_value(argument: Argument, kind: str, source: str) -> Json:
    """Read a value as the live type of its property; what does not fit goes as a string.

    kind: the type that `qom-list` names
    Raises SchemaMismatch for a child: QEMU has no way to set one.
    """
    value = argument.value
    if kind.startswith("child<"):
        message = f"a child cannot be set, this is a {kind[6:-1]}; set one of its properties"
        raise SchemaMismatch(message, source, value.span)
    if isinstance(value, RawLiteral) and (kind in _TEXTS or kind.startswith("link<")):
        return value.text
    if not isinstance(value, Scalar):
        return guess_value(value, source)
    return value.text if value.quoted else read_as(kind, value.text)


def is_enum(kind: str) -> bool:
    """Whether a type may be an enum: `qom-list` names these after their QAPI types."""
    return kind[:1].isupper()


def choices_of(description: Json) -> tuple[str, ...]:
    """The words that a property's description lists; () for none."""
    found = _CHOICES.search(description) if isinstance(description, str) else None
    return tuple(found[1].split("/")) if found is not None else ()


def property_member(listed: Json, name: str, member: str) -> Json:
    """A member of one property in the reply of `qom-list` or `qom-list-properties`; None for no
    such property.
    """
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and item.get("name") == name:
            return item.get(member)
    return None
