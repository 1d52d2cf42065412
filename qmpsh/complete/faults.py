"""What is wrong with a line while it is typed: for its colours and for the hint below it.

Tolerant where the checks before sending are strict: the line is unfinished, so that nothing is said
of what is missing, nor of the word that is still being typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.line import Line
from qmpsh.complete.place import Given, Path, Typed, find_typed
from qmpsh.errors import Span
from qmpsh.lang.build import plain_word
from qmpsh.lang.lookalikes import find_look_alike
from qmpsh.lang.scan import Scanner
from qmpsh.lang.syntax import Mode
from qmpsh.nearest import did_you_mean
from qmpsh.scalars import read_boolean, read_int, read_number
from qmpsh.schema.model import Builtin, EnumType, ObjectType, Schema, Type, is_open
from qmpsh.schema.plain_values import NAMES
from qmpsh.schema.walk import object_of

_READERS = {"int": read_int, "number": read_number, "boolean": read_boolean}


class Fault(NamedTuple):
    """span: what it is about; role: "error", or "deprecated" for what still works; message: one
    sentence.
    """

    span: Span
    role: str
    message: str


def find_faults(text: str, catalog: Catalog, mode: Mode) -> list[Fault]:
    """The faults of a line, in its order."""
    if mode.hmp or not catalog.commands:
        return []
    look_alike = find_look_alike(text, Scanner(mode).feed(text)) if not text.isascii() else None
    if look_alike is not None:
        span, message = look_alike
        return [Fault(span, "error", message)]
    typed = find_typed(text, mode)
    catalog = catalog.inside(transaction=typed.in_transaction)
    name = typed.command
    if not name or not catalog.commands or name in catalog.aliases:
        return []
    if name not in catalog.commands:
        return _unknown_command(text, typed, catalog)
    schema = catalog.schema
    root = schema.arguments(name) if schema is not None else None
    if schema is None or root is None:
        return []
    line = Line(typed.given, schema, root)
    faults = list(_of_command(schema, name, typed.span))
    if not schema.binding:
        return faults
    for member in typed.given:
        faults += _of_member(line, name, member, text)
    return faults


def _unknown_command(text: str, typed: Typed, catalog: Catalog) -> list[Fault]:
    name, span = typed.command, typed.span
    still_typed = span[1] == len(text)
    if still_typed and any(command.startswith(name) for command in catalog.commands):
        return []
    hint = did_you_mean(name, catalog.commands)
    word = "action" if typed.in_transaction else "command"
    return [Fault(span, "error", f"no {word} {name}{hint}")]


def _of_command(schema: Schema, name: str, span: Span) -> Iterator[Fault]:
    info = schema.command(name)
    if info is not None and "deprecated" in info.features:
        yield Fault(span, "deprecated", f"{name} is deprecated")


def _of_member(line: Line, command: str, given: Given, text: str) -> Iterator[Fault]:
    kind = line.type_at(given.path)
    if kind is None:
        if given.key[0] < given.key[1] and not is_open(command, line.root):
            yield from _unknown_member(line, given)
        return
    if given.text is None or given.value[1] == len(text):
        return
    message = _wrong_value(kind, given)
    if message:
        yield Fault(given.value, "error", message)


def _unknown_member(line: Line, given: Given) -> Iterator[Fault]:
    """A member that its object does not have; nothing where the tag is still to come."""
    owner_path, owner = _owner(line, given.path)
    unfolded = line.unfolded(owner, owner_path) if owner is not None else None
    if unfolded is None or unfolded.undecided is not None:
        return
    name = given.path[len(owner_path)]
    names = [member.name for member in unfolded.members]
    part = "member" if owner_path else "argument"
    yield Fault(given.key, "error", f"no {part} '{name}'{did_you_mean(name, names)}")


def _owner(line: Line, path: Path) -> tuple[Path, ObjectType | None]:
    """The innermost object on the way that there is."""
    for length in range(len(path) - 1, -1, -1):
        kind = line.type_at(path[:length])
        if kind is not None:
            return path[:length], object_of(line.schema, kind)
    return (), line.root


def _wrong_value(kind: Type, given: Given) -> str:
    value = given.text or ""
    match kind:
        case EnumType() if value not in kind.names():
            hint = did_you_mean(value, kind.names())
            return f"'{value}' is not a value of {given.path[-1]}{hint}"
        case Builtin(json_type) if json_type in _READERS:
            word = plain_word(value, inside=given.bracketed)
            if given.quoted or _READERS[json_type](word) is None:
                return f"{given.path[-1]}: {value} is not {NAMES[json_type]}"
    return ""
