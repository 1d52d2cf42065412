"""The arguments of a line as JSON: of the declared types if the server declares them, else guessed.

A guess means the same as the line, or none is made: it accounts for each word, and what only the
human monitor takes is not read as if it were QMP.
"""

from __future__ import annotations

from qmpsh.errors import SchemaMismatch
from qmpsh.jsontypes import JsonObject
from qmpsh.language.syntax import CommandLine
from qmpsh.language.untyped import NULL_WORDS, doubtful_words, guess_arguments
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.schema.check import check_arguments
from qmpsh.schema.model import Schema
from qmpsh.schema.walk import Properties
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import Note, Wish

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias

Reading: TypeAlias = "Generator[Wish, str, JsonObject]"
"""Steps to the arguments. They raise SchemaMismatch for what the server would refuse, and
LineSyntaxError for clashing keys.
"""


def read_arguments(introspection: Introspection, line: CommandLine) -> Reading:
    """Return the arguments of a command as JSON."""
    line = yield from _filled_in(line)
    return (yield from _doubted((yield from _typed(introspection, line))))


def read_action(introspection: Introspection, line: CommandLine) -> Reading:
    """Return the data of a transaction's action; one without arguments is checked too."""
    line = yield from _filled_in(line)
    return (yield from _doubted((yield from _typed_action(introspection, line))))


def _typed(introspection: Introspection, line: CommandLine) -> Reading:
    yield from introspection.load_schema()
    schema = introspection.schema
    if schema is None or introspection.is_undescribed(line.name.text):
        return guess_arguments(line)
    name = line.name.text
    if schema.command(name) is None and schema.binding:
        rest = line.source[line.name.span[1] :].strip()
        hint = introspection.suggestion(name, rest)
        raise SchemaMismatch(f"no command {name}{hint}", line.source, line.name.span)
    properties = yield from introspection.load_properties(line)
    arguments = yield from _checked(schema, line, properties)
    if properties is None and name == "device_add" and not introspection.asks:
        yield from _unknown_properties(schema, line)
    if line.name.text == "qom-set" and introspection.asks:
        # Imported here: few lines set a property.
        from qmpsh.shell.qom_values import typed_value

        return (yield from typed_value(introspection, line, arguments))
    return arguments


def _unknown_properties(schema: Schema, line: CommandLine) -> Generator[Wish, str, None]:
    """Say which members have a type that only a running VM knows."""
    kind = schema.arguments(line.name.text)
    declared = {member.name for member in kind.members} if kind is not None else set()
    names = [argument.key[0].text for argument in line.arguments]
    if strays := [name for name in names if name not in {*declared, "addr"}]:
        yield Note(
            f"device properties are unknown offline, so the types of {', '.join(strays)} are"
            " guessed; --schema takes a reply of device-list-properties too"
        )


def _typed_action(introspection: Introspection, line: CommandLine) -> Reading:
    # Imported here: few lines are in a transaction.
    from qmpsh.schema.actions import actions_of

    yield from introspection.load_schema()
    schema = introspection.schema
    actions = actions_of(schema) if schema is not None else None
    if actions is None:
        return guess_arguments(line)
    name = line.name.text
    if name not in actions.commands:
        # Imported here: needed for an error alone.
        from qmpsh.shell.explanations import no_action

        raise SchemaMismatch(no_action(name, actions), line.source, line.name.span)
    return (yield from _checked(actions, line))


def _filled_in(line: CommandLine) -> Generator[Wish, str, CommandLine]:
    if "?" not in line.source:
        return line
    # Imported here: few lines ask for a secret.
    from qmpsh.shell.secret_prompt import fill_in

    return (yield from fill_in(line))


def _checked(schema: Schema, line: CommandLine, properties: Properties | None = None) -> Reading:
    try:
        return check_arguments(schema, line, properties)
    except SchemaMismatch as error:
        if schema.binding:
            raise
        yield Note(f"sent unchanged, but the manual installed here says: {error}")
        return guess_arguments(line)


def _doubted(arguments: JsonObject) -> Reading:
    """Return the same arguments, after a note on a word sent as text that may not be meant so."""
    if any(True for _ in doubtful_words(arguments, arguments)):
        # Imported here: most words are what they look like. A secret is not repeated.
        from qmpsh.secrets.rules import mask_json

        for name, word in doubtful_words(arguments, mask_json(arguments)):
            what = "null is written null" if word in NULL_WORDS else "no type makes it a number"
            yield Note(f"{name}: {word} is sent as text; {what}")
    return arguments
