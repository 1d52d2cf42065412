"""What hypothesis draws: arguments that a real schema accepts, and lines of its words."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.schema.model import (
    AlternateType,
    ArrayType,
    Builtin,
    EnumType,
    Member,
    ObjectType,
    Schema,
    is_open,
)

DEEPEST = 4
"""levels on which members are drawn that may be left out"""

_BUILTINS: dict[str, st.SearchStrategy[Json]] = {
    "string": st.text(max_size=6) | st.sampled_from(["null", "007", "true", "1", "{", "a b", "'"]),
    "int": st.integers(-(2**63), 2**64 - 1) | st.integers(-3, 3),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "null": st.none(),
    "value": st.integers(-3, 3) | st.text(max_size=3) | st.booleans(),
}


@st.composite
def commands(draw: st.DrawFn, schema: Schema) -> tuple[str, JsonObject]:
    """A command that declares what it takes, and arguments that it accepts."""
    closed = [name for name in schema.commands if not is_open(name, _arguments(schema, name))]
    name = draw(st.sampled_from(closed))
    return name, _object(draw, schema, _arguments(schema, name), 0)


def as_line(name: str, arguments: JsonObject) -> str:
    """The command in the language: every value as the JSON it is."""
    words = [f"{key}={json.dumps(value)}" for key, value in arguments.items()]
    return " ".join([name, *words])


@st.composite
def near_lines(draw: st.DrawFn, schema: Schema) -> str:
    """A command with members that it may or may not have, and values of any kind."""
    name = draw(st.sampled_from(schema.commands))
    known = [member.name for member in _arguments(schema, name).members]
    keys = st.sampled_from([*known, "driver", "file.driver", "a", "0", "node-name", "qom-type"])
    values = st.sampled_from(
        ["", "1", "-1", "0x", "1.5G", "on", "null", "{}", "[]", "[1, {a: 2}]", "{a: {b: c}}", "'x'",
         '"5"', "qcow2", "iothread", "file", "99999999999999999999", "1e400", "\u20ac"]
    )  # fmt: skip
    pairs = draw(st.lists(st.tuples(keys, values), max_size=5))
    return " ".join([name, *(f"{key}={value}" for key, value in pairs)])


def _arguments(schema: Schema, name: str) -> ObjectType:
    found = schema.arguments(name)
    assert found is not None
    return found


def _value(draw: st.DrawFn, schema: Schema, name: str, depth: int) -> Json:
    match schema.type(name):
        case Builtin(json_type):
            return draw(_BUILTINS[json_type])
        case EnumType() as enum:
            return draw(st.sampled_from(enum.names()))
        case ArrayType(element):
            count = draw(st.integers(0, 2 if depth < DEEPEST else 0))
            return [_value(draw, schema, element, depth + 1) for _ in range(count)]
        case AlternateType(branches):
            # The last branch is the simple one: a name in the place of what it names.
            drawn = branches if depth < DEEPEST else branches[-1:]
            return _value(draw, schema, draw(st.sampled_from(drawn)), depth + 1)
        case ObjectType() as owner:
            return _object(draw, schema, owner, depth + 1)


def _object(draw: st.DrawFn, schema: Schema, owner: ObjectType, depth: int) -> JsonObject:
    members: tuple[Member, ...] = owner.members
    found: JsonObject = {}
    while owner.tag is not None:
        tag = _value(draw, schema, next(m.type for m in members if m.name == owner.tag), depth)
        found[owner.tag] = tag
        owner = schema.branch(owner, str(tag))
        members += owner.members
    for member in members:
        wanted = not member.optional or (depth < DEEPEST and draw(st.integers(0, 3)) == 0)
        if wanted and member.name not in found:
            found[member.name] = _value(draw, schema, member.type, depth)
    return found
