"""Commands made of a schema: each branch of each union, each form of an alternate, at least once.

For a type the simplest value comes first; a branch is walked to a depth at which a union that holds
itself, as a chain of block devices does, is given by the name of a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.schema.model import (
    AlternateType,
    ArrayType,
    Builtin,
    EnumType,
    Member,
    ObjectType,
    Schema,
    Type,
    is_open,
)
from tests.conformance.spellings import Spelled

DEEPEST = 6
"""levels of objects; below only what is required"""

_TEXTS = ("disk0", "a b", "007", "it's", 'say "no"', "on", "x=y,z", "ä")
_NUMBERS = (0, 7, 65536, 2**40)


def commands(schema: Schema) -> Iterator[Spelled]:
    """Yield the commands, each with the least arguments, and with all, branch by branch."""
    maker = _Maker(schema)
    for name in schema.commands:
        kind = schema.arguments(name)
        if kind is None or is_open(name, kind):
            continue
        seen = set()
        for is_full in (False, True):
            for arguments in maker.objects(kind, 0, is_full=is_full):
                text = repr(arguments)
                if text not in seen:
                    seen.add(text)
                    yield Spelled(name, arguments)


class _Maker:
    """Makes values of the types of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._numbers = count()

    def objects(self, owner: ObjectType, depth: int, *, is_full: bool) -> Iterator[JsonObject]:
        """Yield objects of a type: one for each branch, and for each form of what they hold."""
        for members, tags in self._branches(owner, {}):
            found: JsonObject = dict(tags)
            varied: list[tuple[str, list[Json]]] = []
            for member in members:
                if member.name in found or not self._is_wanted(member, depth, is_full=is_full):
                    continue
                values = list(self._values(member.type, depth + 1, is_full=is_full))
                if not values and not member.optional:
                    break  # nothing of it ends in time
                if values:
                    found[member.name] = values[0]
                    varied.append((member.name, values[1:]))
            else:
                yield found
                for name, others in varied:
                    for value in others:
                        yield {**found, name: value}

    def _is_wanted(self, member: Member, depth: int, *, is_full: bool) -> bool:
        return not member.optional or (is_full and depth < DEEPEST)

    def _branches(
        self, owner: ObjectType, tags: JsonObject
    ) -> Iterator[tuple[tuple[Member, ...], JsonObject]]:
        """Yield the members of each branch, and the tags that choose it."""
        if owner.tag is None:
            yield owner.members, tags
            return
        (tag,) = [member for member in owner.members if member.name == owner.tag]
        kind = self._schema.type(tag.type)
        for name in kind.names() if isinstance(kind, EnumType) else ():
            branch = self._schema.branch(owner, name)
            for members, found in self._branches(branch, {**tags, owner.tag: name}):
                yield (*owner.members, *members), found

    def _values(self, name: str, depth: int, *, is_full: bool) -> Iterator[Json]:
        """Yield values of a type, the simplest first; none where that would not end."""
        kind: Type | None = self._schema.type(name)
        match kind:
            case Builtin(json_type):
                yield self._builtin(json_type)
            case EnumType():
                names = kind.names()
                yield names[next(self._numbers) % len(names)]
            case ArrayType(element):
                items = self._values(element, depth, is_full=is_full) if depth < DEEPEST else ()
                for item in items:
                    yield [item]
                yield []
            case AlternateType(branches):
                # The simple ones come last in QAPI, such as a node's name for its definition.
                for branch in reversed(branches):
                    simple = not isinstance(self._schema.type(branch), ObjectType)
                    if simple or depth == 1:
                        yield from self._values(branch, depth, is_full=False)
            case ObjectType():
                if depth <= DEEPEST:
                    yield from self.objects(kind, depth, is_full=is_full and depth < 2)
            case _:
                return

    def _builtin(self, json_type: str) -> Json:
        number = next(self._numbers)
        match json_type:
            case "string":
                return _TEXTS[number % len(_TEXTS)]
            case "int":
                return _NUMBERS[number % len(_NUMBERS)]
            case "number":
                return 0.5
            case "boolean":
                return number % 2 == 0
            case "null":
                return None
            case _:
                return {"any": [1, "thing"]}
