"""What a type reaches: all types below it, each once, by the shortest way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.model import AlternateType, ArrayType, ObjectType, Schema, Type
from qmpsh.schema.tools.changes import BRANCH, ELEMENT, Where


class Reached(NamedTuple):
    """A type and the shortest way to it. name: of it in the schema"""

    where: Where
    name: str
    kind: Type


def reachable(schema: Schema, name: str) -> Iterator[Reached]:
    """Yield a type and all types below it, breadth first. name: "" for nothing"""
    waiting: deque[tuple[Where, str]] = deque([((), name)] if name else [])
    seen = {name}
    while waiting:
        where, name = waiting.popleft()
        kind = schema.type(name)
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
