"""The reply to query-qmp-schema as types, each made when first asked for.

Source: QEMU's "QAPI client introspection" and wire.md section 5. Type names such as "186" mean
nothing to a user and differ between builds, so they are never shown. Types may contain themselves
(BlockdevOptions), so they refer to each other by name and are looked up in the Schema.
"""

from __future__ import annotations

from qmpsh.errors import NAME_CHARS
from qmpsh.jsontypes import Json, JsonObject, get_dicts, get_str, get_strs
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias


class Builtin(NamedTuple):
    """A builtin type. json_type: string, int, number, boolean, null or value (anything)."""

    json_type: str


class EnumMember(NamedTuple):
    """One word of an enum with its features."""

    name: str
    features: tuple[str, ...] = ()


class EnumType(NamedTuple):
    """An enum. members: in the server's order."""

    members: tuple[EnumMember, ...]
    features: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the words without their features."""
        return tuple([member.name for member in self.members])


class ArrayType(NamedTuple):
    """An array. element: name of its elements' type."""

    element: str


class AlternateType(NamedTuple):
    """An alternate. branches: names of types, each with a different JSON type."""

    branches: tuple[str, ...]
    features: tuple[str, ...] = ()


class Member(NamedTuple):
    """One member of an object. type: the name of its type."""

    name: str
    type: str
    optional: bool = False
    features: tuple[str, ...] = ()


class ObjectType(NamedTuple):
    """An object, which may be a union.

    members:  the common ones
    tag:      name of the member whose value selects a variant, None if not a union
    variants: each value of the tag to the name of the object type whose members it adds
    """

    members: tuple[Member, ...]
    tag: str | None = None
    variants: dict[str, str] = {}  # noqa: RUF012 - never changed, as every field of a value
    features: tuple[str, ...] = ()

    def member(self, name: str) -> Member | None:
        """Return the common member of that name, or None."""
        return next((member for member in self.members if member.name == name), None)


Type = Builtin | EnumType | ArrayType | AlternateType | ObjectType

ANY = Builtin("value")
EMPTY = ObjectType(())


class CommandInfo(NamedTuple):
    """A command.

    arg_type, ret_type: names of types
    oob:                whether it may be sent out of band
    """

    name: str
    arg_type: str
    ret_type: str
    oob: bool
    features: tuple[str, ...]


class EventInfo(NamedTuple):
    """An event. arg_type: name of its data's type."""

    name: str
    arg_type: str
    features: tuple[str, ...]


Lookup: TypeAlias = "Callable[[str], JsonObject | None]"
"""Returns the entity of a name as query-qmp-schema describes it; None if there is none."""


class Schema:
    """The commands, events and types that a server accepts.

    lookup:           returns an entity by name; called when it is needed
    commands, events: names, in the server's order
    binding:          whether the server refuses what is not declared here; False for a schema
                      from a manual of another release
    devices:          where it comes from files: devices with their properties and types
    """

    def __init__(self, lookup: Lookup, commands: tuple[str, ...], events: tuple[str, ...]) -> None:
        self._lookup = lookup
        self._types: dict[str, Type] = {}
        self._commands: dict[str, CommandInfo | None] = {}
        self.binding = True
        self.devices: dict[str, dict[str, str]] = {}
        self.commands = commands
        self.events = events

    @classmethod
    def from_entities(cls, entities: Iterable[Json]) -> Schema:
        """Make a schema from the list that query-qmp-schema returns, skipping malformed items."""
        table = entity_table(entities)
        return cls(table.get, names_of(table, "command"), names_of(table, "event"))

    def entity(self, name: str) -> JsonObject | None:
        """Return an entity as query-qmp-schema describes it; None if there is none."""
        return self._lookup(name)

    def command(self, name: str) -> CommandInfo | None:
        """Return what is known of a command; None if the schema lacks it."""
        if name not in self._commands:
            self._commands[name] = self._command(name)
        return self._commands[name]

    def _command(self, name: str) -> CommandInfo | None:
        entity = self._lookup(name)
        if entity is None or entity.get("meta-type") != "command":
            return None
        arg_type = get_str(entity, "arg-type")
        if arg_type and not isinstance(self.type(arg_type), ObjectType):
            return None  # what it takes is not described
        return CommandInfo(
            name,
            arg_type,
            get_str(entity, "ret-type"),
            entity.get("allow-oob") is True,
            get_strs(entity, "features"),
        )

    def event(self, name: str) -> EventInfo | None:
        """Return what is known of an event; None if the schema lacks it."""
        entity = self._lookup(name)
        if entity is None or entity.get("meta-type") != "event":
            return None
        return EventInfo(name, get_str(entity, "arg-type"), get_strs(entity, "features"))

    def type(self, name: str) -> Type:
        """Return the type of that name; one that the server left out accepts anything."""
        found = self._types.get(name)
        if found is None:
            entity = self._lookup(name)
            found = ANY if entity is None else _build(entity)
            self._types[name] = found
        return found

    def arguments(self, command: str) -> ObjectType | None:
        """Return the type of a command's arguments; None for an unknown command."""
        info = self.command(command)
        if info is None:
            return None
        found = self.type(info.arg_type)
        return found if isinstance(found, ObjectType) else EMPTY

    def branch(self, owner: ObjectType, tag_value: str) -> ObjectType:
        """Return the object that a tag's value adds to a union; it may be a union itself."""
        variant = owner.variants.get(tag_value)
        found = self.type(variant) if variant is not None else EMPTY
        return found if isinstance(found, ObjectType) else EMPTY


