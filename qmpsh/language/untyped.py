"""The untyped reading of a command: its arguments as JSON where no schema gives the types.

Also the tree that dotted keys make, level by level, which the typed reading shares: the caller says
how many parts of a key make the name at a level.
"""

from __future__ import annotations

import math
import re
from itertools import repeat

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.jsontypes import INT_MAX, INT_MIN, Json, JsonObject
from qmpsh.language.syntax import (
    Argument,
    ArrayLiteral,
    CommandLine,
    Node,
    ObjectLiteral,
    Part,
    RawLiteral,
    Scalar,
)
from qmpsh.language.values import read_raw
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_INTEGER = r"-?(?:0|[1-9][0-9]*)"
_NUMBER = rf"{_INTEGER}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_MAX_INT_DIGITS = 4300  # int() refuses more
_LIKE_NUMBER = (
    r"[+-]?(?:0[xXoObB][0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?[kKmMgGtTpPeE]?)"
)
_CONSTANTS: dict[str, Json] = {"true": True, "false": False, "null": None}
_PYTHON_NULL = "None"
_SINGLE_PARTS = repeat(1)
"""The widths of names where nothing is declared: each ends at a dot."""
NULL_WORDS = ("null", _PYTHON_NULL)
"""The words that are null where null is declared."""


class Doubtful(str):
    """The text of a bare word that looks like something else: `0x10`, `1_000`, `None`."""

    __slots__ = ()


class UntypedMember(NamedTuple):
    """One name of a level. span: where the name stands, the first time.

    child: the argument whose key ends here, or the branch of those whose keys go on
    """

    name: str
    span: Span
    child: Argument | UntypedBranch


class UntypedBranch:
    """One level of the tree of dotted keys: the arguments that share the beginning of their key.

    source: the line. entries: the parts that are left of each key, and the argument; not empty.
    """

    __slots__ = ("entries", "source")

    def __init__(self, source: str, entries: Sequence[tuple[Sequence[Part], Argument]]) -> None:
        self.source = source
        self.entries = entries

    def members(self, widths: Iterable[int]) -> list[UntypedMember]:
        """Return the names of this level in the order of the line, siblings merged.

        widths: for each entry, how many of its parts, at least one, make the name at this level
        Raises LineSyntaxError where a name is set twice, or is a value and a branch at once.
        """
        groups: dict[str, list[tuple[Sequence[Part], Argument]]] = {}
        spans: dict[str, Span] = {}
        for (parts, argument), count in zip(self.entries, widths, strict=False):
            name = ".".join([part.text for part in parts[:count]])
            span = (parts[0].span[0], parts[count - 1].span[1])
            group = groups.setdefault(name, [])
            if group and not (parts[count:] and group[0][0]):
                below = parts[count:] or group[0][0]
                raise LineSyntaxError(_set_twice(name, below), self.source, span)
            spans.setdefault(name, span)
            group.append((parts[count:], argument))
        return [
            UntypedMember(name, spans[name], self._child(group)) for name, group in groups.items()
        ]

    def has_index(self) -> bool:
        """Return whether a name of this level is a bare number, as in `children.0=x`."""
        return any(is_index(parts[0]) for parts, _ in self.entries)

    def items(self) -> list[UntypedMember]:
        """Return the members of a list, in the order of their indexes.

        Raises LineSyntaxError where the names are not exactly 0..n-1.
        """
        members = {member.name: member for member in self.members(_SINGLE_PARTS)}
        expected = [str(index) for index in range(len(members))]
        known = frozenset(expected)
        for parts, _ in self.entries:
            if not is_index(parts[0]) or parts[0].text not in known:
                raise LineSyntaxError(_wrong_index(len(members)), self.source, parts[0].span)
        return [members[name] for name in expected]

    def _child(self, group: Sequence[tuple[Sequence[Part], Argument]]) -> Argument | UntypedBranch:
        parts, argument = group[0]
        return UntypedBranch(self.source, group) if parts else argument


def _set_twice(name: str, below: Sequence[Part]) -> str:
    if not below:
        return f"{name} is given twice"
    path = ".".join([name, *(part.text for part in below)])
    return f"{name} is given both as a value and as {path}"


def _wrong_index(count: int) -> str:
    indexes = "index 0" if count == 1 else f"indexes 0 to {count - 1}"
    return f'expected the list {indexes}; a name made of digits is quoted, as in a."0"=x'


def key_tree(command: CommandLine) -> UntypedBranch:
    """Return the root of the tree that the keys of a command make."""
    entries = [(argument.key, argument) for argument in command.arguments]
    return UntypedBranch(command.source, entries)


def is_index(part: Part) -> bool:
    """Return whether a part can be a list's index: digits, not quoted."""
    return not part.quoted and part.text.isascii() and part.text.isdigit()


