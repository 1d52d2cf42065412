"""Modifiers whose name is also a member's: which of the two a line means cannot be known."""

from __future__ import annotations

from collections.abc import Collection

from qmpsh.errors import SchemaMismatch, Span
from qmpsh.language.analysis import analyse
from qmpsh.language.syntax import FORMATS, CommandLine, Modifiers
from qmpsh.language.tokens import TokenKind
from qmpsh.light_typing import NamedTuple


class _Use(NamedTuple):
    """A modifier and how else to write the member of the same name.

    written: with what it takes; meaning: what it is for, and where else it can be written
    """

    written: str
    meaning: str


_USES = {
    "fd": _Use("--fd FILE", "a descriptor"),
    "timeout": _Use("--timeout TIME", "the longest wait, here as the option -t TIME"),
    "wait": _Use("--wait", "the end of the work, here as the option --wait"),
    **{
        name: _Use(f"--{name}", f"the output format, here as the option --{name}")
        for name in FORMATS
    },
    "yes": _Use("--yes", "no question, here as the option --yes"),
    "oob": _Use("--oob", "sending out of band, here as a JSON line with exec-oob"),
    "count": _Use("--count N", "the end of a verb"),
    "new": _Use("--new", "what comes from now on"),
}


def refuse_collisions(command: CommandLine, members: Collection[str]) -> None:
    """Raise SchemaMismatch where a modifier of the line has the name of a member.

    members: what the command, and the branch that the line selects, declare
    """
    for name, value in _given(command.modifiers):
        if name in members:
            use = _USES[name]
            raise SchemaMismatch(
                f"write {name}={value} for the member, {use.written} for {use.meaning}",
                command.source,
                _place(command, name),
            )


def _given(modifiers: Modifiers) -> list[tuple[str, str]]:
    """Return the modifiers of a line with what they were given, as a member would have it."""
    found: list[tuple[str, str]] = []
    for name in _USES:
        value = name in modifiers.formats if name in FORMATS else getattr(modifiers, name)
        if value is None or value is False:
            continue
        text = f"{value:g}" if isinstance(value, float) else str(value)
        found.append((name, "..." if value is True or text == "" else text))
    return found


def _place(command: CommandLine, name: str) -> Span:
    """Return where the modifier stands; of words of a command line this is not always known."""
    for token in analyse(command.source).tokens:
        if token.kind is TokenKind.MODIFIER and token.text(command.source) == f"--{name}":
            return token.start, token.end
    return command.name.span
