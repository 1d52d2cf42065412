"""Raw JSON against the schema: the same reading as a typed line's, of a tree made from the JSON.

A raw line is the user's own word: it is sent as it stands, and what is found here only warns.
"""

from __future__ import annotations

from qmpsh.errors import SchemaMismatch, Span
from qmpsh.jsontypes import Json
from qmpsh.lang.syntax import ArrayLiteral, JsonLine, Node, ObjectLiteral, Part, Scalar
from qmpsh.nearest import did_you_mean
from qmpsh.schema.check import Reader, Spot, undeclared_reader
from qmpsh.schema.model import Schema


def check_json(schema: Schema, line: JsonLine) -> str:
    """What this server would refuse of a raw JSON command; "" for nothing."""
    kind = schema.arguments(line.name)
    if kind is None:
        return f"no command {line.name}{did_you_mean(line.name, schema.commands)}"
    node = _node(line.arguments if line.has_arguments else {}, line.span)
    if not isinstance(node, ObjectLiteral):
        return "arguments must be an object"
    try:
        read = Reader(schema, line.source).object(
            kind, node, Spot(line.name, line.span), undeclared_reader(line.name, kind, None)
        )
    except SchemaMismatch as error:
        return str(error)
    member = _differing(read, line.arguments) if line.name != "device_add" else None
    return f"{member}: another type is declared" if member else ""


def _node(value: Json, span: Span) -> Node:
    """The tree that typing this JSON would make."""
    match value:
        case dict():
            members = [(Part(name, True, span), _node(item, span)) for name, item in value.items()]
            return ObjectLiteral(tuple(members), span)
        case list():
            return ArrayLiteral(tuple(_node(item, span) for item in value), span)
        case str():
            return Scalar(value, True, span)
        case None | bool():
            return Scalar({None: "null", True: "true", False: "false"}[value], False, span)
        case _:
            return Scalar(str(value), False, span)


def _differing(read: Json, given: Json) -> str | None:
    """The name of the first member that was read as something else than was given."""
    if not (isinstance(read, dict) and isinstance(given, dict)):
        return None
    return next((name for name in read if read[name] != given.get(name)), None)
