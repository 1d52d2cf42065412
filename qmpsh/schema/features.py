"""Whether a server has a command, a member or a value: for programs that serve several versions."""

from __future__ import annotations

from qmpsh.errors import UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.has import SchemaJudge, no_name, read_question
from qmpsh.schema.tools.json_schema import json_schema


class SchemaFeatures:
    """The questions that a program asks of a schema. Nothing is sent to answer them."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the commands, in the server's order."""
        return self._schema.commands

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events, in the server's order."""
        return self._schema.events

    def has(self, command: str, /, *words: str, **values: str) -> bool:
        """Whether a command or event exists, has members, accepts values, has features.

        words:  as after `qmpsh schema has`: MEMBER, `file.filename` below another one,
                MEMBER=VALUE, +FEATURE of what stands before it
        values: further members, and a value that each must accept; those that select the branch
                of a union, such as driver="qcow2", also select the members
        Properties of devices, which the schema does not declare, are not there.
        """
        given = [f"{name}={value}" for name, value in values.items()]
        words = tuple(word for word in words if word)
        judge = SchemaJudge(self._schema, read_question([command, *given, *words]))
        undeclared = [word for word in judge.open_words() if word.path != ("driver",)]
        return not undeclared and judge.decide().has

    def describe(self, command: str, /, *, returns: bool = False, **tags: str) -> JsonObject:
        """Return the arguments of a command, or the data of an event, as JSON Schema 2020-12.

        returns: describe the command's answer instead
        tags:    values that select the branch of a union, such as driver="qcow2"
        Raises UsageError for a command that there is not.
        """
        found = json_schema(self._schema, command, tags, returns=returns)
        if found is None:
            raise UsageError(no_name(self._schema, command))
        return found
