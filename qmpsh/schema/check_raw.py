"""Checks raw JSON against the schema: as a typed line is, using a tree made from the JSON.

A raw line is sent unchanged; what is found here is only a warning.
"""

from __future__ import annotations

from qmpsh.errors import SchemaMismatch, Span
from qmpsh.jsontypes import Json
from qmpsh.lang.syntax import ArrayLiteral, JsonLine, Node, ObjectLiteral, Part, Scalar
from qmpsh.nearest import did_you_mean
from qmpsh.schema.check import Reader, Spot, undeclared_reader
from qmpsh.schema.model import Schema

LONGEST = 200_000
"""characters of a line that is checked; longer ones were written by a program"""


def check_json(schema: Schema, line: JsonLine) -> str:
    """Return why this server would refuse a raw JSON command; "" if it would not, and for a line
    that takes longer to check than the warning is worth.
    """
    if len(line.source) > LONGEST:
        return ""
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
    """Return the tree that typing this JSON would give."""
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
    """Return the name of the first member whose value was read differently from the JSON."""
    if not (isinstance(read, dict) and isinstance(given, dict)):
        return None
    return next((name for name in read if read[name] != given.get(name)), None)
