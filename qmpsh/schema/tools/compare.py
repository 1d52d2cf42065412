"""Compares two types by their structure: their names differ from build to build.

One look at a pair of types says how they differ themselves, and which pairs of types below them
are to be looked at next. So a type that contains itself needs no care here, and what many commands
share is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.describe import kind_words
from qmpsh.schema.model import (
    EMPTY,
    AlternateType,
    ArrayType,
    Builtin,
    EnumType,
    Member,
    ObjectType,
    Schema,
    Type,
)
from qmpsh.schema.tools.changes import BRANCH, ELEMENT, ChangeKind, TypeChange, Where
from qmpsh.schema.tools.reach import Effort, parts_of
from qmpsh.schema.walk import branches_with, tag_values

MARKS: Final = frozenset({"deprecated", "unstable"})
"""features that warn: a client that relies on one is hard to imagine"""

Pair = tuple[str | None, str | None]
"""The names of the same type in two schemas; None for an object without members."""


class TypeStep(NamedTuple):
    """A pair of types below another one. where: the way to it"""

    where: Where
    pair: Pair


class Differences(NamedTuple):
    """What one look at a pair of types finds."""

    changes: tuple[TypeChange, ...]
    steps: tuple[TypeStep, ...]


class TypeComparison:
    """The comparison of the types of two schemas, each pair once. effort: that it may take"""

    def __init__(self, old: Schema, new: Schema, effort: Effort) -> None:
        self._old = old
        self._new = new
        self._effort = effort
        self._known: dict[Pair, Differences] = {}

    def look(self, pair: Pair) -> Differences:
        """Return how two types differ themselves, and what is below them.

        Raises UsageError where that is too much effort.
        """
        known = self._known.get(pair)
        if known is None:
            known = self._known[pair] = self._compare(pair)
        return known

    def _compare(self, pair: Pair) -> Differences:
        old, new = type_of(self._old, pair[0]), type_of(self._new, pair[1])
        self._effort.spend(parts_of(old) + parts_of(new))
        changes = [*feature_changes(features_of(old), features_of(new), ())]
        match old, new:
            case ObjectType(), ObjectType():
                more, steps = self._objects(old, new)
            case EnumType(), EnumType():
                more, steps = [*_values(old, new, ())], []
            case ArrayType(), ArrayType():
                more, steps = [], [TypeStep((ELEMENT,), (old.element, new.element))]
            case _:
                more, steps = self._forms(pair, old, new)
        return Differences((*changes, *more), tuple(steps))

    # ---------------------------------------------------------------- objects

    def _objects(self, old: ObjectType, new: ObjectType) -> tuple[list[TypeChange], list[TypeStep]]:
        changes: list[TypeChange] = []
        steps: list[TypeStep] = []
        tag = old.tag if old.tag == new.tag else None
        before = {member.name: member for member in old.members}
        after = {member.name: member for member in new.members}
        for name, member in before.items():
            if name not in after:
                changes.append(self._gone(name, new))
                continue
            changes += _member_changes(member, after[name])
            if name != tag:
                steps.append(TypeStep((name,), (member.type, after[name].type)))
        changes += [_added(member) for name, member in after.items() if name not in before]
        if tag is not None:
            more, branches = self._branches(tag, old, new)
            changes += more
            steps += branches
        return changes, steps

    def _gone(self, name: str, new: ObjectType) -> TypeChange:
        """Return what has become of a member that is no longer there whatever the tag."""
        below = map(self._new.type, {*new.variants.values()})
        self._effort.spend(len(new.variants) + sum(map(parts_of, below)))
        values = branches_with(self._new, new, name)
        if not values:
            return TypeChange(ChangeKind.MEMBER_REMOVED, (name,))
        branches = [BRANCH.format(tag=new.tag, value=value) for value in values]
        return TypeChange(ChangeKind.MEMBER_MOVED, (name,), new=" ".join(branches))

    def _branches(
        self, tag: str, old: ObjectType, new: ObjectType
    ) -> tuple[list[TypeChange], list[TypeStep]]:
        """Compare what the tag of two unions may be, and what it then adds."""
        before = tag_values(self._old, old, old.members)
        after = tag_values(self._new, new, new.members)
        changes = [*_values(before, after, (tag,), is_tag=True)]
        known = frozenset(after.names())
        steps = [
            TypeStep(
                (BRANCH.format(tag=tag, value=value),),
                (old.variants.get(value), new.variants.get(value)),
            )
            for value in before.names()
            if value in known and (value in old.variants or value in new.variants)
        ]
        return changes, steps

    # ---------------------------------------------------------------- other types

    def _forms(self, pair: Pair, old: Type, new: Type) -> tuple[list[TypeChange], list[TypeStep]]:
        """Compare types of different kinds, or alternates, by the JSON that each takes."""
        before, after = _forms_of(self._old, pair[0]), _forms_of(self._new, pair[1])
        lost = not all(_takes(self._new, after, self._old, one) for one in before.items())
        gained = not all(_takes(self._old, before, self._new, one) for one in after.items())
        changes = []
        if lost or gained:
            words = (kind_words(self._old, old), kind_words(self._new, new))
            kind = _TYPE_KINDS[lost, gained]
            changes.append(TypeChange(kind, (), "", *words))
        steps = [
            TypeStep((), (name, after[form]))
            for form, name in before.items()
            if form in after and self._are_alike(name, after[form])
        ]
        # Alternates contain no alternates, but a server may claim so: a pair leads not to itself.
        return changes, [step for step in steps if step.pair != pair]

    def _are_alike(self, old: str, new: str) -> bool:
        """Whether two types of the same JSON form are of the same kind, so that they have parts to
        compare.
        """
        return type(self._old.type(old)) is type(self._new.type(new))


_TYPE_KINDS: Final = {
    (True, True): ChangeKind.TYPE_CHANGED,
    (True, False): ChangeKind.TYPE_NARROWED,
    (False, True): ChangeKind.TYPE_WIDENED,
}
"""By whether something is taken no longer, and whether something more is."""


def type_of(schema: Schema, name: str | None) -> Type:
    """Return the type of a name. name: as in Pair"""
    return EMPTY if name is None else schema.type(name)


def features_of(kind: Type) -> tuple[str, ...]:
    """Return the features of a type."""
    return kind.features if isinstance(kind, ObjectType | EnumType | AlternateType) else ()


def feature_changes(
    old: Sequence[str], new: Sequence[str], where: Where, name: str = ""
) -> Iterator[TypeChange]:
    """Yield the differences of features. name: of the enum's value that has them, "" for none"""
    prefix = f"{name} +" if name else "+"
    before, after = frozenset(old), frozenset(new)
    for feature in old:
        if feature not in after:
            kind = ChangeKind.MARK_REMOVED if feature in MARKS else ChangeKind.FEATURE_REMOVED
            yield TypeChange(kind, where, f"{prefix}{feature}")
    for feature in new:
        if feature in before:
            continue
        if feature == "deprecated":
            yield TypeChange(ChangeKind.DEPRECATED, where, name)
        else:
            yield TypeChange(ChangeKind.FEATURE_ADDED, where, f"{prefix}{feature}")


