"""The value of a `qom-set` line gets the type that its property has in the running VM."""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.errors import shortened
from qmpsh.jsontypes import JsonObject
from qmpsh.language.syntax import Argument, CommandLine, RawLiteral, Scalar
from qmpsh.schema.scalars import choices_of, is_enum, property_member, read_qom_value
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import Note, Wish


def typed_value(
    introspection: Introspection, line: CommandLine, arguments: JsonObject
) -> Generator[Wish, str, JsonObject]:
    """Return the arguments with the value typed; unchanged if the VM knows no such property.

    Raises SchemaMismatch for a child, which cannot be set.
    """
    argument = _typed_argument(line)
    path, name = arguments.get("path"), arguments.get("property")
    if argument is None or not isinstance(path, str) or not isinstance(name, str):
        return arguments
    listed = yield from introspection.ask_live("qom-list", {"path": path})
    kind = property_member(listed, name, "type")
    if not isinstance(kind, str):
        return arguments
    value = read_qom_value(argument, kind, line.source)
    if is_enum(kind) and isinstance(value, str):
        yield from _warn(introspection, path, name, value)
    return {**arguments, "value": value}


def _typed_argument(line: CommandLine) -> Argument | None:
    """Return the line's `value` if a type can make a difference: not if it is quoted, which makes
    it a string, nor in dotted keys, which make it an object.
    """
    for argument in line.arguments:
        if [part.text for part in argument.key] == ["value"]:
            value = argument.value
            is_open = isinstance(value, RawLiteral) or (
                isinstance(value, Scalar) and not value.quoted
            )
            return argument if is_open else None
    return None


def _warn(
    introspection: Introspection, path: str, name: str, value: str
) -> Generator[Wish, str, None]:
    """Say which words an enum has, where its description lists them and this is not one."""
    owner = yield from introspection.ask_live("qom-get", {"path": path, "property": "type"})
    if not isinstance(owner, str):
        return
    listed = yield from introspection.ask_live("qom-list-properties", {"typename": owner})
    choices = choices_of(property_member(listed, name, "description"))
    if choices and value not in choices:
        # Without the value: it is the line's, and the line may be secret.
        yield Note(f"sent unchanged, but {name} takes {shortened(', '.join(choices))}")
