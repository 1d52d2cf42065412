"""What differs between two schemas: commands, events, and all that they take and answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.model import CommandInfo, EventInfo, Schema
from qmpsh.schema.tools.changes import Change, ChangeKind, Side, TypeChange, Where
from qmpsh.schema.tools.compare import Pair, TypeComparison, feature_changes
from qmpsh.schema.tools.reach import Effort


class _Key(NamedTuple):
    """What makes a change one and the same, wherever it is reached."""

    side: Side
    owner: Pair | str
    change: TypeChange


class _Reached(NamedTuple):
    """A change as first reached. where: the way there; of: all that reach it, added to"""

    where: Where
    of: list[str]


class SchemaDiff:
    """The differences between two schemas. names: of the commands and events wanted, () for all"""

    def __init__(self, old: Schema, new: Schema, names: Iterable[str] = ()) -> None:
        self._old = old
        self._new = new
        self._names = frozenset(names)
        self._effort = Effort()
        self._types = TypeComparison(old, new, self._effort)
        self._reached: dict[_Key, _Reached] = {}

    def changes(self) -> list[Change]:
        """Return the changes, each once, by the names of what they are in.

        Raises UsageError for a schema that is far too large.
        """
        self._compare_commands()
        self._compare_events()
        return [
            Change(key.change.kind, key.side, found.where, tuple(found.of), *key.change[2:])
            for key, found in self._reached.items()
        ]

    def _wanted(self, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
        for name in sorted({*old, *new}):
            if not self._names or name in self._names:
                yield name

    def _compare_commands(self) -> None:
        for name in self._wanted(self._old.commands, self._new.commands):
            old, new = self._old.command(name), self._new.command(name)
            if old is not None and new is not None:
                self._compare_command(old, new)
            elif old is not None or new is not None:
                kind = ChangeKind.COMMAND_ADDED if old is None else ChangeKind.COMMAND_REMOVED
                self._add(Side.WHOLE, name, TypeChange(kind, ()), name)

    def _compare_events(self) -> None:
        for name in self._wanted(self._old.events, self._new.events):
            old, new = self._old.event(name), self._new.event(name)
            if old is not None and new is not None:
                self._compare_event(old, new)
            elif old is not None or new is not None:
                kind = ChangeKind.EVENT_ADDED if old is None else ChangeKind.EVENT_REMOVED
                self._add(Side.EVENT, name, TypeChange(kind, ()), name)

    def _compare_command(self, old: CommandInfo, new: CommandInfo) -> None:
        for change in feature_changes(old.features, new.features, ()):
            self._add(Side.WHOLE, old.name, change, old.name)
        if old.oob != new.oob:
            kind = ChangeKind.OOB_REMOVED if old.oob else ChangeKind.OOB_ADDED
            self._add(Side.WHOLE, old.name, TypeChange(kind, ()), old.name)
        self._compare_types(Side.ARGUMENTS, old.name, _pair(old.arg_type, new.arg_type))
        self._compare_types(Side.ANSWER, old.name, _pair(old.ret_type, new.ret_type))

    def _compare_event(self, old: EventInfo, new: EventInfo) -> None:
        for change in feature_changes(old.features, new.features, ()):
            self._add(Side.EVENT, old.name, change, old.name)
        self._compare_types(Side.DATA, old.name, _pair(old.arg_type, new.arg_type))

    def _compare_types(self, side: Side, name: str, pair: Pair) -> None:
        """Compare all types that two reach, breadth first: the way to a change is the shortest."""
        waiting: deque[tuple[Where, Pair]] = deque([((), pair)])
        seen = {pair}
        while waiting:
            where, pair = waiting.popleft()
            found = self._types.look(pair)
            self._effort.spend(len(found.changes) + len(found.steps))
            for change in found.changes:
                self._add(side, pair, change, name, where)
            for step in found.steps:
                if step.pair not in seen:
                    seen.add(step.pair)
                    waiting.append((where + step.where, step.pair))

    def _add(
        self, side: Side, owner: Pair | str, change: TypeChange, name: str, where: Where = ()
    ) -> None:
        """Take a change in. where: the way to its owner"""
        key = _Key(side, owner, change)
        if key not in self._reached:
            self._reached[key] = _Reached(where + change.where, [])
        of = self._reached[key].of
        if not of or of[-1] != name:
            of.append(name)


def _pair(old: str, new: str) -> Pair:
    """Return the names of two types; one that is not named is an object without members."""
    return old or None, new or None


def diff_schemas(old: Schema, new: Schema, names: Iterable[str] = ()) -> list[Change]:
    """Return what differs. names: as in SchemaDiff"""
    return SchemaDiff(old, new, names).changes()
