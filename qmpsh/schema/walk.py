"""Finds the type at the end of a path, from a command's arguments down to one member.

On the way, a union's tag adds the members of its branch, which may itself be a union (the `socket`
of a migration's address has its own tag); an alternate is replaced by its object, an array by its
element. A path's parts are as typed; if a declared name contains a dot (`zoned.zasl`), the longest
name wins.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from qmpsh.schema.model import AlternateType, ArrayType, Member, ObjectType, Schema, Type

Path = tuple[str, ...]
Tags = Callable[[Path], str | None]
"""Returns the text of the single value at a path of the line; None if there is none."""
TagOf = Callable[[str], str | None]
"""The same for a member of the current object, by name."""


class Unfolded(NamedTuple):
    """An object with the branches that its tags select.

    members:   the common ones and those of the branches
    tags:      name and value, outermost first
    undecided: the innermost union if its tag has no value yet, else None
    """

    members: tuple[Member, ...]
    tags: tuple[tuple[str, str], ...] = ()
    undecided: ObjectType | None = None


def object_of(schema: Schema, kind: Type) -> ObjectType | None:
    """Return the object that a type is, or that an alternate may be; None for neither."""
    if isinstance(kind, AlternateType):
        branches = (schema.type(name) for name in kind.branches)
        return next((branch for branch in branches if isinstance(branch, ObjectType)), None)
    return kind if isinstance(kind, ObjectType) else None


def array_of(schema: Schema, kind: Type) -> ArrayType | None:
    """Return the array that a type is, or that an alternate may be; None for neither."""
    if isinstance(kind, AlternateType):
        branches = (schema.type(name) for name in kind.branches)
        return next((branch for branch in branches if isinstance(branch, ArrayType)), None)
    return kind if isinstance(kind, ArrayType) else None


def unfold(schema: Schema, owner: ObjectType, tag_of: TagOf) -> Unfolded:
    """Return the object with its branch, that branch's branch and so on, as tags are given."""
    members = owner.members
    tags: dict[str, str] = {}
    # An object's tags have different names; a server that repeats one would cause a loop.
    while owner.tag is not None and owner.tag not in tags:
        value = tag_of(owner.tag)
        if value is None:
            return Unfolded(members, tuple(tags.items()), owner)
        tags[owner.tag] = value
        owner = schema.branch(owner, value)
        members += owner.members
    return Unfolded(members, tuple(tags.items()))


def name_width(names: Container[str], parts: Sequence[str]) -> int:
    """Return how many of the parts form the longest matching name; 1 if none matches."""
    for width in range(len(parts), 1, -1):
        if ".".join(parts[:width]) in names:
            return width
    return 1


def descend(schema: Schema, kind: Type, path: Path, tags: Tags, at: Path = ()) -> Type | None:
    """Return the type at the end of `path`; None if it leads nowhere.

    kind: the type to start from
    at:   its own path in the line
    tags: called for the tag of every union on the way
    """
    if not path:
        return kind
    array = array_of(schema, kind)
    if array is not None and path[0].isdigit():
        return descend(schema, schema.type(array.element), path[1:], tags, (*at, path[0]))
    owner = object_of(schema, kind)
    if owner is None:
        return None
    members = unfold(schema, owner, lambda tag: tags((*at, tag))).members
    by_name = {member.name: member for member in members}
    width = name_width(by_name, path)
    member = by_name.get(".".join(path[:width]))
    if member is None:
        return None
    return descend(schema, schema.type(member.type), path[width:], tags, (*at, *path[:width]))
