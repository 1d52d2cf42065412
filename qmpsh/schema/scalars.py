"""Reads one bare word as a builtin type: the declared one, or that of a QOM property.

The value of `qom-set` is left open by the schema, so it is read by the live type of its property.
Those types are hints: a `str` may hold an integer, and enums are named without their words, which
only some descriptions list.

Source: QEMU 7.2 and 10.0, the properties of every object of a q35 machine.
"""

from __future__ import annotations

from qmpsh.errors import SchemaMismatch
from qmpsh.jsontypes import (
    BOOLEAN_WORDS,
    Json,
    as_dicts,
    as_str,
    read_boolean,
    read_int,
    read_number,
)
from qmpsh.language.syntax import Argument, RawLiteral, Scalar
from qmpsh.language.untyped import NULL_WORDS, guess_value
from qmpsh.light_typing import TYPE_CHECKING, Enum, auto
from qmpsh.patterns import LatePattern
from qmpsh.schema.walk import read_as

if TYPE_CHECKING:
    from collections.abc import Callable


class NotRead(Enum):
    """The text is not a value of that type."""

    NOT_READ = auto()


NOT_READ = NotRead.NOT_READ


def _reading(read: Callable[[str], Json]) -> Callable[[str], Json | NotRead]:
    def try_reading(text: str) -> Json | NotRead:
        value = read(text)
        return NOT_READ if value is None else value

    return try_reading


READERS: dict[str, Callable[[str], Json | NotRead]] = {
    "int": _reading(read_int),
    "number": _reading(read_number),
    "boolean": _reading(read_boolean),
    "null": lambda text: None if text in NULL_WORDS else NOT_READ,
}
NAMES = {"int": "an integer", "number": "a number", "boolean": "a boolean", "null": "null"}
EXPECTED = {
    "int": "an integer such as 5, 0x10 or 64M",
    "number": "a number such as 1.5",
    "boolean": f"one of {', '.join(BOOLEAN_WORDS)}",
    "null": "null",
}


_TEXTS = frozenset({"str", "string"})
_CHOICES = LatePattern(r"(?:^|[ (])((?:[\w.+-]+/)+[\w.+-]+)\)?$")
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
    """Return whether a type may be an enum: `qom-list` names these after their QAPI types."""
    return kind[:1].isupper()


def choices_of(description: Json) -> tuple[str, ...]:
    """Return the words that a property's description lists; () for none."""
    found = _CHOICES.search(as_str(description))
    return tuple(found[1].split("/")) if found is not None else ()


def property_member(listed: Json, name: str, member: str) -> Json:
    """Return a member of one property in a reply of `qom-list` or `qom-list-properties`."""
    return next((item.get(member) for item in as_dicts(listed) if item.get("name") == name), None)
