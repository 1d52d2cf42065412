"""`.tree qom`: the objects of QEMU's object model below a path.

HMP `info qom-tree` has them all in one reply; where there is no human monitor they are listed level
by level, as far as the time allows. Pure. Source: QEMU 7.2 and 10.0.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Final

from qmpsh.complete.buses import child_kind
from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_str, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.hmp import hmp_command, hmp_text
from qmpsh.shell.overview.replies import known
from qmpsh.shell.trees.node import (
    MAX_NODES,
    UNREADABLE,
    AskedRound,
    Forest,
    Questions,
    TreeNode,
    TreeRequest,
    more,
    nested,
)

NO_OBJECT = "no object {path}"
NONE_LISTED = "no objects"  # by a server that answers what it does not implement with nothing
NO_QOM = "no objects: this server has neither a human monitor nor qom-list"

HIDDEN: Final = "memory-region"
"""The type of most objects; they are shown with `-a` alone."""

_LINE: Final = re.compile(r"( *)/(.*) \(([^()]*)\)")
_NO_PATH: Final = re.compile(r"Path '.*' (?:could not be resolved|is ambiguous).*")


class QomObject(NamedTuple):
    """An object. depth: below the one that was asked for; kind: its type"""

    depth: int
    name: str
    kind: str
    path: str = ""


class FoundObjects(NamedTuple):
    """The objects below a path, each before those below it.

    unlisted: of how many there was no time to ask what is below
    text: what the server said where that could not be read; "" where it was
    """

    objects: Sequence[QomObject]
    unlisted: int = 0
    text: str = ""


ObjectQuestions = Generator[Sequence[Command], AskedRound, FoundObjects]


def ask_qom(request: TreeRequest) -> Questions:
    """Ask for the objects below a path. Raises LineFailed for a path that is not there."""
    found = yield from ask_objects(request.at or "/", depth=request.depth, has_all=request.has_all)
    if found.text:
        return Forest((), (UNREADABLE,), found.text)
    if not any(item.kind for item in found.objects):
        return Forest((), (NONE_LISTED,))
    roots = nested((item.depth, _node(item)) for item in found.objects)
    return Forest((*roots, more(found.unlisted)) if found.unlisted else roots)


def ask_objects(path: str, *, depth: int | None, has_all: bool) -> ObjectQuestions:
    """Ask for the objects below a path. depth: levels that are wanted, None for all

    has_all: those of the hidden type as well
    Raises LineFailed for a path that is not there.
    """
    (text,) = (yield [qom_tree_query(path)]).values
    if text is None:
        return (yield from _list_objects(path, depth, has_all=has_all))
    said = hmp_text(text) or ""
    objects = read_qom_tree(said)
    if not objects and _NO_PATH.fullmatch(said.strip()):
        raise LineFailed(NO_OBJECT.format(path=path))
    if not objects:
        return FoundObjects((), text=said)
    shown = _shown(objects, has_all=has_all)
    paths = _paths(shown, path)
    return FoundObjects([item._replace(path=at) for item, at in zip(shown, paths, strict=True)])


def qom_tree_query(path: str) -> Command:
    """Return the query for the objects below a path."""
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    return hmp_command(f'info qom-tree "{quoted}"')


def read_qom_tree(text: str) -> list[QomObject]:
    """Return the objects of `info qom-tree` in order; [] if a line of it reads otherwise."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    if len(found) < len(lines):
        return []
    return [QomObject(len(match[1]), match[2], match[3]) for match in found]


def _shown(objects: Sequence[QomObject], *, has_all: bool) -> list[QomObject]:
    """Return the objects without those of the hidden type, and without what is below these."""
    shown: list[QomObject] = []
    hidden: int | None = None
    for at, item in enumerate(objects):
        if hidden is not None and item.depth > hidden:
            continue
        hidden = item.depth if at and item.kind == HIDDEN and not has_all else None
        if hidden is None:
            shown.append(item)
    return shown


def _paths(objects: Iterable[QomObject], root: str) -> list[str]:
    """Return the path of each object. root: that of the first"""
    found: list[str] = []
    open_: list[tuple[int, str]] = []
    for item in objects:
        while open_ and open_[-1][0] >= item.depth:
            open_.pop()
        path = f"{open_[-1][1].rstrip('/')}/{item.name}" if open_ else root
        open_.append((item.depth, path))
        found.append(path)
    return found


def _node(item: QomObject) -> TreeNode:
    facts: JsonObject = {"type": "object", "name": item.name, "kind": item.kind, "path": item.path}
    name = item.name if item.depth else item.path
    return TreeNode("", name, tuple(filter(None, (item.kind,))), facts=known(facts))


def _list_objects(path: str, depth: int | None, *, has_all: bool) -> ObjectQuestions:
    """List the objects level by level, as deep as wanted, and as far as the time allows."""
    asked = yield [qom_listing(path), qom_value(path, "type")]
    if not isinstance(asked.values[0], list):
        raise LineFailed(NO_OBJECT.format(path=path) if any(asked.errors) else NO_QOM)
    name = path.rpartition("/")[2]
    top = QomObject(0, name, as_str(asked.values[1]), path)
    below = {path: _children(asked.values[0], top, has_all=has_all)}
    level, unlisted = below[path], 0
    while level and len(below) < MAX_NODES and (depth is None or level[0].depth < depth):
        asked = yield [qom_listing(parent.path) for parent in level]
        for parent, listed in zip(level, asked.values, strict=True):
            below[parent.path] = _children(listed, parent, has_all=has_all)
        if asked.is_late:
            unlisted = sum(value is None for value in asked.values)
            break
        level = [child for parent in level for child in below[parent.path]]
    return FoundObjects(_in_order(top, below), unlisted)


def qom_listing(path: str) -> Command:
    """Return the query for the properties of an object, its children among them."""
    return Command("qom-list", {"path": path})


def qom_value(path: str, name: str) -> Command:
    """Return the query for the value of a property."""
    return Command("qom-get", {"path": path, "property": name})


def _children(listed: Json, parent: QomObject, *, has_all: bool) -> list[QomObject]:
    """Return the objects that a reply lists."""
    found = []
    for item in as_dicts(listed):
        name, kind = get_str(item, "name"), child_kind(item)
        if kind and (has_all or kind != HIDDEN):
            path = f"{parent.path.rstrip('/')}/{name}"
            found.append(QomObject(parent.depth + 1, name, kind, path))
    return found


def _in_order(top: QomObject, below: Mapping[str, Sequence[QomObject]]) -> list[QomObject]:
    """Return the objects in the order of their lines."""
    left, found = [top], []
    while left:
        found.append(left.pop())
        left += reversed(below.get(found[-1].path, ()))
    return found
