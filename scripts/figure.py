"""The figure of docs/architecture.md: which folder imports which, drawn from the source."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "qmpsh"

ORDER = (
    *("cli", "batch", "ui", "render", "shell", "complete", "schema", "client", "system"),
    *("secrets", "language", "protocol"),
)
"""The folders, each above all that it imports."""

LEAVES = "modules"
"""The name of the last row: the modules beside the folders."""


def draw() -> str:
    """Return the figure: a row for each folder, a column for each that it imports.

    A number says how many modules of the row import the column. Imports lead to the right only, so
    that there is no circle.
    """
    names = [*ORDER, LEAVES]
    width = max(map(len, names))
    head = " " * (width + 15) + "".join(f"{name[:8]:>9}" for name in names[1:])
    rows = [head]
    for index, name in enumerate(names):
        modules = modules_of(name)
        lines = sum(len(path.read_text().splitlines()) for path in modules)
        cells = "".join(f"{_importers(modules, other) or '.':>9}" for other in names[index + 1 :])
        rows.append(
            f"{name:<{width}}{len(modules):>4}{lines:>8,}   {' ' * 9 * index}{cells}".rstrip()
        )
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


def _importers(modules: list[Path], other: str) -> int:
    """Return how many of the modules import a folder, or any of the top-level modules."""
    wanted = {path.stem for path in modules_of(other)} if other == LEAVES else {other}
    return sum(1 for path in modules if imported(path) & wanted)
