"""Describes commands, events and types in plain text, and guesses what a stray word means.

For `.help`:

blockdev-backup  (command)
  device*      str
  sync*        top | full | none | incremental | bitmap
  job-id       str
returns nothing
* must be given

A type is shown in plain words: an enum by its members, an object by its keys, never a schema
number. A guess is made for a word in a place where KEY=value is expected, and only if the resulting
line is valid: the member is declared, not given yet, and the word can be its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from qmpsh.errors import NoValue
from qmpsh.jsontypes import read_boolean, read_int, read_number
from qmpsh.language.values import quote
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.schema.model import (
    AlternateType,
    ArrayType,
    Builtin,
    CommandInfo,
    EnumType,
    EventInfo,
    Member,
    ObjectType,
    Schema,
    Type,
)
from qmpsh.schema.walk import object_of, unfold

if TYPE_CHECKING:
    from typing import TypeAlias

_BUILTINS = {
    "string": "str",
    "int": "int",
    "number": "number",
    "boolean": "bool",
    "null": "null",
    "value": "any",
}
MAX_NAMED_WORDS = 5
"""Most members of an enum or keys of an object named before `…`."""

MAX_LEVELS = 4
"""Most nested arrays before `…`: a server may declare one that contains itself."""


def type_words(
    schema: Schema, name: str, most: int = MAX_NAMED_WORDS, levels: int = MAX_LEVELS
) -> str:
    """Describe a type: `str`, `on | off | auto`, `{direct, no-flush}`, `[int]`.

    most:   members named before `…`
    levels: of nested types before `…`
    """
    return kind_words(schema, schema.type(name), most, levels)


def member_words(schema: Schema, member: Member) -> str:
    """Return `name*: type` for a required member, `name: type` for an optional one."""
    star = "" if member.optional else "*"
    return f"{member.name}{star}: {type_words(schema, member.type)}"


def assignment_words(schema: Schema, member: Member) -> str:
    """Return a required member as it may be typed: `id=...`, or `data={}` where that will do."""
    kind = schema.type(member.type)
    if not isinstance(kind, ObjectType):
        return f"{member.name}=..."
    is_empty = all(m.optional for m in kind.members) and not kind.variants
    return f"{member.name}={{}}" if is_empty else f"{member.name}.NAME=..."


def kind_words(
    schema: Schema, kind: Type, most: int = MAX_NAMED_WORDS, levels: int = MAX_LEVELS
) -> str:
    """Do the same for a type rather than its name."""
    match kind:
        case Builtin():
            return _BUILTINS.get(kind.json_type, kind.json_type)
        case EnumType():
            return " | ".join(_some(kind.names(), most))
        case ArrayType() | AlternateType() if not levels:
            return "…"
        case ArrayType():
            return f"[{type_words(schema, kind.element, most, levels - 1)}]"
        case AlternateType():
            # A branch may be an array; QAPI does not nest alternates.
            inside = min(levels - 1, 1)
            return " | ".join(type_words(schema, branch, most, inside) for branch in kind.branches)
        case ObjectType():
            return "{" + ", ".join(_some(_keys(kind), most)) + "}"


def _keys(kind: ObjectType) -> tuple[str, ...]:
    """Return the member names, the tag first, since it decides which others exist."""
    names = [member.name for member in kind.members]
    if kind.tag in names:
        names.remove(kind.tag)
        names.insert(0, kind.tag)
    return (*names, "…") if kind.variants else tuple(names)


def _some(names: tuple[str, ...], most: int) -> list[str]:
    return list(names) if len(names) <= most else [*names[:most], "…"]


Sentences: TypeAlias = "Callable[[str], str]"
"""Returns what a member is for, in one line, "" where that is not known."""


MAX_TYPE_COLUMNS = 24
"""columns of a type that its member's sentence stands beside; below a longer one"""

_MARKS = {"deprecated": "deprecated", "unstable": "unstable"}
_MIN_COLUMNS = 24
"""columns that a text needs beside its head"""
_INDENT_COLUMNS = 6
"""indent of a text below its head"""
_STAR = "* must be given"
MAX_SHOWN_WORDS = 1000
"""how many words of an enum are shown: in effect, all"""


def command_signature(
    schema: Schema,
    info: CommandInfo,
    tags: Mapping[str, str],
    width: int,
    sentences: Sentences,
) -> list[str]:
    """Return the lines of a command's signature.

    tags:  of unions, as in `.help blockdev-add driver=qcow2`; they add their branch's members
    width: most columns of a line
    """
    marks = [_MARKS[feature] for feature in info.features if feature in _MARKS]
    if info.oob:
        marks.append("out-of-band")
    kind = schema.arguments(info.name)
    members = _members(schema, kind, tags, width, sentences) if kind is not None else []
    returns = type_words(schema, info.ret_type, MAX_SHOWN_WORDS)
    nothing = returns == "{}"
    return [
        _title(info.name, "command", marks),
        *members,
        *(["returns nothing"] if nothing else hanging("returns ", returns, width)),
        *([_STAR] if kind is not None and _is_starred(schema, kind, tags) else []),
    ]


def event_signature(schema: Schema, info: EventInfo, width: int, sentences: Sentences) -> list[str]:
    """Return the lines of an event's signature: its data."""
    marks = [_MARKS[feature] for feature in info.features if feature in _MARKS]
    kind = object_of(schema, schema.type(info.arg_type))
    members = _members(schema, kind, {}, width, sentences) if kind is not None else []
    return [_title(info.name, "event", marks), *members]


