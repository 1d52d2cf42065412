"""Reads one bare word as the builtin type that is declared, and says what such a type takes."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from qmpsh.jsontypes import Json
from qmpsh.lang.build import NULL_WORDS
from qmpsh.scalars import BOOLEAN_WORDS, read_boolean, read_int, read_number


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
