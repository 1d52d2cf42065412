"""The figure of docs/dev/architecture.md: which folder imports which, drawn from the source."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "qmpsh"

ORDER = (
    *("cli", "batch", "ui", "render", "shell", "complete", "schema", "client", "system"),
    *("secrets", "language", "display", "protocol"),
)
"""The folders, each above all that it imports."""

LEAVES = "modules"
"""The name of the last column: the modules beside the folders."""

WIDTH = 9


def draw() -> str:
    """Return the figure: a row for each folder, with a mark below each folder that it imports.

    Imports lead to the right only, so that there is no circle.
    """
    names = [*ORDER, LEAVES]
    rows = [" " * WIDTH + "".join(f"{name:>{WIDTH}}" for name in names[1:])]
    for index, name in enumerate(names[:-1]):
        imports = set().union(*map(imported, modules_of(name)))
        marks = ["x" if is_in(other, imports) else "." for other in names[index + 1 :]]
        left = f"{name:<{WIDTH}}{' ' * WIDTH * index}"
        rows.append(left + "".join(f"{mark:>{WIDTH}}" for mark in marks))
    return "\n".join(rows) + "\n"


def modules_of(name: str) -> list[Path]:
    """Return the modules of a folder, or for LEAVES those beside the folders."""
    if name != LEAVES:
        return sorted((PACKAGE / name).rglob("*.py"))
    return sorted(path for path in PACKAGE.glob("*.py") if path.name not in BESIDE)


BESIDE = {"__init__.py", "__main__.py", "usage.py", "api.py", "testing.py", "pytest_plugin.py"}
"""The modules that are not drawn: entry points, which import the folders; the texts of --help."""


def imported(path: Path) -> set[str]:
    """Return the folders and top-level modules that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("qmpsh."):
            found.add(node.module.split(".")[1])
    return found


def is_in(other: str, imports: set[str]) -> bool:
    """Whether a folder, or for LEAVES any of the top-level modules, is among the imports."""
    return other in imports or (
        other == LEAVES and any(path.stem in imports for path in modules_of(LEAVES))
    )