def _title(name: str, kind: str, marks: list[str]) -> str:
    return f"{name}  ({', '.join([kind, *marks])})"


def _members(
    schema: Schema, kind: ObjectType, tags: Mapping[str, str], width: int, sentences: Sentences
) -> list[str]:
    unfolded = unfold(schema, kind, tags.get)
    members = sorted(unfolded.members, key=lambda member: member.optional)
    rows = [
        (
            f"{member.name}{'' if member.optional else '*'}",
            _described(schema, member),
            sentences(member.name),
        )
        for member in members
    ]
    lines = member_lines(rows, width)
    if unfolded.undecided is not None:
        tag = unfolded.undecided.tag
        lines.append(f"  ... and the members that {tag} selects: name it, {tag}=VALUE")
    return lines


def member_lines(rows: Sequence[tuple[str, str, str]], width: int) -> list[str]:
    """Return rows of name, type and sentence, the sentences below each other."""
    longest = max((len(name) for name, _, _ in rows), default=0)
    most = min(MAX_TYPE_COLUMNS, width // 4)
    kinds = [len(kind) for _, kind, said in rows if said and len(kind) <= most]
    column = max(kinds, default=0)
    lines = []
    for name, kind, said in rows:
        head = f"  {name:<{longest}}  "
        if said and len(kind) <= column:
            lines += hanging(f"{head}{kind:<{column}}  ", said, width)
        else:
            lines += hanging(head, kind, width) if kind else [head.rstrip()]
            below = " " * (len(head) + column + 2)
            lines += hanging(below, said, width) if said else []
    return lines


def _is_starred(schema: Schema, kind: ObjectType, tags: Mapping[str, str]) -> bool:
    return not all(member.optional for member in unfold(schema, kind, tags.get).members)


def hanging(head: str, text: str, width: int) -> list[str]:
    """Return the text after its head, wrapped with a hanging indent; below it if room is short."""
    import textwrap  # here: it compiles patterns that only who reads a page needs

    is_beside = len(head) + _MIN_COLUMNS <= width
    indent = " " * (len(head) if is_beside else _INDENT_COLUMNS)
    lines = textwrap.wrap(
        text,
        max(width, _MIN_COLUMNS),
        initial_indent=head if is_beside else indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return lines if is_beside else [head.rstrip(), *lines]


def _described(schema: Schema, member: Member) -> str:
    marks = [_MARKS[feature] for feature in member.features if feature in _MARKS]
    words = type_words(schema, member.type, MAX_SHOWN_WORDS)
    return f"{words}  ({', '.join(marks)})" if marks else words


# ---------------------------------------------------------------------------- guesses

_NEXT_WORD = r"""\s+([^\s'"\[{#|>=-][^\s'"=]*)(?!\S)"""
"""A plain word after a name, which may be its value."""
_READERS = {"int": read_int, "number": read_number, "boolean": read_boolean}


def members_of(
    schema: Schema, kind: ObjectType, given: Mapping[str, str | None]
) -> tuple[Member, ...]:
    """Return the members that a line may have. kind, given: as in `guess_argument`"""
    return unfold(schema, kind, given.get).members


def guess_argument(
    schema: Schema,
    kind: ObjectType,
    error: NoValue,
    given: Mapping[str, str | None],
    *,
    others: int,
) -> tuple[str, str]:
    """Return the error's message and its guess, or the error's own if there is nothing better.

    kind:   the type of the command's arguments
    given:  the members in the line, None for the value of one in brackets
    others: how many more words without `=` there are, which a guess must not drop
    """
    members = members_of(schema, kind, given)
    if not members:
        return f"expected nothing after {error.command}: it takes no arguments", ""
    named = next((m for m in members if m.name == error.word), None)
    if named is not None:
        return _of_name(schema, named, error, others)
    if others:
        return error.message, error.guess
    for member in members:
        is_missing = not member.optional and member.name not in given
        if is_missing and _fits(schema, schema.type(member.type), error.word):
            return _asked(error, member.name, error.word)
    return error.message, error.guess


def _of_name(schema: Schema, member: Member, error: NoValue, others: int) -> tuple[str, str]:
    """Return the message for a member's name without a value."""
    kind = schema.type(member.type)
    after = re.match(_NEXT_WORD, error.source[error.span[1] :])
    if others == 1 and after is not None and _fits(schema, kind, after[1]):
        return _asked(error, member.name, after[1])
    if kind == Builtin("boolean") and not others:
        return _asked(error, member.name, "true")
    parts = ".NAME" if isinstance(kind, ObjectType) else ""
    return "expected a value", f"{member.name}{parts}=..."


def _asked(error: NoValue, name: str, value: str) -> tuple[str, str]:
    argument = f"{name}={value}"
    is_plain = value.isprintable() and " " not in value and value[:1] not in ("'", '"', "{", "[")
    return "expected KEY=value", f"{error.command} {argument if is_plain else quote(argument)}?"


def _fits(schema: Schema, kind: Type, word: str) -> bool:
    """Return whether the word can be a value of the type."""
    match kind:
        case Builtin(json_type) if json_type in _READERS:
            return _READERS[json_type](word) is not None
        case Builtin(json_type):
            return json_type == "string" and word[:1] not in ("{", "[")
        case EnumType():
            return word in kind.names()
        case AlternateType():
            branches = map(schema.type, kind.branches)
            # QAPI does not nest alternates, but a server may claim to.
            return any(
                not isinstance(b, AlternateType) and _fits(schema, b, word) for b in branches
            )
    return False
