"""The graph of block nodes, and its drawing as a tree: all of it, or one part with its users.

A node with several users is drawn whole below the first of them, and is one line below the others.
A server without the graph shows at least what is below what, by `children` (newer than QEMU 10.0)
or by the chains of images. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_dict, get_dicts, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.secrets.text import mask_text
from qmpsh.shell.overview.block import innermost_file
from qmpsh.shell.overview.replies import known, number
from qmpsh.shell.trees.node import ABOVE, MAX_DEPTH, MAX_NODES, TreeNode, more
from qmpsh.suggest import did_you_mean

NO_NAME = "no block node, device, export or job is called {name}{hint}"
USED_BY = "used by"
NOTHING = "nothing"
NO_MEDIUM = "(no medium)"

_KINDS: Final = ("device", "export", "job", "backend", "node")
"""What keys begin with, in the order in which the roots are drawn."""
_TYPES: Final = {"block-driver": "node", "block-job": "job", "block-backend": "device"}
"""The types of the graph, and how the keys of each begin."""
_UNSAID: Final = frozenset({"", "root", "file"})
"""Names of edges that go without saying."""


class Edge(NamedTuple):
    """That one part of the graph uses another. name: as what"""

    parent: str
    child: str
    name: str = ""


class BlockGraph(NamedTuple):
    """What is known of the block layer, by keys: `node disk0`, `device vda`, `job m0`.

    parts: all of it, each without what is below; edges: those of one parent in the server's order
    """

    parts: Mapping[str, TreeNode]
    edges: tuple[Edge, ...]


# -------------------------------------------------------------------- as the server shows it


def shown_graph(graph: Json, exports: Json, parts: Mapping[str, TreeNode]) -> BlockGraph:
    """Return the graph that the server shows. parts: what is known of them from elsewhere

    An export has a backend without a name, which it stands for; those of jobs say nothing either.
    """
    keys: dict[int, str] = {}
    found: dict[str, TreeNode] = {}
    for id, item in sorted(_numbered(graph), key=lambda pair: pair[0]):
        key = keys[id] = _key(id, item)
        found[key] = parts.get(key) or _part(key)
    edges = [
        Edge(keys[parent], keys[child], get_str(edge, "name"))
        for edge in get_dicts(graph, "edges")[:MAX_NODES]
        if (parent := number(edge, "parent")) in keys and (child := number(edge, "child")) in keys
    ]
    users = [
        Edge(f"export {get_str(item, 'id')}", f"node {get_str(item, 'node-name')}")
        for item in as_dicts(exports)
    ]
    has_root = {
        edge.child for edge in (*edges, *users) if edge.parent.startswith(("job ", "export "))
    }
    silent = {
        edge.parent for edge in edges if edge.child in has_root and _kind(edge.parent) == "backend"
    }
    kept = [edge for edge in edges if edge.parent not in silent]
    shown = {key: part for key, part in found.items() if key not in silent}
    return BlockGraph({**parts, **shown}, (*kept, *users))


def _numbered(graph: Json) -> Iterator[tuple[int, JsonObject]]:
    for item in get_dicts(graph, "nodes")[:MAX_NODES]:
        id = number(item, "id")
        if id is not None:
            yield id, item


def _key(id: int, item: JsonObject) -> str:
    kind, name = _TYPES.get(get_str(item, "type"), "node"), get_str(item, "name")
    if kind != "device":
        return f"{kind} {name}"
    return f"device {device_name(name)}" if name else f"backend {id}"


def _part(key: str) -> TreeNode:
    """Return a part of which the graph alone says something."""
    kind, name = _kind(key), key.partition(" ")[2]
    label = {"backend": "unnamed backend", "node": ""}.get(kind, kind)
    name = "" if kind == "backend" else name
    return TreeNode(label, name, facts=known({"type": kind, "name": name}))


def device_name(name: str) -> str:
    """Return a device as it was called when it was added: backends are called by QOM paths."""
    return name.removesuffix("/virtio-backend").removeprefix("/machine/peripheral/")


# -------------------------------------------------------------------- as its nodes show it


def chained_graph(nodes: Json, devices: Json, parts: Mapping[str, TreeNode]) -> BlockGraph:
    """Return as much of the graph as the nodes and devices show. parts: the nodes"""
    found = dict(parts)
    edges = [
        Edge(f"node {get_str(item, 'node-name')}", f"node {get_str(child, 'node-name')}", name)
        for item in as_dicts(nodes)[:MAX_NODES]
        for child in get_dicts(item, "children")
        if (name := get_str(child, "child"))
    ]
    parents = {edge.parent for edge in edges}
    keys = {(part.about[:1], part.path): key for key, part in parts.items() if part.path}
    for item in as_dicts(devices)[:MAX_NODES]:
        inserted = get_dict(item, "inserted")
        name = device_name(get_str(item, "qdev")) or get_str(item, "device")
        found[f"device {name}"] = _part(f"device {name}")
        if inserted:
            key = f"node {get_str(inserted, 'node-name')}"
            edges.append(Edge(f"device {name}", key))
            if key not in parents:
                chain = [*_images(get_dict(inserted, "image"), key, keys, found)]
                parents |= {edge.parent for edge in chain}
                edges += chain
    return BlockGraph(found, tuple(edges))


def _images(
    image: JsonObject,
    key: str,
    keys: dict[tuple[tuple[str, ...], str], str],
    parts: dict[str, TreeNode],
) -> Iterator[Edge]:
    """Yield the edges down a chain of images. key: of the first one's node

    keys: of the parts by driver and file; what is not there is added to them and to the parts
    The image of a filter has the same file once more.
    """
    file = innermost_file(get_str(image, "filename"))
    for _ in range(MAX_DEPTH):
        image = get_dict(image, "backing-image")
        if not image:
            return
        below = innermost_file(get_str(image, "filename"))
        if below != file:
            path, driver = mask_text(below), get_str(image, "format")
            about = tuple(filter(None, (driver,)))
            child = keys.get((about, path))
            if child is None:
                child = keys[about, path] = f"image {path}"
                facts = known({"type": "node", "driver": driver, "file": path})
                parts[child] = TreeNode("", "", about, path, "", facts)
            yield Edge(key, child, "backing")
            key, file = child, below


# -------------------------------------------------------------------- the drawing


def draw_all(graph: BlockGraph, rest: str) -> tuple[TreeNode, ...]:
    """Return devices, exports and jobs with what they use, and the nodes that none of them uses.

    rest: what these are
    """
    drawing = _GraphDrawing(graph.parts, ((edge.parent, edge.child, edge) for edge in graph.edges))
    used = {edge.child for edge in graph.edges}
    for kind in _KINDS:
        for key in [key for key in graph.parts if _kind(key) == kind and key not in used]:
            drawing.add_root(key, rest if kind == "node" else "")
    for key in graph.parts:  # of a circle, which no server has, nothing is at the top
        drawing.add_root(key, "")
    return tuple(drawing.roots)


def draw_one(graph: BlockGraph, name: str) -> tuple[TreeNode, ...]:
    """Return one part with what it uses, and who uses it. Raises LineFailed for an unknown name."""
    key = next((found for kind in _KINDS if (found := f"{kind} {name}") in graph.parts), None)
    if key is None:
        names = [part.name for part in graph.parts.values() if part.name]
        raise LineFailed(NO_NAME.format(name=name, hint=did_you_mean(name, names)))
    down = _GraphDrawing(graph.parts, ((edge.parent, edge.child, edge) for edge in graph.edges))
    down.add_root(key, "")
    up = _GraphDrawing(
        graph.parts, ((edge.child, edge.parent, edge) for edge in graph.edges), up=True
    )
    up.add_root(key, "")
    users = up.roots[0].below
    facts: JsonObject = {"type": "used-by", "name": name}
    user = TreeNode(USED_BY, "" if users else NOTHING, facts=facts, below=users)
    return (*down.roots, user)


class _GraphDrawing:
    """The drawing of a graph, root by root; what was drawn is only named afterwards.

    links: from which key to which, and the edge; up: they lead to the users
    """

    def __init__(
        self,
        parts: Mapping[str, TreeNode],
        links: Iterable[tuple[str, str, Edge]],
        *,
        up: bool = False,
    ) -> None:
        self.roots: list[TreeNode] = []
        self._parts = parts
        self._is_up = up
        self._drawn: set[str] = set()
        self._links: dict[str, list[tuple[str, Edge]]] = defaultdict(list)
        for begin, end, edge in links:
            self._links[begin].append((end, edge))

    def add_root(self, key: str, label: str) -> None:
        """Draw a part with all below it, unless it was drawn. label: in place of its own"""
        if key not in self._drawn:
            node = self._draw(key, 0)
            facts: JsonObject = {**node.facts, "type": label} if label else node.facts
            self.roots.append(node._replace(label=label or node.label, facts=facts))

    def _draw(self, key: str, depth: int) -> TreeNode:
        part, links = self._parts.get(key) or _part(key), self._links.get(key, ())
        part = part if not links or self._is_up else part._replace(path="")
        if key in self._drawn:
            return part._replace(mark=ABOVE, facts={**part.facts, "above": True})
        self._drawn.add(key)
        if not links:
            mark = NO_MEDIUM if _kind(key) == "device" and not self._is_up else ""
            return part._replace(mark=mark)
        if depth == MAX_DEPTH:
            return part._replace(below=(more(self._leave_out(key)),))
        ordered = sorted(links, key=lambda link: link[1].name == "backing")
        below = tuple(self._named(self._draw(end, depth + 1), edge) for end, edge in ordered)
        return part._replace(below=below)

    def _leave_out(self, key: str) -> int:
        """Count all that is below a part as drawn; return how much that is."""
        left, count = [key], 0
        while left:
            below = {end for end, _ in self._links.get(left.pop(), ())} - self._drawn
            self._drawn |= below
            left += below
            count += len(below)
        return count

    def _named(self, node: TreeNode, edge: Edge) -> TreeNode:
        """Return a node as what it is to the one above it."""
        facts: JsonObject = {**node.facts, **known({"edge": edge.name})}
        if edge.name in _UNSAID:
            return node._replace(facts=facts)
        label = f"{edge.name} of {node.label}".rstrip() if self._is_up else f"{edge.name}:"
        return node._replace(label=label, facts=facts)


def _kind(key: str) -> str:
    return key.partition(" ")[0]
