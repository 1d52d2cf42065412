"""From a command down to one member: which type stands at the end of a path.

On the way a union's tag joins the members of its branch, an alternate is left for its object, an
array for its element. A path's parts are as typed; where a declared name holds a dot
(`zoned.zasl`), the longest name wins.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from qmpsh.schema.model import AlternateType, ArrayType, Member, ObjectType, Schema, Type

Path = tuple[str, ...]
Tags = Callable[[Path], str | None]
"""The text of the single value at a path of the line, None where there is none."""


def object_of(schema: Schema, kind: Type) -> ObjectType | None:
    """The object that a type is, or that an alternate may be; None where it is neither."""
    if isinstance(kind, AlternateType):
        branches = (schema.type(name) for name in kind.branches)
        return next((branch for branch in branches if isinstance(branch, ObjectType)), None)
    return kind if isinstance(kind, ObjectType) else None


def array_of(schema: Schema, kind: Type) -> ArrayType | None:
    """The array that a type is, or that an alternate may be; None where it is neither."""
    if isinstance(kind, AlternateType):
        branches = (schema.type(name) for name in kind.branches)
        return next((branch for branch in branches if isinstance(branch, ArrayType)), None)
    return kind if isinstance(kind, ArrayType) else None


def members_of(schema: Schema, owner: ObjectType, tag: str | None) -> tuple[Member, ...]:
    """The common members and those of the branch that the tag's value selects."""
    if owner.tag is None or tag is None:
        return owner.members
    return (*owner.members, *schema.branch(owner, tag))


def name_width(names: Container[str], parts: Sequence[str]) -> int:
    """How many of the parts make the longest of the names; 1 where none fits."""
    for width in range(len(parts), 1, -1):
        if ".".join(parts[:width]) in names:
            return width
    return 1


def descend(schema: Schema, kind: Type, path: Path, tags: Tags, at: Path = ()) -> Type | None:
    """The type at the end of `path` below a type that stands at `at`; None where it leads nowhere.

    tags: asked for the text of the tag of every union on the way
    """
    if not path:
        return kind
    array = array_of(schema, kind)
    if array is not None and path[0].isdigit():
        return descend(schema, schema.type(array.element), path[1:], tags, (*at, path[0]))
    owner = object_of(schema, kind)
    if owner is None:
        return None
    members = members_of(schema, owner, tag_of(owner, tags, at))
    by_name = {member.name: member for member in members}
    width = name_width(by_name, path)
    member = by_name.get(".".join(path[:width]))
    if member is None:
        return None
    return descend(schema, schema.type(member.type), path[width:], tags, (*at, *path[:width]))


def tag_of(owner: ObjectType, tags: Tags, at: Path) -> str | None:
    """The value of a union's tag in the object at `at`."""
    return tags((*at, owner.tag)) if owner.tag is not None else None
