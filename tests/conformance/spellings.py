"""One command in eight spellings, each of which must be read as the same JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NamedTuple

from qmpsh.errors import QmpshError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.formatting import format_command
from qmpsh.language.parser import parse_argv, parse_line
from qmpsh.language.syntax import CommandLine, JsonLine, Statement
from qmpsh.language.untyped import guess_arguments
from qmpsh.language.values import quote
from qmpsh.schema.check import check_arguments, check_json
from qmpsh.schema.model import Schema, is_open


class Spelled(NamedTuple):
    """A command that a line or the words of a command line were made of."""

    name: str
    arguments: JsonObject


def _json(command: Spelled) -> Statement:
    return _only(json.dumps({"execute": command.name, "arguments": command.arguments}))


def _spread_json(command: Spelled) -> Statement:
    message = {"arguments": command.arguments, "id": 7, "execute": command.name}
    return _only(json.dumps(message, indent=2, ensure_ascii=False))


def _single_quotes(command: Spelled) -> Statement:
    return _only(f"{{'execute': '{command.name}', 'arguments': {_relaxed(command.arguments)}}}")


def _brackets(command: Spelled) -> Statement:
    return _only(format_command(command.name, command.arguments))


def _dotted(command: Spelled) -> Statement:
    return _only(format_command(command.name, command.arguments, dotted=True))


def _bare_keys(command: Spelled) -> Statement:
    words = [f"{_key(name)}={_bare(value)}" for name, value in command.arguments.items()]
    return _only(" ".join([command.name, *words]))


def _indexed(command: Spelled) -> Statement:
    return _only(" ".join([command.name, *_leaves("", command.arguments, quote)]))


def _words(command: Spelled) -> Statement:
    words = _leaves("", command.arguments, str)
    return parse_argv([command.name, *words]) if words else _only(command.name)


SPELLINGS: Final[dict[str, Callable[[Spelled], Statement]]] = {
    "JSON": _json,
    "JSON over several lines": _spread_json,
    "JSON in single quotes": _single_quotes,
    "brackets": _brackets,
    "dotted keys": _dotted,
    "bare keys in brackets": _bare_keys,
    "dotted keys and indices": _indexed,
    "words of a command line": _words,
}


def read(statement: Statement, schema: Schema) -> Json:
    """Return the arguments that would be sent. Raises QmpshError."""
    match statement:
        case JsonLine():
            warning = check_json(schema, statement)
            if warning:
                raise QmpshError(warning)
            return statement.arguments
        case CommandLine():
            kind = schema.arguments(statement.name.text)
            if kind is not None and is_open(statement.name.text, kind):
                return guess_arguments(statement)
            return check_arguments(schema, statement)
        case _:
            raise QmpshError(f"read as {type(statement).__name__}")


def faults(command: Spelled, schema: Schema) -> list[str]:
    """Return what is wrong in each spelling that is not read as the command."""
    found = []
    for title, spell in SPELLINGS.items():
        try:
            statement = spell(command)
            arguments = read(statement, schema)
        except QmpshError as error:
            found.append(f"{command.name} as {title}: {error}: {json.dumps(command.arguments)}")
            continue
        if not same(arguments, command.arguments):
            found.append(
                f"{command.name} as {title}: {json.dumps(arguments)}"
                f" for {json.dumps(command.arguments)}"
            )
    return found


def same(left: Json, right: Json) -> bool:
    """Return whether both are the same JSON; 1, 1.0 and true are not."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _only(line: str) -> Statement:
    (statement,) = parse_line(line)
    return statement


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else quote(name)


def _relaxed(value: Json) -> str:
    """Return JSON with single quotes, as QEMU takes it."""
    match value:
        case dict():
            return f"{{{', '.join(f'{_single(k)}: {_relaxed(v)}' for k, v in value.items())}}}"
        case list():
            return f"[{', '.join(map(_relaxed, value))}]"
        case str():
            return _single(value)
        case _:
            return json.dumps(value)


def _single(text: str) -> str:
    inner = json.dumps(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def _bare(value: Json) -> str:
    """Return a value with keys that have no quotes."""
    match value:
        case dict():
            return f"{{{', '.join(f'{_key(name)}: {_bare(v)}' for name, v in value.items())}}}"
        case list():
            return f"[{', '.join(map(_bare, value))}]"
        case str():
            return quote(value)
        case _:
            return json.dumps(value)


def _leaves(path: str, value: Json, text: Callable[[str], str]) -> list[str]:
    """Return `a.b.0=value` for each value that is no object or list, and for each empty one."""
    pairs = enumerate(value) if isinstance(value, list) else ()
    named = value.items() if isinstance(value, dict) else pairs
    words = []
    for name, member in named:
        below = f"{path}.{_key(str(name))}" if path else _key(str(name))
        if isinstance(member, dict | list) and member:
            words += _leaves(below, member, text)
        else:
            words.append(
                f"{below}={text(member) if isinstance(member, str) else json.dumps(member)}"
            )
    return words
