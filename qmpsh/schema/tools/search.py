"""Where in a schema a member, a value, a feature or a type is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.model import EnumType, Member, ObjectType, Schema
from qmpsh.schema.tools.changes import path_text
from qmpsh.schema.tools.reach import Effort, Reached, reachable

_GLOB: Final = frozenset("*?[")

Matches = Callable[[str], bool]


class Place(NamedTuple):
    """A place where something is used. of: the command or event; path: in it, "" for itself"""

    of: str
    path: str


def matcher(word: str) -> Matches:
    """Return what says whether a name is the one that is sought. word: a name or a glob"""
    if _GLOB.isdisjoint(word):
        return lambda name: name == word
    return lambda name: fnmatchcase(name, word)


def find_places(schema: Schema, word: str, *, read: bool = False) -> Iterator[Place]:
    """Yield the places, by command in the order of their names.

    word: as in `matcher`; `+deprecated` for a feature
    read: search what the server sends, answers and events, not what it takes
    Raises UsageError for a schema that is far too large.
    """
    feature = matcher(word[1:]) if word.startswith("+") else None
    names = matcher(word)
    effort = Effort()
    for name, root, features in _roots(schema, read=read):
        if feature is not None and any(map(feature, features)):
            yield Place(name, "")
        for reached in reachable(schema, root, effort):
            found = _features(reached, feature) if feature else _names(reached, names)
            for path in found:
                yield Place(name, path)


def _roots(schema: Schema, *, read: bool) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield name, type and features of each command, or of what the server sends."""
    for name in sorted(schema.commands):
        command = schema.command(name)
        if command is not None:
            yield name, command.ret_type if read else command.arg_type, command.features
    for name in sorted(schema.events) if read else ():
        event = schema.event(name)
        if event is not None:
            yield name, event.arg_type, event.features


def _names(reached: Reached, matches: Matches) -> Iterator[str]:
    """Yield the paths of members and values with a name."""
    kind = reached.kind
    if isinstance(kind, ObjectType):
        for member in kind.members:
            if matches(member.name) or matches(member.type):
                yield path_text((*reached.where, member.name))
    elif isinstance(kind, EnumType):
        for value in kind.names():
            if matches(value):
                yield f"{path_text(reached.where)}={value}"


def _features(reached: Reached, matches: Matches) -> Iterator[str]:
    """Yield the paths of members and values with a feature."""
    kind = reached.kind
    if isinstance(kind, ObjectType):
        if any(map(matches, kind.features)):
            yield path_text(reached.where)
        yield from (path_text((*reached.where, one.name)) for one in _marked(kind, matches))
    elif isinstance(kind, EnumType):
        for value in kind.members:
            if any(map(matches, value.features)):
                yield f"{path_text(reached.where)}={value.name}"


def _marked(kind: ObjectType, matches: Matches) -> Iterator[Member]:
    return (member for member in kind.members if any(map(matches, member.features)))
