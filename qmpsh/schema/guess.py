"""What was meant by a word that stands where KEY=value is expected, as far as the schema tells.

A guess is only made where the line that it leads to is right: the member is declared, it is still
missing, and the word can be its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from qmpsh.errors import NoValue
from qmpsh.lang.values import quote
from qmpsh.scalars import read_boolean, read_int, read_number
from qmpsh.schema.model import AlternateType, Builtin, EnumType, Member, ObjectType, Schema, Type
from qmpsh.schema.walk import unfold

_BEHIND = r"""\s+([^\s'"\[{#|>=-][^\s'"=]*)(?!\S)"""
"""A plain word, which may be the value of the name before it."""
_READERS = {"int": read_int, "number": read_number, "boolean": read_boolean}


def guess_argument(
    schema: Schema, kind: ObjectType, error: NoValue, given: Mapping[str, str | None]
) -> tuple[str, str]:
    """The sentence for the error and the guess behind it; its own where nothing better is known.

    kind: of the command's arguments; given: the members that the line has, None for a bracket
    """
    unfolded = unfold(schema, kind, given.get)
    if not unfolded.members:
        return f"expected nothing behind {error.command}: it takes no arguments", ""
    named = next((m for m in unfolded.members if m.name == error.word), None)
    if named is not None:
        return _of_name(schema, named, error)
    for member in unfolded.members:
        is_missing = not member.optional and member.name not in given
        if is_missing and _fits(schema, schema.type(member.type), error.word):
            return _asked(error, member.name, error.word)
    return error.message, error.guess


def _of_name(schema: Schema, member: Member, error: NoValue) -> tuple[str, str]:
    """The sentence for a member's name that stands alone."""
    kind = schema.type(member.type)
    behind = re.match(_BEHIND, error.source[error.span[1] :])
    if behind is not None and _fits(schema, kind, behind[1]):
        return _asked(error, member.name, behind[1])
    if kind == Builtin("boolean"):
        return _asked(error, member.name, "true")
    parts = ".NAME" if isinstance(kind, ObjectType) else ""
    return "expected a value", f"{member.name}{parts}=..."


def _asked(error: NoValue, name: str, value: str) -> tuple[str, str]:
    argument = f"{name}={value}"
    is_plain = value.isprintable() and " " not in value and value[:1] not in ("'", '"', "{", "[")
    return "expected KEY=value", f"{error.command} {argument if is_plain else quote(argument)}?"


def _fits(schema: Schema, kind: Type, word: str) -> bool:
    """Whether the word can be a value of the type."""
    match kind:
        case Builtin(json_type) if json_type in _READERS:
            return _READERS[json_type](word) is not None
        case Builtin(json_type):
            return json_type == "string" and word[:1] not in ("{", "[")
        case EnumType():
            return word in kind.names()
        case AlternateType():
            branches = map(schema.type, kind.branches)
            # QAPI has no alternate inside another; a server may say that it has.
            return any(
                not isinstance(b, AlternateType) and _fits(schema, b, word) for b in branches
            )
    return False
