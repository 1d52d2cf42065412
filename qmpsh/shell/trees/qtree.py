"""HMP `info qtree`, read: the buses, the devices on each, and what is said of these. Pure.

    bus: main-system-bus
      type System
      dev: hpet, id ""
        timers = 3 (0x3)
        mmio 00000000fed00000/0000000000000400

Two blanks are a level. The format is a promise of no version: what reads otherwise gives no entry.
Source: QEMU 7.2 and 10.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from qmpsh.complete.buses import is_port
from qmpsh.light_typing import NamedTuple

_DEVICE: Final = re.compile(r'dev: (\S+), id "(.*)"')
_BUS: Final = re.compile(r"bus: (.*)")
_TYPE: Final = re.compile(r"type (.+)")
_PROPERTY: Final = re.compile(r"([\w.\[\]-]+) = (.*)")


class QtreeEntry(NamedTuple):
    """A bus or a device.

    depth: blanks before its line; is_bus: else a device
    name:  of a bus, or the id of a device, "" where it has none
    kind:  of a bus as the tree calls it, `PCIE`; of a device its driver
    properties: (name, value); lines: the others that belong to it
    is_free: a port's bus with nothing on it
    """

    depth: int
    is_bus: bool
    name: str
    kind: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    is_free: bool = False

    def value(self, name: str) -> str:
        """Return a property as its number or string is written; "" for one that is not there."""
        return next(
            (
                value.strip('"').partition(" (0x")[0]
                for key, value in self.properties
                if key == name
            ),
            "",
        )


def read_qtree(text: str) -> list[QtreeEntry]:
    """Return the entries in the order of the text; [] if it does not begin with a bus."""
    found: list[tuple[QtreeEntry, list[str]]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        words = line.strip()
        entry = _entry(len(line) - len(line.lstrip(" ")), words)
        if entry is not None:
            found.append((entry, []))
        elif found and words:
            found[-1][1].append(words)
        elif words:
            return []
    return list(_freed([_with(entry, lines) for entry, lines in found]))


def _entry(depth: int, words: str) -> QtreeEntry | None:
    if (bus := _BUS.fullmatch(words)) is not None:
        return QtreeEntry(depth, True, bus[1])
    if (device := _DEVICE.fullmatch(words)) is not None:
        return QtreeEntry(depth, False, device[2], device[1])
    return None


def _with(entry: QtreeEntry, lines: Iterable[str]) -> QtreeEntry:
    """Return an entry with the lines that belong to it."""
    kind = entry.kind
    properties: list[tuple[str, str]] = []
    others: list[str] = []
    for words in lines:
        type_, property = _TYPE.fullmatch(words), _PROPERTY.fullmatch(words)
        if entry.is_bus and not kind and type_ is not None:
            kind = type_[1]
        elif property is not None:
            properties.append((property[1], property[2]))
        else:
            others.append(words)
    return entry._replace(kind=kind, properties=tuple(properties), lines=tuple(others))


def _freed(entries: list[QtreeEntry]) -> Iterator[QtreeEntry]:
    """Yield the entries, the buses of ports that have nothing on them as free."""
    for at, entry in enumerate(entries):
        owner = entries[at - 1] if at else entry
        after = entries[at + 1].depth if at + 1 < len(entries) else 0
        is_of_port = entry.is_bus and not owner.is_bus and is_port(owner.kind)
        is_last = owner.depth < entry.depth and after <= entry.depth
        yield entry._replace(is_free=is_of_port and is_last)
