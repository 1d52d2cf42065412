"""Guesses, using the schema, what a word means in a place where KEY=value is expected.

A guess is made only if the resulting line is valid: the member is declared, not given yet, and the
word can be its value.
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
"""A plain word after a name, which may be its value."""
_READERS = {"int": read_int, "number": read_number, "boolean": read_boolean}


def members_of(
    schema: Schema, kind: ObjectType, given: Mapping[str, str | None]
) -> tuple[Member, ...]:
    """Return the members that a line may have. kind, given: as in `guess_argument`"""
    return unfold(schema, kind, given.get).members


def guess_argument(
    schema: Schema,
    kind: ObjectType,
    error: NoValue,
    given: Mapping[str, str | None],
    *,
    others: int,
) -> tuple[str, str]:
    """Return the error's message and its guess, or the error's own if there is nothing better.

    kind:   the type of the command's arguments
    given:  the members in the line, None for the value of one in brackets
    others: how many more words without `=` there are, which a guess must not drop
    """
    members = members_of(schema, kind, given)
    if not members:
        return f"expected nothing after {error.command}: it takes no arguments", ""
    named = next((m for m in members if m.name == error.word), None)
    if named is not None:
        return _of_name(schema, named, error, others)
    if others:
        return error.message, error.guess
    for member in members:
        is_missing = not member.optional and member.name not in given
        if is_missing and _fits(schema, schema.type(member.type), error.word):
            return _asked(error, member.name, error.word)
    return error.message, error.guess


def _of_name(schema: Schema, member: Member, error: NoValue, others: int) -> tuple[str, str]:
    """Return the message for a member's name without a value."""
    kind = schema.type(member.type)
    behind = re.match(_BEHIND, error.source[error.span[1] :])
    if others == 1 and behind is not None and _fits(schema, kind, behind[1]):
        return _asked(error, member.name, behind[1])
    if kind == Builtin("boolean") and not others:
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
            # QAPI does not nest alternates, but a server may claim to.
            return any(
                not isinstance(b, AlternateType) and _fits(schema, b, word) for b in branches
            )
    return False
