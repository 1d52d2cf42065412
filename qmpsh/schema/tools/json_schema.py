"""A command's arguments, or its answer, as JSON Schema 2020-12: for editors, validators, tools.

A union declares its tag, and for each value of it the members of the base and of the branch
together: so an error names the member that is wrong, and where. What the server alone knows, the
widths of integers and the defaults, is left open.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Final

from qmpsh.errors import UsageError
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
from qmpsh.schema.walk import tag_values, unfold

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TOO_LARGE: Final = "the description of {name} is too large: its unions have too many members"
_NO_BRANCH: Final = "{name}: {tag} is not {value}"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,80}")
"""a name that a reference need not escape"""
_MAX_PARTS: Final = 50_000
"""members and branches that are written out; QEMU 10.0's blockdev-add has 1,400"""
_MAX_UNIONS: Final = 20
"""unions in each other's branches; QEMU has two"""

_TYPES: Final[dict[str, str]] = {
    "string": "string",
    "int": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


class SchemaWriter:
    """The writer of one document. name: of the command or event"""

    def __init__(self, schema: Schema, name: str) -> None:
        self._schema = schema
        self._name = name
        self._names: dict[str, str] = {}
        self._waiting: deque[str] = deque()
        self._parts = 0
        self._counts: dict[str, int] = {}

    def document(
        self, root: str, tags: Mapping[str, str], *, deprecated: bool, open_: bool
    ) -> JsonObject:
        """Return a document.

        root:  name of the type that it describes
        tags:  values that select branches
        open_: members that are not declared are taken too
        Raises UsageError for a tag's value that there is not.
        """
        kind = self._schema.type(root) if root else ObjectType(())
        body = self._selected(kind, tags) if isinstance(kind, ObjectType) else self._type(kind)
        if open_:
            body["additionalProperties"] = True
        found: JsonObject = {"$schema": DIALECT, "title": self._name}
        if deprecated:
            found["deprecated"] = True
        found.update(body)
        definitions: JsonObject = {}
        while self._waiting:
            name = self._waiting.popleft()
            called = self._names[name]
            definitions[called] = self._type(self._schema.type(name), called)
        if definitions:
            found["$defs"] = definitions
        return found

    def _selected(self, kind: ObjectType, tags: Mapping[str, str]) -> JsonObject:
        """Return an object with the branches that tags select."""
        found = unfold(self._schema, kind, tags.get)
        for (tag, value), union in zip(found.tags, found.objects, strict=False):
            if value not in tag_values(self._schema, union, found.members).names():
                raise UsageError(_NO_BRANCH.format(name=self._name, tag=tag, value=value))
        *outer, kind = found.objects
        inherited = tuple(member for one in outer for member in one.members)
        return self._object(kind, inherited, dict(found.tags))

    # ---------------------------------------------------------------- types

    def _type(self, kind: Type, owner: str = "") -> JsonObject:
        """Return a type. owner: what its definition is called"""
        match kind:
            case Builtin():
                known = _TYPES.get(kind.json_type)
                return {} if known is None else {"type": known}
            case EnumType():
                return {"type": "string", "enum": [*kind.names()]}
            case ArrayType():
                return {"type": "array", "items": self._reference(kind.element, f"{owner}-item")}
            case AlternateType():
                return {"anyOf": [self._reference(one, owner) for one in kind.branches]}
            case ObjectType():
                return self._object(kind, (), {})

    def _reference(self, name: str, hint: str) -> JsonObject:
        """Return a builtin type itself, another one by the name of its definition.

        hint: what to call that: the member that is met first
        """
        kind = self._schema.type(name)
        if isinstance(kind, Builtin):
            return self._type(kind)
        if name not in self._names:
            self._names[name] = self._free(hint)
            self._waiting.append(name)
        return {"$ref": f"#/$defs/{self._names[name]}"}

    def _free(self, hint: str) -> str:
        """Return a name for a definition that is not taken."""
        hint = hint if _NAME.fullmatch(hint) else "type"
        taken = self._counts.get(hint, 0) + 1
        self._counts[hint] = taken
        return hint if taken == 1 else f"{hint}.{taken}"

    def _object(
        self, kind: ObjectType, inherited: tuple[Member, ...], fixed: Mapping[str, str]
    ) -> JsonObject:
        """Return an object. inherited: members of the unions of which it is a branch; fixed: the
        tags that have selected it
        """
        members = (*inherited, *kind.members)
        self._parts += 1 + len(members)
        if self._parts > _MAX_PARTS or len(fixed) > _MAX_UNIONS:
            raise UsageError(_TOO_LARGE.format(name=self._name))
        if kind.tag is None or kind.tag in fixed:
            return {**self._members(members, fixed), "additionalProperties": False}
        tags = (*fixed, kind.tag)
        found = self._members([one for one in members if one.name in tags], fixed)
        branches: list[Json] = []
        for value in tag_values(self._schema, kind, members).names():
            condition: JsonObject = {"properties": {kind.tag: {"const": value}}}
            condition["required"] = [kind.tag]
            branch = self._schema.branch(kind, value)
            then = self._object(branch, members, {**fixed, kind.tag: value})
            branches.append({"if": condition, "then": then})
        return {**found, "allOf": branches}

    def _members(
        self, members: tuple[Member, ...] | list[Member], fixed: Mapping[str, str]
    ) -> JsonObject:
        properties: JsonObject = {}
        for member in members:
            text: JsonObject = (
                {"const": fixed[member.name]}
                if member.name in fixed
                else self._reference(member.type, member.name)
            )
            marks: JsonObject = {"deprecated": True} if "deprecated" in member.features else {}
            properties[member.name] = {**text, **marks}
        required: list[Json] = [
            *dict.fromkeys(member.name for member in members if not member.optional)
        ]
        found: JsonObject = {"type": "object", "properties": properties}
        if required:
            found["required"] = required
        return found


def json_schema(
    schema: Schema, name: str, tags: Mapping[str, str] | None = None, *, returns: bool = False
) -> JsonObject | None:
    """Return the document of a command's arguments, or of an event's data; None for no such name.

    tags:    values that select branches of unions
    returns: describe the answer instead
    Raises UsageError for a tag's value that there is not.
    """
    command = schema.command(name)
    event = schema.event(name) if command is None else None
    info = command or event
    if info is None:
        return None
    root = command.ret_type if command is not None and returns else info.arg_type
    arguments = schema.arguments(name) if not returns else None
    return SchemaWriter(schema, name).document(
        root,
        tags or {},
        deprecated="deprecated" in info.features,
        open_=arguments is not None and is_open(name, arguments),
    )
