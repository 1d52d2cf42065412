"""`.tree qom`: the objects of QEMU's object model below a path.

HMP `info qom-tree` has them all in one reply; where there is no human monitor they are listed level
by level, as far as the time allows. Pure. Source: QEMU 7.2 and 10.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_str, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.hmp import hmp_command, hmp_text
from qmpsh.shell.overview.replies import known
from qmpsh.shell.trees.node import (
    MAX_NODES,
    UNREADABLE,
    Forest,
    Questions,
    TreeNode,
    TreeRequest,
    more,
    nested,
)

NO_OBJECT = "no object {path}"
NO_QOM = "no objects: this server has neither a human monitor nor qom-list"

HIDDEN: Final = "memory-region"
"""The type of most objects; they are shown with `-a` alone."""

_LINE: Final = re.compile(r"( *)/(.*) \(([^()]*)\)")
_NO_PATH: Final = re.compile(r"Path '.*' (?:could not be resolved|is ambiguous).*")
_CHILD: Final = "child<"


class QomObject(NamedTuple):
    """An object of the tree. depth: of its line; kind: its type"""

    depth: int
    name: str
    kind: str


def ask_qom(request: TreeRequest) -> Questions:
    """Ask for the objects below a path. Raises LineFailed for a path that is not there."""
    path = request.at or "/"
    (text,) = (yield [qom_tree_query(path)]).values
    if text is None:
        return (yield from _walk(path, request))
    said = hmp_text(text) or ""
    objects = read_qom_tree(said)
    if not objects and _NO_PATH.fullmatch(said.strip()):
        raise LineFailed(NO_OBJECT.format(path=path))
    if not objects:
        return Forest((), (UNREADABLE,), said)
    shown = _shown(objects, has_all=request.has_all)
    paths = _paths(shown, path)
    return Forest(
        nested((item.depth, _node(item, at)) for item, at in zip(shown, paths, strict=True))
    )


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


def _node(item: QomObject, path: str) -> TreeNode:
    facts: JsonObject = {"type": "object", "name": item.name, "kind": item.kind, "path": path}
    name = item.name if item.depth else path
    return TreeNode("", name, (item.kind,), facts=known(facts))


def _walk(path: str, request: TreeRequest) -> Questions:
    """List the objects level by level, as deep as they are shown, and as far as the time allows."""
    asked = yield [_listing(path), Command("qom-get", {"path": path, "property": "type"})]
    if not isinstance(asked.values[0], list):
        raise LineFailed(NO_OBJECT.format(path=path) if any(asked.errors) else NO_QOM)
    kind, below = as_str(asked.values[1]), {path: _children(asked.values[0], path, request)}
    level, unlisted = list(below[path]), 0
    for _ in range((request.depth or 1) - 1):
        if not level or len(below) > MAX_NODES:
            break
        asked = yield [_listing(parent) for parent in level]
        listed = dict(zip(level, asked.values, strict=True))
        below |= {at: _children(value, at, request) for at, value in listed.items()}
        level = [child for at in listed for child in below[at]]
        if asked.is_late:
            unlisted = sum(value is None for value in asked.values)
            break
    top = QomObject(0, path, kind)
    roots = nested(_in_order(top, path, below))
    return Forest((*roots, more(unlisted)) if unlisted else roots)


def _listing(path: str) -> Command:
    return Command("qom-list", {"path": path})


def _children(listed: Json, path: str, request: TreeRequest) -> dict[str, QomObject]:
    """Return the objects that a reply lists, by their paths."""
    found = {}
    for item in as_dicts(listed):
        name, kind = get_str(item, "name"), get_str(item, "type")
        inner = kind[len(_CHILD) : -1]
        if kind.startswith(_CHILD) and (request.has_all or inner != HIDDEN):
            at = f"{path.rstrip('/')}/{name}"
            found[at] = QomObject(1, name, inner)
    return found


def _in_order(
    top: QomObject, path: str, below: Mapping[str, Mapping[str, QomObject]]
) -> Iterator[tuple[int, TreeNode]]:
    """Yield the objects in the order of their lines, with their depths."""
    left = [(0, path, top)]
    while left:
        depth, at, item = left.pop()
        yield depth, _node(item._replace(depth=depth), at)
        left += [(depth + 1, *child) for child in reversed([*below.get(at, {}).items()])]
