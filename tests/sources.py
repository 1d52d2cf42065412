"""The sources of the package as syntax trees, parsed once for all tests of a process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.qemu import ROOT

PACKAGE = ROOT / "qmpsh"


@cache
def trees() -> dict[Path, ast.Module]:
    """The tree of each module, in the order of their paths."""
    return {path: ast.parse(path.read_text(), str(path)) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def _walked() -> dict[Path, list[ast.AST]]:
    return {path: list(ast.walk(tree)) for path, tree in trees().items()}


def nodes(below: Path = PACKAGE) -> Iterator[tuple[Path, ast.AST]]:
    """All nodes, each with its module. below: the folder of the modules"""
    for path, walked in _walked().items():
        if path.is_relative_to(below):
            yield from ((path, node) for node in walked)
