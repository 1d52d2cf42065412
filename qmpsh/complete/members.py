"""Candidates that the schema gives: members still missing, and values of enums and booleans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.devices import fits, property_keys, property_values
from qmpsh.complete.feeds import names_file
from qmpsh.complete.line import Line, line_of
from qmpsh.complete.live import facts_at
from qmpsh.complete.place import Path, Piece, Place
from qmpsh.complete.qom import qom_values
from qmpsh.schema.model import (
    AlternateType,
    Builtin,
    EnumType,
    Member,
    ObjectType,
    Schema,
    Type,
)
from qmpsh.schema.walk import array_of, object_of
from qmpsh.schema.words import kind_words, type_words


def key_candidates(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """The members that the object at the cursor still lacks, required first."""
    line = line_of(place, catalog)
    if line is None:
        return ()
    found: list[Candidate] = []
    # A declared name may hold dots: each cut of the typed parts into object and name is tried.
    for cut in range(len(place.pieces)):
        path = (*place.path, *(piece.text for piece in place.pieces[:cut]))
        found += _missing(line, path, place.pieces[cut], place)
    return found + list(property_keys(line, place, catalog.facts))


def value_candidates(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """The values that the member at the cursor may have: of its type, and what the VM knows."""
    line = line_of(place, catalog)
    if line is None:
        return ()
    kind = line.type_at(place.path)
    found = list(_values(line.schema, kind, place)) if kind is not None else []
    if kind is None:
        found += property_values(line, place, catalog.facts)
    found += qom_values(place, catalog.facts)
    if names_file(place.name, place.path):
        found += _paths(place, catalog)
    usable = fits(line, place, catalog.facts)
    for fact in filter(usable, facts_at(place, catalog.facts)):
        found.append(Candidate(fact.value, place.start, fact.kind, form=Form.TEXT))
    if kind is not None and not place.prefix and not place.quote:
        found += _brackets(line.schema, kind, place)
    return found


def _paths(place: Place, catalog: Catalog) -> Iterator[Candidate]:
    """Paths of this host; the VM's folder is not known, so that they begin at the root."""
    for path in catalog.paths(place.prefix or "/"):
        if path.startswith("/"):
            yield Candidate(path, place.start, "path", form=Form.TEXT)


def _missing(line: Line, path: Path, piece: Piece, place: Place) -> Iterator[Candidate]:
    below, form = _below(line, path, place)
    members = [member for member in below if not line.is_given((*path, member.name))]
    for member in sorted(members, key=lambda member: member.optional):
        begun = line.is_begun((*path, member.name))
        for tail in _tails(line.schema, member, piece, place, begun=begun):
            if piece is not place.pieces[-1] and (member.name, tail) == (piece.text, "."):
                continue  # the object that is being typed in
            yield Candidate(
                member.name,
                piece.start,
                type_words(line.schema, member.type),
                required=not member.optional,
                deprecated="deprecated" in member.features,
                unstable="unstable" in member.features,
                form=form,
                tail=tail,
            )


def _below(line: Line, path: Path, place: Place) -> tuple[Sequence[Member], Form]:
    """What may be named below a path: an object's members, a list's indexes up to the next."""
    kind = line.type_at(path)
    owner = object_of(line.schema, kind) if kind is not None else None
    if owner is not None:
        return line.members(owner, path), Form.KEY
    array = array_of(line.schema, kind) if kind is not None else None
    if array is None or place.bracketed:
        return (), Form.INDEX
    following = next(n for n in count() if not line.is_begun((*path, str(n))))
    indexes = [Member(str(n), array.element, optional=True) for n in range(following + 1)]
    return indexes, Form.INDEX


def _tails(schema: Schema, member: Member, piece: Piece, place: Place, *, begun: bool) -> list[str]:
    """What may follow a member's name at once.

    Where a value may be a word as well as an object, nothing; once the name stands there, both.
    begun: something below it is in the line already, so that it must be an object
    """
    if place.bracketed:
        return [": "]
    kind = schema.type(member.type)
    is_object = object_of(schema, kind) is not None
    is_array = array_of(schema, kind) is not None
    if not (is_object or is_array):
        return ["="]
    if begun or isinstance(kind, ObjectType):
        return ["."]
    if piece.text == member.name:
        return ["=", "."]
    return [""] if is_object else ["="]


def _values(schema: Schema, kind: Type, place: Place) -> Iterator[Candidate]:
    match kind:
        case EnumType():
            for member in kind.members:
                yield Candidate(
                    member.name,
                    place.start,
                    deprecated="deprecated" in member.features,
                    unstable="unstable" in member.features,
                    form=Form.WORD,
                )
        case Builtin() if place.quote:
            return  # a quoted value is a string
        case Builtin("boolean"):
            yield Candidate("true", place.start, "bool")
            yield Candidate("false", place.start, "bool")
        case Builtin("null"):
            yield Candidate("null", place.start)
        case AlternateType():
            for branch in map(schema.type, kind.branches):
                # QAPI has no alternate inside another; a server may say that it has.
                if not isinstance(branch, AlternateType):
                    yield from _values(schema, branch, place)


def _brackets(schema: Schema, kind: Type, place: Place) -> Iterator[Candidate]:
    """The mark that opens a list, or an object where no dotted key can be written for it."""
    if array_of(schema, kind) is not None:
        yield Candidate("[", place.start, kind_words(schema, kind))
    if place.bracketed and object_of(schema, kind) is not None:
        yield Candidate("{", place.start, kind_words(schema, kind))