def maybe_schema(reply: Json, listed: Sequence[str]) -> Schema | None:
    """Make a schema from a server's reply to query-qmp-schema; None for one that is junk.

    listed: the server's commands, of which it has to describe some
    """
    schema = Schema.from_entities(reply) if isinstance(reply, list) else None
    if schema is None or not any(map(schema.command, listed or schema.commands)):
        return None
    return schema


def is_open(command: str, arguments: ObjectType) -> bool:
    """Return whether a command takes members that the schema does not declare.

    Only device_add does, and the schema does not say so. Before QEMU 6, object-add and netdev_add
    did too; there they have no variants. Source: wire.md section 5.
    """
    if command in ("object-add", "netdev_add"):
        return not arguments.variants
    return command == "device_add"


def entity_table(entities: Iterable[Json]) -> dict[str, JsonObject]:
    """Return the entities by name, without those whose name is none that could be typed."""
    return {
        name: entity
        for entity in entities
        if isinstance(entity, dict)
        and isinstance(name := entity.get("name"), str)
        and len(name) <= NAME_CHARS
    }


def names_of(table: dict[str, JsonObject], meta: str) -> tuple[str, ...]:
    """Return the names of the entities of one meta-type."""
    return tuple(name for name, entity in table.items() if entity.get("meta-type") == meta)


def _build(entity: JsonObject) -> Type:
    match entity.get("meta-type"):
        case "builtin":
            return Builtin(get_str(entity, "json-type"))
        case "enum":
            return EnumType(_enum_members(entity), get_strs(entity, "features"))
        case "array":
            return ArrayType(get_str(entity, "element-type"))
        case "alternate":
            branches = tuple(get_str(e, "type") for e in get_dicts(entity, "members"))
            return AlternateType(branches, get_strs(entity, "features"))
        case "object":
            return _object(entity)
        case _:
            return ANY


def _object(entity: JsonObject) -> ObjectType:
    members = tuple(
        Member(get_str(e, "name"), get_str(e, "type"), "default" in e, get_strs(e, "features"))
        for e in get_dicts(entity, "members")
    )
    variants = {get_str(e, "case"): get_str(e, "type") for e in get_dicts(entity, "variants")}
    tag = get_str(entity, "tag") or None
    return ObjectType(members, tag, variants, get_strs(entity, "features"))


def _enum_members(entity: JsonObject) -> tuple[EnumMember, ...]:
    """Return an enum's words, from `members`: `values` has no features and may be missing."""
    members = get_dicts(entity, "members")
    if members:
        return tuple(EnumMember(get_str(e, "name"), get_strs(e, "features")) for e in members)
    return tuple(map(EnumMember, get_strs(entity, "values")))
