"""What a line already says about a command that the schema has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qmpsh.complete.candidates import Catalog
from qmpsh.language.cursor import CursorContext, GivenMember
from qmpsh.language.syntax import MemberPath
from qmpsh.schema.model import Member, ObjectType, Schema, Type
from qmpsh.schema.walk import Unfolded, descend, object_of, unfold


class TypedArguments:
    """The arguments that a line has already, for one command of one schema."""

    def __init__(self, given: Iterable[GivenMember], schema: Schema, root: ObjectType) -> None:
        self.schema = schema
        self.root = root
        self._given = {member.path: member.text for member in given}

    def text_at(self, path: MemberPath) -> str | None:
        """Return the text of the single value at a path."""
        return self._given.get(path)

    def type_at(self, path: MemberPath) -> Type | None:
        """Return the type of the member at a path."""
        return descend(self.schema, self.root, path, self.text_at)

    def is_given(self, path: MemberPath) -> bool:
        """Return whether the line has that member already, as one value."""
        return path in self._given

    def has_below(self, path: MemberPath) -> bool:
        """Return whether the line has something below that member."""
        return path in [given[: len(path)] for given in self._given]

    def lacking(self, at: MemberPath = ()) -> Iterator[tuple[MemberPath, Member]]:
        """Yield the required members that are missing below a path, with their whole paths.

        An object that the line has begun is not missing itself, but what it needs may be.
        """
        kind = self.type_at(at)
        owner = object_of(self.schema, kind) if kind is not None else None
        for member in self.members(owner, at) if owner is not None else ():
            path = (*at, member.name)
            if self.text_at(path) is not None:
                continue
            if self.has_below(path):
                yield from self.lacking(path)
            elif not member.optional:
                yield path, member

    def help_tag(self, command: str) -> str | None:
        """Return the member that `.help` takes a value of: a union's tag, or a device's driver."""
        return "driver" if command == "device_add" else self.root.tag

    def members(self, owner: ObjectType, at: MemberPath) -> tuple[Member, ...]:
        """Return the members of the object at `at`, its tags' branches included."""
        return self.unfold_at(owner, at).members

    def unfold_at(self, owner: ObjectType, at: MemberPath) -> Unfolded:
        """Return the object at `at` with the branches that the line's tags select."""
        return unfold(self.schema, owner, lambda tag: self.text_at((*at, tag)))


def typed_arguments(context: CursorContext, catalog: Catalog) -> TypedArguments | None:
    """Return what is known of the line's command; None if the schema does not have it."""
    schema = catalog.schema
    root = schema.arguments(context.name) if schema is not None else None
    return (
        TypedArguments(context.given, schema, root)
        if schema is not None and root is not None
        else None
    )
