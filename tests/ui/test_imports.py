"""The two front ends share `ui/common` and know nothing of each other."""

from __future__ import annotations

import ast

import pytest

from tests.sources import PACKAGE, nodes


def imported(folder: str) -> set[str]:
    """Return the modules that the modules of a folder import from."""
    found = (node for _, node in nodes(PACKAGE / "ui" / folder))
    return {node.module or "" for node in found if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    "folder, others", [("line", ["screen"]), ("screen", ["line"]), ("common", ["line", "screen"])]
)
def test_no_front_end_imports_another(folder: str, others: list[str]) -> None:
    found = imported(folder)
    assert found
    assert [name for name in found if name.startswith(tuple(f"qmpsh.ui.{o}" for o in others))] == []
