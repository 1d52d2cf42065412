"""A schema as a reply of query-qmp-schema whose text depends on nothing but its content.

Commands and events come sorted, then the types that they use, in the order in which they are first
met. A type's name, a number that differs from build to build, is replaced by the way to it:
`blockdev-add`, `blockdev-add.file`. So two dumps of one build are equal, and `git diff` shows of
two builds what has changed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Final

from qmpsh.errors import NAME_CHARS
from qmpsh.jsontypes import Json, JsonObject, get_str
from qmpsh.schema.model import EMPTY, Builtin, Schema

_TYPE_KEYS: Final = {"arg-type": "arguments", "ret-type": "returns", "element-type": "element"}
"""the members of an entity that name a type, and what that is called"""
_FIRST_KEYS: Final = ("name", "case", "meta-type", "type")
_NOTHING: Final = "nothing"
"""the name of an object without members, which most commands return"""
_LISTS: Final = ("members", "variants")


class SchemaDump:
    """The dump of one schema. taken: the names that have been given"""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._names: dict[str, str] = {}
        self.taken: set[str] = {*schema.commands, *schema.events}
        self._counts: dict[str, int] = {}
        self._waiting: deque[str] = deque()

    def entities(self) -> Iterator[JsonObject]:
        """Yield the entities in their order."""
        for name in (*sorted(self._schema.commands), *sorted(self._schema.events)):
            entity = self._schema.entity(name)
            if entity is not None:
                yield self._renamed(entity, name, name)
        while self._waiting:
            name = self._waiting.popleft()
            entity = self._schema.entity(name)
            if entity is not None:
                yield self._renamed(entity, self._names[name], self._names[name])

    def _renamed(self, entity: JsonObject, name: str, place: str) -> JsonObject:
        """Return an entity with the new names of all types that it names."""
        renamed: JsonObject = {}
        for key, value in _sorted(entity):
            if key in _TYPE_KEYS:
                renamed[key] = self._name(get_str(entity, key), f"{place}.{_TYPE_KEYS[key]}")
            elif key in _LISTS and isinstance(value, list):
                renamed[key] = [self._part(entity, part, place) for part in value]
            else:
                renamed[key] = name if key == "name" else value
        return renamed

    def _part(self, entity: JsonObject, part: Json, place: str) -> Json:
        """Return a member, a branch or a value. entity: which has it"""
        if not isinstance(part, dict):
            return part
        if "type" not in part:
            return dict(_sorted(part))
        step = get_str(part, "name") or get_str(part, "case") or "branch"
        name = self._name(get_str(part, "type"), f"{place}.{step}")
        return {**dict(_sorted(part)), "type": name}

    def _name(self, name: str, place: str) -> str:
        """Return the new name of a type. place: where it is met"""
        known = self._names.get(name)
        if known is not None:
            return known
        entity = self._schema.entity(name)
        if entity is None or entity.get("meta-type") in ("command", "event"):
            return name  # it says nothing of a type
        kind = self._schema.type(name)
        place = _NOTHING if kind == EMPTY else place
        given = name if isinstance(kind, Builtin) else self._free(place)
        self._names[name] = given
        self.taken.add(given)
        self._waiting.append(name)
        return given

    def _free(self, place: str) -> str:
        """Return a name that is not taken, and not too long to be read again."""
        room = NAME_CHARS - 8
        place = place if len(place) <= room else place[:room]
        # Counted on from the last one of the place: a server may have a million of them.
        name, count = place, self._counts.get(place, 1)
        while name in self.taken:
            count += 1
            name = f"{place}-{count}"
        self._counts[place] = count
        return name


def _sorted(part: JsonObject) -> list[tuple[str, Json]]:
    """Return the members of an object in an order that does not depend on the build."""
    first = [(key, part[key]) for key in _FIRST_KEYS if key in part]
    return first + [(key, part[key]) for key in sorted(part) if key not in _FIRST_KEYS]


def dump_text(schema: Schema) -> str:
    """Return a dump as JSON, one member of a type on each line."""
    entities = [_entity_text(entity) for entity in SchemaDump(schema).entities()]
    return '{"return": [\n' + ",\n".join(entities) + "\n]}"


def _entity_text(entity: JsonObject) -> str:
    parts = []
    for key, value in entity.items():
        text = _text(value)
        if key in _LISTS and isinstance(value, list) and value:
            text = "[\n    " + ",\n    ".join(map(_text, value)) + "]"
        parts.append(f"{_text(key)}: {text}")
    return "  {" + ", ".join(parts) + "}"


def _text(value: Json) -> str:
    return json.dumps(value)
