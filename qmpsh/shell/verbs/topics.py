"""What `.help` explains besides names of the server: exit codes, keys, modifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmpsh.errors import UsageError
from qmpsh.language.modifiers import OPTIONS
from qmpsh.schema.describe import hanging
from qmpsh.shell.waiting.rules import ENDS
from qmpsh.suggest import did_you_mean
from qmpsh.usage import EXIT_CODES, MODIFIER_NOTES, MODIFIERS, wrapped_columns

if TYPE_CHECKING:
    from qmpsh.shell.interpreter import Shell


def special_topic(shell: Shell, words: str, width: int) -> str | None:
    """The text on a topic that is ours; None for any other. width: columns that it may take

    Raises UsageError for dashes before what is not a modifier.
    """
    if words.startswith("--"):
        return _modifier(words.lstrip("-").partition("=")[0], width)
    if words == "exit-codes":
        return wrapped_columns(EXIT_CODES, width)
    if words == "keys" and shell.keys is not None:
        return wrapped_columns(shell.keys(), width)
    return None


def _modifier(name: str, width: int) -> str:
    if name not in MODIFIERS:
        if name in OPTIONS:
            raise UsageError(f"--{name} is an option of qmpsh; `qmpsh --help` tells of it")
        hint = did_you_mean(f"--{name}", [f"--{known}" for known in MODIFIERS])
        hint = hint or f"; there are {', '.join(f'--{known}' for known in MODIFIERS)}"
        raise UsageError(f"no modifier --{name}{hint}")
    value, does = MODIFIERS[name]
    lines = [f"--{name}{value}", *hanging("    ", does, width), ""]
    lines += hanging("", MODIFIER_NOTES[name], width)
    if name == "wait":
        known = ", ".join(command for end in ENDS for command in end.commands.split())
        lines += ["", "Ends are known of:", *hanging("    ", known, width)]
    return "\n".join(lines)