def _member_changes(old: Member, new: Member) -> Iterator[TypeChange]:
    where = (old.name,)
    if old.optional and not new.optional:
        yield TypeChange(ChangeKind.NOW_REQUIRED, where)
    if new.optional and not old.optional:
        yield TypeChange(ChangeKind.NOW_OPTIONAL, where)
    yield from feature_changes(old.features, new.features, where)


def _added(member: Member) -> TypeChange:
    kind = ChangeKind.MEMBER_ADDED if member.optional else ChangeKind.REQUIRED_ADDED
    return TypeChange(kind, (member.name,))


def _values(
    old: EnumType, new: EnumType, where: Where, *, is_tag: bool = False
) -> Iterator[TypeChange]:
    before = {member.name: member for member in old.members}
    after = {member.name: member for member in new.members}
    removed = ChangeKind.BRANCH_REMOVED if is_tag else ChangeKind.VALUE_REMOVED
    added = ChangeKind.BRANCH_ADDED if is_tag else ChangeKind.VALUE_ADDED
    for name, member in before.items():
        if name in after:
            yield from feature_changes(member.features, after[name].features, where, name)
        else:
            yield TypeChange(removed, where, name)
    for name in after:
        if name not in before:
            yield TypeChange(added, where, name)


def _forms_of(schema: Schema, name: str | None) -> dict[str, str]:
    """Return the forms of JSON that a type takes, each with the type that takes it."""
    forms: dict[str, str] = {}
    waiting = [] if name is None else [name]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        kind = schema.type(name)
        if isinstance(kind, AlternateType):
            # Alternates contain no alternates, but a server may claim so.
            waiting += [branch for branch in kind.branches if branch not in seen]
            seen.update(kind.branches)
        else:
            forms.setdefault(_form(kind), name)
    return forms or {"object": ""}


def _form(kind: Type) -> str:
    match kind:
        case Builtin():
            return kind.json_type
        case EnumType():
            return "string"
        case ArrayType():
            return "array"
        case _:
            return "object"


def _takes(schema: Schema, forms: dict[str, str], other: Schema, one: tuple[str, str]) -> bool:
    """Whether a type takes a form of another type's. forms: its own; one: the form, and its type

    An enum does not take what any string may be; which words it takes is compared elsewhere.
    """
    form, name = one
    if "value" in forms or (form == "int" and "number" in forms):
        return True
    if form not in forms:
        return False
    is_enum = isinstance(schema.type(forms[form]), EnumType)
    return not is_enum or isinstance(other.type(name), EnumType)
