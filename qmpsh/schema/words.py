"""Types in plain words: an enum by its members, an object by its keys, never a schema number."""

from __future__ import annotations

from qmpsh.schema.model import (
    AlternateType,
    ArrayType,
    Builtin,
    EnumType,
    Member,
    ObjectType,
    Schema,
    Type,
)

_BUILTINS = {
    "string": "str",
    "int": "int",
    "number": "number",
    "boolean": "bool",
    "null": "null",
    "value": "any",
}
MOST_WORDS = 5
"""Most members of an enum or keys of an object named before `…`."""

LEVELS = 4
"""Most nested arrays before `…`: a server may declare one that contains itself."""


def type_words(schema: Schema, name: str, most: int = MOST_WORDS, levels: int = LEVELS) -> str:
    """Describe a type: `str`, `on | off | auto`, `{direct, no-flush}`, `[int]`.

    most:   members named before `…`
    levels: of nested types before `…`
    """
    return kind_words(schema, schema.type(name), most, levels)


def member_words(schema: Schema, member: Member) -> str:
    """Return `name*: type` for a required member, `name: type` for an optional one."""
    star = "" if member.optional else "*"
    return f"{member.name}{star}: {type_words(schema, member.type)}"


def assignment_words(schema: Schema, member: Member) -> str:
    """Return a required member as it may be typed: `id=...`, or `data={}` where that will do."""
    kind = schema.type(member.type)
    if not isinstance(kind, ObjectType):
        return f"{member.name}=..."
    is_empty = all(m.optional for m in kind.members) and not kind.variants
    return f"{member.name}={{}}" if is_empty else f"{member.name}.NAME=..."


def kind_words(schema: Schema, kind: Type, most: int = MOST_WORDS, levels: int = LEVELS) -> str:
    """Do the same for a type rather than its name."""
    match kind:
        case Builtin():
            return _BUILTINS.get(kind.json_type, kind.json_type)
        case EnumType():
            return " | ".join(_some(kind.names(), most))
        case ArrayType() | AlternateType() if not levels:
            return "…"
        case ArrayType():
            return f"[{type_words(schema, kind.element, most, levels - 1)}]"
        case AlternateType():
            # A branch may be an array; QAPI does not nest alternates.
            inside = min(levels - 1, 1)
            return " | ".join(type_words(schema, branch, most, inside) for branch in kind.branches)
        case ObjectType():
            return "{" + ", ".join(_some(_keys(kind), most)) + "}"


def _keys(kind: ObjectType) -> tuple[str, ...]:
    """Return the member names, the tag first, since it decides which others exist."""
    names = [member.name for member in kind.members]
    if kind.tag in names:
        names.remove(kind.tag)
        names.insert(0, kind.tag)
    return (*names, "…") if kind.variants else tuple(names)


def _some(names: tuple[str, ...], most: int) -> list[str]:
    return list(names) if len(names) <= most else [*names[:most], "…"]
