"""The lines of qmp-shell: what it reads as a command, qmpsh reads as the same.

Lines come from commands that a schema accepts, written as qmp-shell's manual says. Where its own
parser makes other arguments of one, it does not work there, and proves nothing.
"""

from __future__ import annotations

import json
from typing import Final

from qemu.qmp.error import QMPError
from qemu.qmp.qmp_shell import QMPShell

from qmpsh.errors import QmpshError
from qmpsh.jsontypes import Json
from qmpsh.language.parser import parse_line
from qmpsh.schema.model import Schema
from tests.conformance.spellings import Spelled, read, same


class Comparison:
    """What came of so many lines.

    works: that qmp-shell reads as meant
    faults: of these, those that qmpsh reads differently
    """

    def __init__(self) -> None:
        self.lines = self.works = 0
        self.faults: list[str] = []

    def compare(self, command: Spelled, schema: Schema) -> None:
        """Read the spellings of a command with both."""
        for line in {_line(command, dotted=False), _line(command, dotted=True)}:
            self.lines += 1
            if not _works(line, command):
                continue
            self.works += 1
            try:
                (statement,) = parse_line(line)
                arguments = read(statement, schema)
            except QmpshError as error:
                self.faults.append(f"{line}: {error}")
                continue
            if not same(arguments, command.arguments):
                self.faults.append(f"{line}: {json.dumps(arguments)}")


class _Parser(QMPShell):  # type: ignore[misc]  # typed where it is installed
    """The parser of qmp-shell, which needs no connection."""

    def __init__(self) -> None:
        self._transmode = False

    def __del__(self) -> None:
        """There is nothing to close."""


_PARSER: Final = _Parser()


def _works(line: str, command: Spelled) -> bool:
    """Return whether qmp-shell sends what is meant."""
    try:
        sent = _PARSER._build_cmd(line)
    except QMPError:
        return False
    return sent is not None and same(
        [sent.get("execute"), sent.get("arguments")], [command.name, command.arguments]
    )


def _line(command: Spelled, *, dotted: bool) -> str:
    words = [command.name]
    for name, value in command.arguments.items():
        if dotted and isinstance(value, dict) and value:
            words += [f"{name}.{key}={_value(member)}" for key, member in value.items()]
        else:
            words.append(f"{name}={_value(value)}")
    return " ".join(words)


def _value(value: Json) -> str:
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "True" if value else "false"
        case _:
            # In brackets it takes JSON without blanks, and Python's words.
            return json.dumps(value, separators=(",", ":")).replace("null", "None")
