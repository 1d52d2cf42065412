"""A member as typed, either with dotted keys or in braces.

The typed reading treats both alike: each level is a list of entries, and only this module knows
which syntax they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from qmpsh.errors import Span
from qmpsh.jsontypes import Json
from qmpsh.lang.build import (
    Branch,
    guess_literal,
    guess_member,
    guess_value,
    plain_word,
    top_level_part,
)
from qmpsh.lang.syntax import Argument, Node, ObjectLiteral, Part, RawLiteral, Scalar
from qmpsh.schema.walk import name_width

Child = Argument | Branch | Node | RawLiteral
"""What a member may have: a value, or the branch of its dotted keys."""


class Entry(NamedTuple):
    """One member. span: of its name."""

    name: str
    span: Span
    child: Child

    @property
    def value(self) -> Branch | Node | RawLiteral:
        """The value itself, whether it was an argument or inside brackets."""
        return self.child.value if isinstance(self.child, Argument) else self.child

    @property
    def word(self) -> str | None:
        """The text of a bare word, true and false as JSON has them; None for other values."""
        value = self.value
        if not isinstance(value, Scalar) or value.quoted:
            return None
        return plain_word(value.text, inside=not isinstance(self.child, Argument))

    @property
    def value_span(self) -> Span:
        """The span of the value; for dotted keys, that of the name."""
        value = self.value
        return self.span if isinstance(value, Branch) else value.span

    def guess(self, source: str) -> Json:
        """Read the value untyped, if anything is accepted. source: the line."""
        child = self.child
        if isinstance(child, Argument | Branch):
            return guess_member(child, source)
        if isinstance(child, RawLiteral):
            return guess_value(child, source)
        return guess_literal(child, source)


def entries_of(child: Branch | ObjectLiteral, names: Iterable[str]) -> list[Entry]:
    """Return an object's members; a dotted key matches the longest of the names at its level."""
    if isinstance(child, ObjectLiteral):
        return [Entry(part.text, part.span, node) for part, node in child.members]
    declared = frozenset(names)

    def width(parts: Sequence[Part]) -> int:
        bare = list(takewhile(lambda part: not part.quoted, parts))
        found = name_width(declared, [part.text for part in bare])
        return found if found > 1 or parts[0].text in declared else top_level_part(parts)

    return [Entry(member.name, member.span, member.child) for member in child.members(width)]


def leaves_of(child: Branch | ObjectLiteral) -> Iterator[tuple[str, Node | RawLiteral]]:
    """Yield name and value of the members that have a value, not members of their own."""
    if isinstance(child, ObjectLiteral):
        for part, node in child.members:
            yield part.text, node
    else:
        for parts, argument in child.entries:
            if len(parts) == 1:
                yield parts[0].text, argument.value
