"""The reply of query-qmp-schema as types, made one by one when they are first asked for.

Source: QEMU's "QAPI client introspection" and WIRE.md section 5. Type names such as "186" mean
nothing to a person and differ between builds: they stay in here. Types may refer to themselves
(BlockdevOptions), which is why a type refers to others by name and asks the Schema for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from qmpsh.jsontypes import Json, JsonObject


class Builtin(NamedTuple):
    """json_type: string, int, number, boolean, null or value (anything)."""

    json_type: str


class EnumMember(NamedTuple):
    """One word of an enumeration with its features."""

    name: str
    features: tuple[str, ...] = ()


class EnumType(NamedTuple):
    """members: in the server's order."""

    members: tuple[EnumMember, ...]

    def names(self) -> tuple[str, ...]:
        """The words alone."""
        return tuple(member.name for member in self.members)


class ArrayType(NamedTuple):
    """element: name of the element's type."""

    element: str


class AlternateType(NamedTuple):
    """branches: names of types that differ in their JSON type."""

    branches: tuple[str, ...]


class Member(NamedTuple):
    """One member of an object. type: the name of its type."""

    name: str
    type: str
    optional: bool = False
    features: tuple[str, ...] = ()


class ObjectType(NamedTuple):
    """tag: name of the member whose value selects a variant, None for no union; variants: tag's
    value to the name of the object type whose members join.
    """

    members: tuple[Member, ...]
    tag: str | None = None
    variants: dict[str, str] = {}  # noqa: RUF012 - never changed, as every field of a value

    def member(self, name: str) -> Member | None:
        """The common member of that name."""
        return next((member for member in self.members if member.name == name), None)


Type = Builtin | EnumType | ArrayType | AlternateType | ObjectType

ANY = Builtin("value")
EMPTY = ObjectType(())


class CommandInfo(NamedTuple):
    """arg_type, ret_type: names of types; oob: it may be sent out of band."""

    name: str
    arg_type: str
    ret_type: str
    oob: bool
    features: tuple[str, ...]


class EventInfo(NamedTuple):
    """arg_type: name of the type of its data."""

    name: str
    arg_type: str
    features: tuple[str, ...]


Lookup = Callable[[str], JsonObject | None]
"""Gives the entity of a name as query-qmp-schema describes it, None where there is none."""


class Schema:
    """commands, events: names in the server's order; lookup: gives any entity when it is needed;
    binding: whether the server refuses what it does not declare, which a manual cannot promise.
    """

    def __init__(self, lookup: Lookup, commands: tuple[str, ...], events: tuple[str, ...]) -> None:
        self._lookup = lookup
        self._types: dict[str, Type] = {}
        self.binding = True
        self.commands = commands
        self.events = events

    @classmethod
    def from_entities(cls, entities: Iterable[Json]) -> Schema:
        """From the list that query-qmp-schema returns; what is not an entity is left out."""
        table = entity_table(entities)
        return cls(table.get, names_of(table, "command"), names_of(table, "event"))

    def command(self, name: str) -> CommandInfo | None:
        """What is known of a command; None where the schema has none of that name."""
        entity = self._lookup(name)
        if entity is None or entity.get("meta-type") != "command":
            return None
        return CommandInfo(
            name,
            _text(entity, "arg-type"),
            _text(entity, "ret-type"),
            entity.get("allow-oob") is True,
            _features(entity),
        )

    def event(self, name: str) -> EventInfo | None:
        """What is known of an event; None where the schema has none of that name."""
        entity = self._lookup(name)
        if entity is None or entity.get("meta-type") != "event":
            return None
        return EventInfo(name, _text(entity, "arg-type"), _features(entity))

    def type(self, name: str) -> Type:
        """The type of that name; one that the server left out accepts anything."""
        found = self._types.get(name)
        if found is None:
            entity = self._lookup(name)
            found = ANY if entity is None else _build(entity)
            self._types[name] = found
        return found

    def arguments(self, command: str) -> ObjectType | None:
        """The type of a command's arguments, None for an unknown command."""
        info = self.command(command)
        if info is None:
            return None
        found = self.type(info.arg_type)
        return found if isinstance(found, ObjectType) else EMPTY

    def branch(self, owner: ObjectType, tag_value: str) -> ObjectType:
        """What a tag's value adds to a union: an object, which may be a union itself."""
        variant = owner.variants.get(tag_value)
        found = self.type(variant) if variant is not None else EMPTY
        return found if isinstance(found, ObjectType) else EMPTY


def is_open(command: str, arguments: ObjectType) -> bool:
    """Whether a command takes members that the schema does not declare.

    Source: WIRE.md section 5: only device_add does, and nothing in the schema says so. Before
    QEMU 6 object-add and netdev_add did too: then they have no variants.
    """
    if command in ("object-add", "netdev_add"):
        return not arguments.variants
    return command == "device_add"


def entity_table(entities: Iterable[Json]) -> dict[str, JsonObject]:
    """The entities by their names."""
    return {
        name: entity
        for entity in entities
        if isinstance(entity, dict) and isinstance(name := entity.get("name"), str)
    }


def names_of(table: dict[str, JsonObject], meta: str) -> tuple[str, ...]:
    """The names of the entities of one meta-type."""
    return tuple(name for name, entity in table.items() if entity.get("meta-type") == meta)


def _build(entity: JsonObject) -> Type:
    match entity.get("meta-type"):
        case "builtin":
            return Builtin(_text(entity, "json-type"))
        case "enum":
            return EnumType(_enum_members(entity))
        case "array":
            return ArrayType(_text(entity, "element-type"))
        case "alternate":
            return AlternateType(tuple(_text(e, "type") for e in _objects(entity, "members")))
        case "object":
            return _object(entity)
        case _:
            return ANY


def _object(entity: JsonObject) -> ObjectType:
    members = tuple(
        Member(_text(e, "name"), _text(e, "type"), "default" in e, _features(e))
        for e in _objects(entity, "members")
    )
    tag = entity.get("tag")
    variants = {_text(e, "case"): _text(e, "type") for e in _objects(entity, "variants")}
    return ObjectType(members, tag if isinstance(tag, str) else None, variants)


def _enum_members(entity: JsonObject) -> tuple[EnumMember, ...]:
    """`members` is preferred to `values`, which -compat may hide and which has no features."""
    members = _objects(entity, "members")
    if members:
        return tuple(EnumMember(_text(e, "name"), _features(e)) for e in members)
    values = entity.get("values")
    if not isinstance(values, list):
        return ()
    return tuple(EnumMember(value) for value in values if isinstance(value, str))


def _objects(entity: JsonObject, key: str) -> list[JsonObject]:
    found = entity.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _text(entity: JsonObject, key: str) -> str:
    found = entity.get(key)
    return found if isinstance(found, str) else ""


def _features(entity: JsonObject) -> tuple[str, ...]:
    found = entity.get("features")
    return tuple(f for f in found if isinstance(f, str)) if isinstance(found, list) else ()
