"""A tree of many block nodes: from the values of the replies to the lines of a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.prompt import COLUMNS
from benchmarks.table import Row, Unit
from benchmarks.timing import medians
from qmpsh.jsontypes import Json
from qmpsh.render.theme import UNICODE
from qmpsh.render.trees import tree_lines
from qmpsh.shell.trees.block import ask_block
from qmpsh.shell.trees.node import AskedRound, TreeRequest

NODES = 200
CHAIN = 10  # images
ROUNDS = 40
BOUND = 0.020  # seconds


def rows(bench: Bench) -> Iterator[Row]:
    """A drawing of 200 nodes in chains of ten."""
    values = block_replies()
    (drawing,) = medians([lambda: seconds(values)], ROUNDS)
    what = f".tree block of {NODES} nodes"
    yield Row(what, Unit.MILLISECONDS, drawing, "the bound", BOUND, goal=1.0)


def seconds(values: list[Json]) -> float:
    """How long it takes to make the tree of the values, and its lines."""
    start = time.perf_counter()
    questions = ask_block(TreeRequest())
    next(questions)
    try:
        questions.send(AskedRound(values))
    except StopIteration as end:
        tree_lines(end.value.roots, COLUMNS, UNICODE)
    return time.perf_counter() - start


def block_replies() -> list[Json]:
    """What a server answers that has a chain of images for each tenth node."""
    nodes: list[Json] = []
    edges: list[Json] = []
    named: list[Json] = []
    for at in range(NODES):
        name, file = f"node{at}", f"/var/lib/images/disk-{at}.qcow2"
        nodes.append({"id": at, "name": name, "type": "block-driver"})
        image: Json = {"virtual-size": 1 << 30, "actual-size": 1 << 20, "filename": file}
        named.append(
            {"node-name": name, "drv": "qcow2", "ro": at % CHAIN > 0, "file": file, "image": image}
        )
        if at % CHAIN:
            edges.append({"parent": at - 1, "child": at, "name": "backing"})
        else:
            device: Json = {"id": NODES + at, "name": f"disk{at}", "type": "block-backend"}
            nodes.append(device)
            edges.append({"parent": NODES + at, "child": at, "name": "root"})
    return [{"nodes": nodes, "edges": edges}, named, [], [], []]
