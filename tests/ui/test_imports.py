"""The two front ends share `ui/common` and know nothing of each other."""

from __future__ import annotations

import ast

import pytest

from tests.qemu import ROOT


def imported(folder: str) -> set[str]:
    """Return the modules that the modules of a folder import from."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "qmpsh" / "ui" / folder).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    "folder, others", [("line", ["screen"]), ("screen", ["line"]), ("common", ["line", "screen"])]
)
def test_no_front_end_imports_another(folder: str, others: list[str]) -> None:
    found = imported(folder)
    assert found
    assert [name for name in found if name.startswith(tuple(f"qmpsh.ui.{o}" for o in others))] == []
