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
"""How many members of an enum or keys of an object are named before `…`."""

LEVELS = 4
"""Arrays inside one another before `…`: a server may say that one holds itself."""


def type_words(schema: Schema, name: str, most: int = MOST_WORDS, levels: int = LEVELS) -> str:
    """A type in a few words: `str`, `on | off | auto`, `{direct, no-flush}`, `[int]`.

    most: how many members are named; levels: of types inside one another; the rest is `…`
    """
    return kind_words(schema, schema.type(name), most, levels)


def member_words(schema: Schema, member: Member) -> str:
    """`name*: type` for a required member, `name: type` for an optional one."""
    star = "" if member.optional else "*"
    return f"{member.name}{star}: {type_words(schema, member.type)}"


def kind_words(schema: Schema, kind: Type, most: int = MOST_WORDS, levels: int = LEVELS) -> str:
    """The same for a type that is at hand."""
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
            # A branch may be an array; QAPI has no alternate inside another.
            inside = min(levels - 1, 1)
            return " | ".join(type_words(schema, branch, most, inside) for branch in kind.branches)
        case ObjectType():
            return "{" + ", ".join(_some(_keys(kind), most)) + "}"


def _keys(kind: ObjectType) -> tuple[str, ...]:
    """The member names, the tag's first: it decides which others there are."""
    names = [member.name for member in kind.members]
    if kind.tag in names:
        names.remove(kind.tag)
        names.insert(0, kind.tag)
    return (*names, "…") if kind.variants else tuple(names)


def _some(names: tuple[str, ...], most: int) -> list[str]:
    return list(names) if len(names) <= most else [*names[:most], "…"]
