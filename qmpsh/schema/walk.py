"""Finds the type at the end of a path, from a command's arguments down to one member.

On the way, a union's tag adds the members of its branch, which may itself be a union (the `socket`
of a migration's address has its own tag); an alternate is replaced by its object, an array by its
element. A path's parts are as typed; if a declared name contains a dot (`zoned.zasl`), the longest
name wins. Members typed with dotted keys and in braces are read alike: each level is a list of
entries, and only this module knows which syntax they came from.

Also reads device properties, which the schema does not declare, using `device-list-properties`: in
device_add, QEMU 7.2 takes any scalar as a string, while 10.0 wants the JSON type (wire.md section
5).
"""

from __future__ import annotations

from itertools import takewhile

from qmpsh.errors import Span
from qmpsh.jsontypes import Json, as_list, get_str, read_boolean, read_int
from qmpsh.language.syntax import (
    Argument,
    MemberPath,
    Node,
    ObjectLiteral,
    Part,
    RawLiteral,
    Scalar,
)
from qmpsh.language.untyped import (
    UntypedBranch,
    as_text,
    declared_text,
    guess_literal,
    guess_member,
    guess_value,
    plain_word,
    top_level_part,
)
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.schema.model import (
    AlternateType,
    ArrayType,
    EnumMember,
    EnumType,
    Member,
    ObjectType,
    Schema,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

Tags: TypeAlias = "Callable[[MemberPath], str | None]"
"""Returns the text of the single value at a path of the line; None if there is none."""
TagOf: TypeAlias = "Callable[[str], str | None]"
"""The same for a member of the current object, by name."""


class Unfolded(NamedTuple):
    """An object with the branches that its tags select.

    members:   the common ones and those of the branches
    objects:   the object, then the branches that the tags select
    tags:      name and value, outermost first
    undecided: the innermost union if its tag has no value yet, else None
    """

    members: tuple[Member, ...]
    objects: tuple[ObjectType, ...]
    tags: tuple[tuple[str, str], ...]
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
    objects: tuple[ObjectType, ...] = (owner,)
    tags: dict[str, str] = {}
    # An object's tags have different names; a server that repeats one would cause a loop.
    while owner.tag is not None and owner.tag not in tags:
        value = tag_of(owner.tag)
        if value is None:
            return Unfolded(members, objects, tuple(tags.items()), owner)
        tags[owner.tag] = value
        owner = schema.branch(owner, value)
        members += owner.members
        objects += (owner,)
    return Unfolded(members, objects, tuple(tags.items()))


def tag_values(schema: Schema, union: ObjectType, members: Iterable[Member]) -> EnumType:
    """Return what a union's tag may be: the values of the branches where it is no enum.

    members: its own, and those of the unions of which it is a branch
    """
    tag = next((member for member in members if member.name == union.tag), None)
    kind = schema.type(tag.type) if tag is not None else None
    return kind if isinstance(kind, EnumType) else EnumType(tuple(map(EnumMember, union.variants)))


def branches_with(schema: Schema, union: ObjectType, name: str) -> list[str]:
    """Return the values of a union's tag that add a member of that name."""
    # Each type is searched once, however many values select it.
    kinds = {variant: schema.type(variant) for variant in union.variants.values()}
    found = {
        variant
        for variant, kind in kinds.items()
        if isinstance(kind, ObjectType) and kind.member(name) is not None
    }
    return [value for value, variant in union.variants.items() if variant in found]


def may_add(schema: Schema, union: ObjectType, name: str) -> bool:
    """Return whether a value of a union's tag may add a member of that name.

    name: of the member, or its part before a dot. A branch that is a union itself counts as one
    that does.
    """
    kinds = map(schema.type, set(union.variants.values()))
    branches = [kind for kind in kinds if isinstance(kind, ObjectType)]
    return any(
        branch.tag is not None or any(m.name.split(".")[0] == name for m in branch.members)
        for branch in branches
    )


def name_width(names: Container[str], parts: Sequence[str]) -> int:
    """Return how many of the parts form the longest matching name; 1 if none matches."""
    for width in range(len(parts), 1, -1):
        if ".".join(parts[:width]) in names:
            return width
    return 1


def descend(
    schema: Schema, kind: Type, path: MemberPath, tags: Tags, at: MemberPath = ()
) -> Type | None:
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


Child = Argument | UntypedBranch | Node | RawLiteral
"""What a member may have: a value, or the branch of its dotted keys."""


class MemberEntry(NamedTuple):
    """One member as typed. span: of its name."""

    name: str
    span: Span
    child: Child

    @property
    def value(self) -> UntypedBranch | Node | RawLiteral:
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
        return self.span if isinstance(value, UntypedBranch) else value.span

    def guess(self, source: str) -> Json:
        """Read the value untyped, if anything is accepted. source: the line."""
        child = self.child
        if isinstance(child, Argument | UntypedBranch):
            return guess_member(child, source)
        if isinstance(child, RawLiteral):
            return guess_value(child, source)
        return guess_literal(child, source)


def entries_of(child: UntypedBranch | ObjectLiteral, names: Iterable[str]) -> list[MemberEntry]:
    """Return an object's members; a dotted key matches the longest of the names at its level."""
    if isinstance(child, ObjectLiteral):
        return [MemberEntry(part.text, part.span, node) for part, node in child.members]
    declared = frozenset(names)

    def width(parts: Sequence[Part]) -> int:
        bare = list(takewhile(lambda part: not part.quoted, parts))
        found = name_width(declared, [part.text for part in bare])
        return found if found > 1 or parts[0].text in declared else top_level_part(parts)

    widths = [width(parts) for parts, _ in child.entries]
    return [MemberEntry(member.name, member.span, member.child) for member in child.members(widths)]


def leaves_of(child: UntypedBranch | ObjectLiteral) -> Iterator[tuple[str, Node | RawLiteral]]:
    """Yield name and value of the members that have a value, not members of their own."""
    if isinstance(child, ObjectLiteral):
        for part, node in child.members:
            yield part.text, node
    else:
        for parts, argument in child.entries:
            if len(parts) == 1:
                yield parts[0].text, argument.value


Properties: TypeAlias = "Mapping[str, str]"
"""A device's property names and their types as `device-list-properties` names them."""

_PROPERTY_READERS: dict[str, Callable[[str], Json]] = {
    "bool": read_boolean,
    "size": read_int,
    "busnr": read_int,
    **{
        f"{sign}int{bits}{end}": read_int
        for sign in ("", "u")
        for bits in ("", "8", "16", "32", "64")
        for end in ("", "_t")
    },
}


def property_types(answer: Json) -> dict[str, str]:
    """Return names and types from the reply to `device-list-properties`; {} from anything else."""
    pairs = ((get_str(item, "name"), get_str(item, "type")) for item in as_list(answer))
    return {name: kind for name, kind in pairs if name and kind}


def read_as(kind: str, text: str) -> Json:
    """Read a bare word as a live type if it fits, else as a string: the server judges.

    kind: as `device-list-properties` and `qom-list` name it
    """
    read = _PROPERTY_READERS.get(kind)
    if read is None:
        return declared_text(text)
    found = read(text)
    return as_text(text) if found is None else found


def read_property(entry: MemberEntry, source: str, properties: Properties) -> Json:
    """Read a device property: as its live type if the text fits, else as a string.

    An unknown property is read untyped. `addr` is always a string: as an integer it means another
    slot to QEMU 10.
    """
    value = entry.value
    if not isinstance(value, Scalar):
        return entry.guess(source)
    if value.quoted or entry.name == "addr":
        return value.text
    kind = properties.get(entry.name)
    if kind is None:
        return entry.guess(source)
    return read_as(kind, value.text)
