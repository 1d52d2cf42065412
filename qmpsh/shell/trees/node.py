"""The nodes of every tree, and the order in which they are drawn. Pure.

The text of a node is not yet safe to show; the lines, their connectors and their width are made by
`render/trees.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Final

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.overview.rows import binary_size
from qmpsh.suggest import did_you_mean

MAX_DEPTH: Final = 200
"""levels of a tree; what is deeper is counted"""
MAX_NODES: Final = 10_000
"""nodes of a tree; what follows is counted"""

ABOVE: Final = "(above)"
"""The mark of a node that was drawn before, with all that is below it."""
MORE: Final = "… {} more"
FREE: Final = "(free)"
"""The mark of a port with nothing plugged in."""
UNREADABLE = "this could not be read as a tree: it is shown as it came"
NO_NODE = "nothing in this tree is called {name}{hint}"


class TreeNode(NamedTuple):
    """A node of a tree, with those below it.

    label: what it is to the one above, as `backing:`; what it is where nothing is above
    name:  "" where it has none; about: what else is said of it, in order
    path:  the last thing that is said of it, which loses its middle where there is no room
    mark:  our remark on the line itself
    facts: what `--json` says of it; below: the nodes below
    """

    label: str = ""
    name: str = ""
    about: tuple[str, ...] = ()
    path: str = ""
    mark: str = ""
    facts: JsonObject = {}  # noqa: RUF012 - of a NamedTuple, and never written to
    below: tuple[TreeNode, ...] = ()


class AskedRound(NamedTuple):
    """What came back of one round of questions.

    values: of the replies in order, None for a refusal and where nothing was asked
    errors: what the server said of each refusal, "" for none
    is_late: the time was over before all were answered
    """

    values: list[Json]
    errors: list[str] = []  # noqa: RUF012 - of a NamedTuple, and never written to
    is_late: bool = False


class Forest(NamedTuple):
    """What was found of a kind of tree.

    notes: what there is to say beside it: of nothing found, or of what could not be found out
    text:  what the server said where that could not be read; "" where it was
    """

    roots: tuple[TreeNode, ...]
    notes: tuple[str, ...] = ()
    text: str = ""


class TreeRequest(NamedTuple):
    """What a line wants to see.

    at: a node or a path, "" for the whole; depth: levels, None for as many as is usual
    has_details, has_all: with `-l`, with `-a`
    """

    at: str = ""
    depth: int | None = None
    has_details: bool = False
    has_all: bool = False


Questions = Generator[Sequence[Command], AskedRound, Forest]
"""The rounds of questions that a tree takes, to its forest: each round is asked as a whole."""


def walk(roots: Iterable[TreeNode]) -> Iterator[tuple[tuple[bool, ...], TreeNode]]:
    """Yield the nodes in the order of their lines, each with a flag for each level from the second
    on: whether the node of that level above it, at last itself, is the last of its siblings.
    """
    left: list[tuple[tuple[bool, ...], TreeNode]] = [((), root) for root in reversed(list(roots))]
    while left:
        place, node = left.pop()
        yield place, node
        last = len(node.below) - 1
        for at in range(last, -1, -1):
            left.append(((*place, at == last), node.below[at]))


def more(count: int) -> TreeNode:
    """Return the line that stands for nodes that are not shown."""
    return TreeNode(name=MORE.format(f"{count:,}"), facts={"more": count})


def cut(roots: Iterable[TreeNode], depth: int) -> tuple[TreeNode, ...]:
    """Return the tree with so many levels below each root; what is deeper is counted."""
    return tuple(_cut(root, depth) for root in roots)


def _cut(node: TreeNode, depth: int) -> TreeNode:
    if depth > 0:
        return node._replace(below=tuple(_cut(below, depth - 1) for below in node.below))
    count = sum(1 for _ in walk(node.below))
    return node._replace(below=(more(count),)) if count else node


def nested(items: Iterable[tuple[int, TreeNode]]) -> tuple[TreeNode, ...]:
    """Return the tree of nodes in the order of their lines, each with its depth: what is deeper
    than the one before is below it. Steps of any size will do.

    What is too deep, or comes after too many, is counted.
    """
    roots: list[TreeNode] = []
    open_: list[_OpenNode] = []

    def close(depth: int) -> None:
        while open_ and open_[-1].depth >= depth:
            node = open_.pop().closed()
            (open_[-1].below if open_ else roots).append(node)

    surplus = 0
    for at, (depth, node) in enumerate(items):
        close(depth)
        if at >= MAX_NODES:
            surplus += 1
        elif len(open_) > MAX_DEPTH:
            open_[-1].surplus += 1
        else:
            open_.append(_OpenNode(depth, node))
    close(-1)
    return tuple([*roots, more(surplus)] if surplus else roots)


class _OpenNode:
    """A node of which more may follow. below: so far; surplus: what is too deep to be there"""

    def __init__(self, depth: int, node: TreeNode) -> None:
        self.depth = depth
        self.below: list[TreeNode] = []
        self.surplus = 0
        self._node = node

    def closed(self) -> TreeNode:
        """Return the node with all that is below it."""
        if self.surplus:
            self.below.append(more(self.surplus))
        return self._node._replace(below=tuple(self.below)) if self.below else self._node


def below_name(roots: tuple[TreeNode, ...], name: str) -> tuple[TreeNode, ...]:
    """Return the nodes of a name or an address with what is below them; all roots for "".

    Raises LineFailed where there is none.
    """
    if not name:
        return roots
    nodes = [node for _, node in walk(roots)]
    found = tuple(
        node
        for node in nodes
        if name in (node.name, node.label) and node.facts.get("type") != "property"
    )
    if not found:
        names = dict.fromkeys(node.name for node in nodes if node.name)
        raise LineFailed(NO_NODE.format(name=name, hint=did_you_mean(name, names)))
    return found


def short_size(count: int) -> str:
    """Return a size as QEMU's tools write it: `1G`, `192.5K`, `512B`."""
    return binary_size(count).replace(" ", "").replace("iB", "")


def plain_text(roots: Iterable[TreeNode]) -> str:
    """Return the tree with nothing left out: for a file, a pipe and the log."""
    return "\n".join(
        _one_line(connectors(place, "│  ", "├─ ", "└─ ") + text_of(node))
        for place, node in walk(roots)
    )


def connectors(place: Sequence[bool], stem: str, branch: str, last: str) -> str:
    """Return what stands before a node. place: as `walk` gives it"""
    if not place:
        return ""
    blank = " " * len(stem)
    above = "".join(blank if is_last else stem for is_last in place[:-1])
    return above + (last if place[-1] else branch)


def text_of(node: TreeNode) -> str:
    """Return all that is said of a node."""
    head = f"{node.label} {node.name}".strip()
    return "  ".join(filter(None, (head, *node.about, node.path, node.mark)))


def tree_json(roots: Iterable[TreeNode]) -> list[Json]:
    """Return the facts of the nodes; what is below one is its member `children`."""
    found: list[Json] = []
    # Without recursion: a tree may be deeper than Python's stack.
    left = [(root, found) for root in reversed(list(roots))]
    while left:
        node, siblings = left.pop()
        members = dict(node.facts)
        siblings.append(members)
        if node.below:
            children: list[Json] = []
            members["children"] = children
            left += [(below, children) for below in reversed(node.below)]
    return found


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
