"""What a command or an event looks like, in plain text: for `.help`.

blockdev-backup  (command)
  device*      str
  sync*        top | full | none | incremental | bitmap
  job-id       str
returns nothing
* must be given
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from qmpsh.schema.model import CommandInfo, EventInfo, Member, ObjectType, Schema
from qmpsh.schema.walk import object_of, unfold
from qmpsh.schema.words import type_words

_MARKS = {"deprecated": "deprecated", "unstable": "unstable"}
_LEAST = 24
"""columns that a text needs beside its head"""
_BELOW = 6
"""indent of a text below its head"""
_STAR = "* must be given"
ALL = 1000
"""how many words of an enum are shown: in effect, all"""


def command_signature(
    schema: Schema, info: CommandInfo, tags: Mapping[str, str], width: int
) -> list[str]:
    """Return the lines of a command's signature.

    tags:  of unions, as in `.help blockdev-add driver=qcow2`; they add their branch's members
    width: most columns of a line
    """
    marks = [_MARKS[feature] for feature in info.features if feature in _MARKS]
    if info.oob:
        marks.append("out-of-band")
    kind = schema.arguments(info.name)
    members = _members(schema, kind, tags, width) if kind is not None else []
    returns = type_words(schema, info.ret_type, ALL)
    nothing = returns == "{}"
    return [
        _title(info.name, "command", marks),
        *members,
        *(["returns nothing"] if nothing else hanging("returns ", returns, width)),
        *([_STAR] if kind is not None and _is_starred(schema, kind, tags) else []),
    ]


def event_signature(schema: Schema, info: EventInfo, width: int) -> list[str]:
    """Return the lines of an event's signature: its data."""
    marks = [_MARKS[feature] for feature in info.features if feature in _MARKS]
    kind = object_of(schema, schema.type(info.arg_type))
    members = _members(schema, kind, {}, width) if kind is not None else []
    return [_title(info.name, "event", marks), *members]


def _title(name: str, kind: str, marks: list[str]) -> str:
    return f"{name}  ({', '.join([kind, *marks])})"


def _members(schema: Schema, kind: ObjectType, tags: Mapping[str, str], width: int) -> list[str]:
    unfolded = unfold(schema, kind, tags.get)
    members = sorted(unfolded.members, key=lambda member: member.optional)
    names = [f"{member.name}{'' if member.optional else '*'}" for member in members]
    longest = max(map(len, names), default=0)
    lines = []
    for name, member in zip(names, members, strict=True):
        lines += hanging(f"  {name:<{longest}}  ", _described(schema, member), width)
    if unfolded.undecided is not None:
        tag = unfolded.undecided.tag
        lines.append(f"  ... and the members that {tag} selects: name it, {tag}=VALUE")
    return lines


def _is_starred(schema: Schema, kind: ObjectType, tags: Mapping[str, str]) -> bool:
    return not all(member.optional for member in unfold(schema, kind, tags.get).members)


def hanging(head: str, text: str, width: int) -> list[str]:
    """Return the text after its head, wrapped with a hanging indent; below it if room is short."""
    is_beside = len(head) + _LEAST <= width
    indent = " " * (len(head) if is_beside else _BELOW)
    lines = textwrap.wrap(
        text,
        max(width, _LEAST),
        initial_indent=head if is_beside else indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return lines if is_beside else [head.rstrip(), *lines]


def _described(schema: Schema, member: Member) -> str:
    marks = [_MARKS[feature] for feature in member.features if feature in _MARKS]
    words = type_words(schema, member.type, ALL)
    return f"{words}  ({', '.join(marks)})" if marks else words
