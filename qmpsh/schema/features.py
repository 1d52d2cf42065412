"""Whether a server has a command, a member or a value: for programs that serve several versions."""

from __future__ import annotations

from collections.abc import Mapping

from qmpsh.schema.model import EnumType, Schema
from qmpsh.schema.walk import Path, descend


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

    def has(self, command: str, member: str = "", /, **values: str) -> bool:
        """Whether a command exists, has a member, and accepts values.

        member: its name, below another one at a dot (`file.filename`)
        values: further members, and a value that each must accept; those that select the branch
                of a union, such as driver="qcow2", also select the members
        """
        if self._schema.arguments(command) is None:
            return False
        if any(not self._accepts(command, name, values) for name in values):
            return False
        return not member or self._find(command, member, values) is not None

    def _accepts(self, command: str, name: str, values: Mapping[str, str]) -> bool:
        kind = self._find(command, name, values)
        return kind is not None and not (
            isinstance(kind, EnumType) and values[name] not in kind.names()
        )

    def _find(self, command: str, member: str, values: Mapping[str, str]) -> object:
        arguments = self._schema.arguments(command)

        def tag(path: Path) -> str | None:
            return values.get(".".join(path))

        return arguments and descend(self._schema, arguments, tuple(member.split(".")), tag)
