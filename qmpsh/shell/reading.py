"""What a line says as JSON: of the declared types where the server declares them, else guessed."""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.errors import SchemaMismatch
from qmpsh.jsontypes import JsonObject
from qmpsh.lang.build import NULL_WORDS, doubtful_words, guess_arguments
from qmpsh.lang.syntax import CommandLine
from qmpsh.nearest import did_you_mean
from qmpsh.schema.check import check_arguments
from qmpsh.schema.model import Schema
from qmpsh.schema.properties import Properties
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.outcome import Note, Wish

Reading = Generator[Wish, str, JsonObject]
"""Steps to the arguments. They raise SchemaMismatch for what the server would refuse, and
LineSyntaxError for clashing keys.
"""


def read_arguments(introspection: Introspection, line: CommandLine) -> Reading:
    """The arguments of a command."""
    line = yield from _filled_in(line)
    return (yield from _doubted((yield from _typed(introspection, line))))


def read_action(introspection: Introspection, line: CommandLine) -> Reading:
    """The data of a transaction's action; one without arguments is checked too."""
    line = yield from _filled_in(line)
    return (yield from _doubted((yield from _typed_action(introspection, line))))


def _typed(introspection: Introspection, line: CommandLine) -> Reading:
    yield from introspection.load_schema()
    schema = introspection.schema
    if schema is None or introspection.is_undescribed(line.name.text):
        return guess_arguments(line)
    name = line.name.text
    if schema.command(name) is None and schema.binding:
        behind = line.source[line.name.span[1] :].strip()
        hint = introspection.suggestion(name, behind)
        raise SchemaMismatch(f"no command {name}{hint}", line.source, line.name.span)
    properties = yield from introspection.load_properties(line)
    arguments = yield from _checked(schema, line, properties)
    if properties is None and name == "device_add" and not introspection.asks:
        yield from _unknown_properties(schema, line)
    if line.name.text == "qom-set" and introspection.asks:
        # Imported here: only this command sets what the schema leaves open.
        from qmpsh.shell.qom import typed_value

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
    # Imported here: few lines stand in a transaction.
    from qmpsh.schema.actions import actions_of

    yield from introspection.load_schema()
    schema = introspection.schema
    actions = actions_of(schema) if schema is not None else None
    if actions is None:
        return guess_arguments(line)
    name = line.name.text
    if name not in actions.commands:
        raise SchemaMismatch(no_action(name, actions), line.source, line.name.span)
    return (yield from _checked(actions, line))


def no_action(name: str, actions: Schema) -> str:
    """What is said of an unknown action. actions: of the server's `transaction`."""
    hint = did_you_mean(name, actions.commands) or f"; there are {', '.join(actions.commands)}"
    return f"no action {name}{hint}"


def _filled_in(line: CommandLine) -> Generator[Wish, str, CommandLine]:
    if "?" not in line.source:
        return line
    # Imported here: few lines leave a secret to be asked for.
    from qmpsh.shell.asking import fill_in

    return (yield from fill_in(line))


def _checked(schema: Schema, line: CommandLine, properties: Properties | None = None) -> Reading:
    try:
        return check_arguments(schema, line, properties)
    except SchemaMismatch as error:
        if schema.binding:
            raise
        yield Note(f"sent as it stands, but the manual installed here says: {error}")
        return guess_arguments(line)


def _doubted(arguments: JsonObject) -> Reading:
    """The same arguments; a note tells of a word that is sent as text and may not be meant so."""
    if any(True for _ in doubtful_words(arguments, arguments)):
        # Imported here: most words are what they look like. A secret is not repeated.
        from qmpsh.shell.secret_rules import mask_json

        for name, word in doubtful_words(arguments, mask_json(arguments)):
            what = "null is written null" if word in NULL_WORDS else "no type makes it a number"
            yield Note(f"{name}: {word} is sent as text; {what}")
    return arguments