def top_level_part(parts: Sequence[Part]) -> int:
    """Return the width of a name of the first level if nothing is declared: one beginning with `__`
    is taken whole.
    """
    first = parts[0]
    return len(parts) if first.text.startswith("__") and not first.quoted else 1


def guess_arguments(command: CommandLine) -> JsonObject:
    """Return the arguments of a command where no type is known. Raises LineSyntaxError."""
    root = key_tree(command)
    for parts, _ in root.entries:
        if is_index(parts[0]):
            message = f'expected a name, not a list index; digits are quoted: "{parts[0].text}"'
            raise LineSyntaxError(message, command.source, parts[0].span)
    widths = [top_level_part(parts) for parts, _ in root.entries]
    return {member.name: _guess_top(member, command.source) for member in root.members(widths)}


def _guess_top(member: UntypedMember, source: str) -> Json:
    child = member.child
    # 10.0 takes an integer for another slot than the same digits as a string: wire.md section 5.
    if member.name == "addr" and isinstance(child, Argument) and isinstance(child.value, Scalar):
        return child.value.text
    return guess_member(child, source)


def guess_member(child: Argument | UntypedBranch, source: str) -> Json:
    """Return the JSON of one argument, or of all those below a branch, where no type is known."""
    if isinstance(child, Argument):
        return guess_value(child.value, source)
    if child.has_index():
        return [guess_member(item.child, source) for item in child.items()]
    return {
        member.name: guess_member(member.child, source) for member in child.members(_SINGLE_PARTS)
    }


def guess_value(value: Node | RawLiteral, source: str) -> Json:
    """Return the JSON of one argument's value where no type is known: integers, true, false, null,
    brackets; all else is a string. source: the line, for the errors.
    """
    if isinstance(value, RawLiteral):
        value = read_raw(value, source)
    if not isinstance(value, Scalar):
        return guess_literal(value, source)
    return value.text if value.quoted else guess_word(value.text)


def guess_word(text: str) -> Json:
    """Return the JSON of a bare value: an integer that QAPI can hold, a constant, or text."""
    if len(text) <= 20 and re.fullmatch(_INTEGER, text) and INT_MIN <= int(text) <= INT_MAX:
        return int(text)
    return _constant(text)


def plain_word(text: str, *, inside: bool = False) -> str:
    """Return a bare word as JSON has it: true and false may be in any case, and inside brackets
    Python's `None` is null.
    """
    folded = text.lower() if len(text) <= 5 else text
    if folded in ("true", "false"):
        return folded
    return "null" if inside and text == _PYTHON_NULL else text


def is_constant(text: str, *, inside: bool = False) -> bool:
    """Return whether a bare word is true, false or null where no type is known."""
    return plain_word(text, inside=inside) in _CONSTANTS


def declared_text(word: str) -> str:
    """Return a bare word where a string is declared; marked where null may be meant."""
    return Doubtful(word) if word == _PYTHON_NULL else word


def as_text(word: str) -> str:
    """Return a bare word that is sent as text; marked where it looks like something else."""
    is_doubtful = word == _PYTHON_NULL or re.fullmatch(_LIKE_NUMBER, word)
    return Doubtful(word) if is_doubtful else word


def doubtful_words(value: Json, shown: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the members of read arguments that are doubtful texts: (dotted name, text).

    shown: the same with its secrets masked, which are left out
    """
    if isinstance(value, Doubtful) and value == shown:
        yield name, value
    elif isinstance(value, dict) and isinstance(shown, dict):
        for key, item in value.items():
            yield from doubtful_words(item, shown.get(key), f"{name}.{key}".removeprefix("."))
    elif isinstance(value, list) and isinstance(shown, list):
        for index, (item, other) in enumerate(zip(value, shown, strict=False)):
            yield from doubtful_words(item, other, f"{name}.{index}")


def _constant(text: str, *, inside: bool = False) -> Json:
    word = plain_word(text, inside=inside)
    return _CONSTANTS[word] if word in _CONSTANTS else as_text(text)


def guess_literal(node: Node, source: str) -> Json:
    """Return the JSON of what stands inside brackets: there, every JSON number is read as one."""
    match node:
        case ArrayLiteral():
            return [guess_literal(item, source) for item in node.items]
        case ObjectLiteral():
            return {part.text: guess_literal(item, source) for part, item in node.members}
        case Scalar(text, quoted, span):
            if not quoted and re.fullmatch(_NUMBER, text):
                return _number(text, source, span)
            return text if quoted else _constant(text, inside=True)


def _number(text: str, source: str, span: Span) -> int | float:
    if not re.fullmatch(_INTEGER, text):
        number = float(text)
        if math.isfinite(number):
            return number
    elif len(text) <= _MAX_INT_DIGITS:
        return int(text)
    raise LineSyntaxError("expected a number that fits; such text is quoted", source, span)
