"""`.tree block`: what the parts of the block layer are; how they hang together is `graph`'s. Pure.

Source: QEMU 7.2 and 10.0; docs/dev/wire.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_dict, get_dicts, get_str
from qmpsh.protocol.messages import Command
from qmpsh.secrets.text import mask_text
from qmpsh.shell.overview.block import innermost_file
from qmpsh.shell.overview.replies import flag, known, number
from qmpsh.shell.trees.graph import chained_graph, draw_all, draw_one, shown_graph
from qmpsh.shell.trees.node import Forest, Questions, TreeNode, TreeRequest, short_size

WITHOUT_GRAPH = "without jobs and edges: this server does not show its block graph"
NO_NODES = "no block nodes"
NO_QUERY = "no block nodes: this server does not list them (query-named-block-nodes)"

_QUERIES: Final = (
    Command("x-debug-query-block-graph"),
    Command("query-named-block-nodes", {"flat": True}),
    Command("query-jobs"),
    Command("query-block-exports"),
    Command("query-block"),
)


def ask_block(request: TreeRequest) -> Questions:
    """Ask for the graph, and for what its parts are.

    Raises LineFailed for an unknown name, and where no nodes are listed.
    """
    graph, nodes, jobs, exports, devices = (yield _QUERIES).values
    if graph is None and nodes is None and devices is None:
        raise LineFailed(NO_QUERY)
    parts = dict(_nodes(nodes, has_details=request.has_details))
    if isinstance(graph, dict):
        parts |= dict([*_exports(exports, has_details=request.has_details), *_jobs(jobs)])
        found, rest, notes = shown_graph(graph, exports, parts), "unused", []
    else:
        found, rest, notes = chained_graph(nodes, devices, parts), "node", [WITHOUT_GRAPH]
    roots = draw_one(found, request.at) if request.at else draw_all(found, rest)
    return Forest(roots, tuple(notes) if roots else (NO_NODES,))


def _exports(exports: Json, *, has_details: bool) -> Iterator[tuple[str, TreeNode]]:
    for item in as_dicts(exports):
        name, kind = get_str(item, "id"), get_str(item, "type")
        facts = known({"type": "export", "name": name, "kind": kind})
        yield (
            f"export {name}",
            TreeNode("export", name, (kind,) if has_details else (), "", "", facts),
        )


def _jobs(jobs: Json) -> Iterator[tuple[str, TreeNode]]:
    for item in as_dicts(jobs):
        name, kind, status = (get_str(item, key) for key in ("id", "type", "status"))
        done, total = number(item, "current-progress"), number(item, "total-progress")
        progress = min(1.0, done / total) if done is not None and total else None
        share = "" if progress is None else f"{int(progress * 100)}%"
        facts: JsonObject = {"type": "job", "name": name, "kind": kind, "status": status}
        facts |= {} if progress is None else {"progress": round(progress, 4)}
        said = " ".join(filter(None, (kind, status, share)))
        yield f"job {name}", TreeNode("job", name, (said,), facts=known(facts))


def _nodes(nodes: Json, *, has_details: bool) -> Iterator[tuple[str, TreeNode]]:
    for item in as_dicts(nodes):
        name = get_str(item, "node-name")
        details = tuple(_details(item)) if has_details else ()
        yield f"node {name}", _node(item, name, details)


def _node(item: JsonObject, name: str, details: tuple[str, ...]) -> TreeNode:
    size, is_fixed = number(get_dict(item, "image"), "virtual-size"), flag(item, "ro")
    driver, file = get_str(item, "drv"), innermost_file(get_str(item, "file"))
    path = "" if file.startswith("json:") else mask_text(file)
    about = (driver, "" if size is None else short_size(size), "ro" if is_fixed else "", *details)
    facts: JsonObject = {"type": "node", "name": name, "driver": driver, "size": size}
    facts |= {"read-only": is_fixed, "file": path}
    return TreeNode("", name, tuple(filter(None, about)), path, facts=known(facts))


def _details(item: JsonObject) -> Iterator[str]:
    used = number(get_dict(item, "image"), "actual-size")
    if used is not None:
        yield f"{short_size(used)} on disk"
    if flag(item, "encrypted"):
        yield "encrypted"
    if flag(item, "active") is False:
        yield "inactive"
    zeroes = get_str(item, "detect_zeroes")
    if zeroes not in ("", "off"):
        yield f"detect-zeroes={zeroes}"
    for bitmap in get_dicts(item, "dirty-bitmaps"):
        name = get_str(bitmap, "name")
        if name:  # those of a job have none
            yield f"bitmap {name}"
