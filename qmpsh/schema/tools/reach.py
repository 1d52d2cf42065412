"""What a type reaches: all types below it, each once, by the shortest way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from qmpsh.errors import UsageError
from qmpsh.light_typing import NamedTuple
from qmpsh.schema.model import AlternateType, ArrayType, EnumType, ObjectType, Schema, Type
from qmpsh.schema.tools.changes import BRANCH, ELEMENT, Where

_TOO_LARGE: Final = "the schema is too large: no QEMU's has so many members"
MAX_PARTS: Final = 500_000
"""members, values and branches looked at, those of a type once for each command that reaches it; a
comparison of QEMU 7.2 and 10.0 looks at 13,000"""


class Reached(NamedTuple):
    """A type and the shortest way to it. name: of it in the schema"""

    where: Where
    name: str
    kind: Type


class Effort:
    """The number of parts that may still be looked at, so that no server can keep us for ever."""

    def __init__(self, most: int = MAX_PARTS) -> None:
        self._left = most

    def spend(self, parts: int) -> None:
        """Count what a look takes. Raises UsageError once that is too much."""
        self._left -= 1 + parts
        if self._left < 0:
            raise UsageError(_TOO_LARGE)


def parts_of(kind: Type) -> int:
    """Return how many parts a look at a type takes."""
    match kind:
        case ObjectType():
            return len(kind.members) + len(kind.variants)
        case EnumType():
            return len(kind.members)
        case AlternateType():
            return len(kind.branches)
        case _:
            return 1


def reachable(schema: Schema, name: str, effort: Effort) -> Iterator[Reached]:
    """Yield a type and all types below it, breadth first. name: "" for nothing

    Raises UsageError where that is too much effort.
    """
    waiting: deque[tuple[Where, str]] = deque([((), name)] if name else [])
    seen = {name}
    while waiting:
        where, name = waiting.popleft()
        kind = schema.type(name)
        effort.spend(parts_of(kind))
        yield Reached(where, name, kind)
        for step, below in _below(kind):
            if below not in seen:
                seen.add(below)
                waiting.append((where + step, below))


def _below(kind: Type) -> Iterator[tuple[Where, str]]:
    match kind:
        case ArrayType():
            yield (ELEMENT,), kind.element
        case AlternateType():
            for branch in kind.branches:
                yield (), branch
        case ObjectType():
            for member in kind.members:
                yield (member.name,), member.type
            for value, branch in kind.variants.items():
                yield (BRANCH.format(tag=kind.tag, value=value),), branch
