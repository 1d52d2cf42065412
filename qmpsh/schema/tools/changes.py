"""What may differ between two schemas, and what of it breaks a client."""

from __future__ import annotations

from typing import Final

from qmpsh.jsontypes import JsonObject
from qmpsh.light_typing import Enum, NamedTuple

Where = tuple[str, ...]
"""The way to a member from its command or event: names, ELEMENT, and BRANCH of a union."""

ELEMENT: Final = "[]"
"""the step from an array to its elements"""
BRANCH: Final = "[{tag}={value}]"
"""the step from a union to the members of a branch"""


class Side(Enum):
    """The part of a command or event in which something has changed."""

    WHOLE = "command"
    EVENT = "event"
    ARGUMENTS = "arguments"
    ANSWER = "answer"
    DATA = "data"

    @property
    def is_read(self) -> bool:
        """Whether it is what the server sends, and a client reads."""
        return self in (Side.ANSWER, Side.DATA)


class ChangeKind(Enum):
    """One kind of difference."""

    COMMAND_REMOVED = "command-removed"
    COMMAND_ADDED = "command-added"
    EVENT_REMOVED = "event-removed"
    EVENT_ADDED = "event-added"
    MEMBER_REMOVED = "member-removed"
    MEMBER_MOVED = "member-moved"
    MEMBER_ADDED = "member-added"
    REQUIRED_ADDED = "required-member-added"
    VALUE_REMOVED = "value-removed"
    VALUE_ADDED = "value-added"
    BRANCH_REMOVED = "branch-removed"
    BRANCH_ADDED = "branch-added"
    NOW_REQUIRED = "now-required"
    NOW_OPTIONAL = "now-optional"
    TYPE_NARROWED = "type-narrowed"
    TYPE_WIDENED = "type-widened"
    TYPE_CHANGED = "type-changed"
    FEATURE_REMOVED = "feature-removed"
    FEATURE_ADDED = "feature-added"
    DEPRECATED = "deprecated"
    MARK_REMOVED = "mark-removed"
    OOB_REMOVED = "oob-removed"
    OOB_ADDED = "oob-added"


BREAKS_SENT: Final = frozenset(
    {
        ChangeKind.COMMAND_REMOVED,
        ChangeKind.EVENT_REMOVED,
        ChangeKind.MEMBER_REMOVED,
        ChangeKind.MEMBER_MOVED,
        ChangeKind.REQUIRED_ADDED,
        ChangeKind.VALUE_REMOVED,
        ChangeKind.BRANCH_REMOVED,
        ChangeKind.NOW_REQUIRED,
        ChangeKind.TYPE_NARROWED,
        ChangeKind.TYPE_CHANGED,
        ChangeKind.FEATURE_REMOVED,
        ChangeKind.OOB_REMOVED,
    }
)
"""What breaks a client that sends it."""
BREAKS_READ: Final = frozenset(
    {
        ChangeKind.MEMBER_REMOVED,
        ChangeKind.MEMBER_MOVED,
        ChangeKind.VALUE_REMOVED,
        ChangeKind.BRANCH_REMOVED,
        ChangeKind.NOW_OPTIONAL,
        ChangeKind.TYPE_WIDENED,
        ChangeKind.TYPE_CHANGED,
        ChangeKind.FEATURE_REMOVED,
    }
)
"""What breaks a client that reads it."""


class TypeChange(NamedTuple):
    """A difference between two types, wherever they are used.

    where: the way to it from the type
    name:  of the value, branch or feature; "" where the way ends at what has changed
    old, new: in words, where a type has changed; new: the branches that a member is in now
    """

    kind: ChangeKind
    where: Where
    name: str = ""
    old: str = ""
    new: str = ""


class Change(NamedTuple):
    """A difference between two schemas.

    where: the way to it in the first command of `of`
    of:    the commands or events that have it: they share the type
    name, old, new: as in TypeChange
    """

    kind: ChangeKind
    side: Side
    where: Where
    of: tuple[str, ...]
    name: str = ""
    old: str = ""
    new: str = ""

    @property
    def breaks(self) -> bool:
        """Whether a client that used what was there before may fail."""
        return self.kind in (BREAKS_READ if self.side.is_read else BREAKS_SENT)

    def as_json(self) -> JsonObject:
        """Return the change as a program reads it; what is empty is left out."""
        return {
            "kind": self.kind.value,
            "of": [*self.of],
            "in": self.side.value,
            **({"where": [*self.where]} if self.where else {}),
            **{
                key: text
                for key, text in (("name", self.name), ("old", self.old), ("new", self.new))
                if text
            },
            "breaks": self.breaks,
        }


def path_text(where: Where) -> str:
    """Return a way as one writes it: `a.b[].c`, `[driver=qcow2].file`."""
    text = ""
    for step in where:
        text += step if step.startswith("[") or not text else f".{step}"
    return text
