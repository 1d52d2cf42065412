"""Who may import whom: the table "Folders and modules" of docs/dev/architecture.md, and the source.

The exact list of modules that a one-shot loads is here as well.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import pytest

from tests.qemu import ROOT, Vm
from tests.sources import trees
from tests.waiting import PATIENCE

PACKAGE = "qmpsh"

# ---------------------------------------------------------------------------- the table

PAGE = ROOT / "docs" / "dev" / "architecture.md"


class Row(NamedTuple):
    """down_to: the room up to which all that stands above may be imported, "" for none; but: of
    those, the ones that may not; named: rooms and single modules; packages: of others, and the room
    or the module that may import each.
    """

    down_to: str
    but: frozenset[str]
    named: frozenset[str]
    packages: dict[str, str]


def read_rows() -> dict[str, Row]:
    """The table, by the names of the rooms, in its order."""
    table = PAGE.read_text().partition("## Folders and modules\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    rows = {}
    for line in lines:
        rooms, _, imported, packages = line.strip("|").split("|")
        for name in code(rooms):
            here = name.removesuffix(".py").removesuffix("/")
            rows[here] = read_row(imported, packages, here)
    return rows


def read_row(imported: str, packages: str, here: str) -> Row:
    above = re.search(r"all down to `(\w+)`(?: but `(\w+)`)?", imported)
    listed, _, where = packages.partition(" in ")
    place = code(where)[0] if where else here
    return Row(
        above[1] if above else "",
        frozenset([above[2]] if above and above[2] else []),
        frozenset(code(imported.replace(above[0] if above else "", ""))),
        dict.fromkeys(code(listed), place),
    )


def code(cell: str) -> list[str]:
    """What stands between backquotes."""
    return re.findall(r"`([^`]+)`", cell)


ROWS = read_rows()
ROOMS = list(ROWS)


def may_import(here: str) -> set[str]:
    """The rooms and single modules that a room may import besides itself."""
    row = ROWS[here]
    above = ROOMS[: ROOMS.index(row.down_to) + 1] if row.down_to else []
    return {LIGHT, *row.named, *above} - row.but


LIGHT = "light_typing"
"""Stands for `typing`, and is imported as freely."""
PURE = {"protocol", "language", "schema", "complete", "display"}
NOT_IN_PURE = {"socket", "select", "selectors", "time", "threading", "subprocess", "os.read"}
ASYNCIO = {"ui", "top.screen"}

# ---------------------------------------------------------------------------- reading the source


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its name without `qmpsh.`; a package by its own name."""
    found = {}
    for path, tree in trees().items():
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = tree
    return found


def walk(node: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    """All nodes; with types=False without the blocks `if TYPE_CHECKING:`, which never run."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if types or not is_for_types(node):
            yield node
            waiting += ast.iter_child_nodes(node)


def is_for_types(node: ast.AST) -> bool:
    """Whether a node is a block `if TYPE_CHECKING:`."""
    test = node.test if isinstance(node, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


@cache
def imports(tree: ast.Module, *, types: bool = True) -> frozenset[str]:
    """The dotted names that a module imports, wherever in it: `from a import b` is `a.b`."""
    names: set[str] = set()
    for node in walk(tree, types=types):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def own_imports(tree: ast.Module, *, types: bool = True) -> set[str]:
    """The modules of the package that a module imports, without `qmpsh.`."""
    found = set()
    for imported in imports(tree, types=types):
        first, *rest = imported.split(".")
        if first == PACKAGE:
            inner = ".".join(rest)
            found.add(inner if inner in modules() else inner.rpartition(".")[0])
    return found


def is_within(name: str, places: set[str]) -> bool:
    """Whether a module is one of the places, or lies in one of them."""
    return any(name == place or (place and name.startswith(f"{place}.")) for place in places)


def room(name: str) -> str:
    return name.partition(".")[0]


# ---------------------------------------------------------------------------- the tests


def test_the_table_has_every_room_and_no_other() -> None:
    assert sorted(ROOMS) == sorted({room(name) for name in modules()} - {""})


@pytest.mark.parametrize("here", ROOMS)
def test_imports_go_down(here: str) -> None:
    upward = {
        f"{name} -> {imported}"
        for name, tree in modules().items()
        if room(name) == here
        for imported in own_imports(tree)
        if not is_within(imported, may_import(here) | {here})
    }
    assert upward == set()


@pytest.mark.parametrize("here", ROOMS)
def test_a_row_names_nothing_that_its_room_does_not_import(here: str) -> None:
    trees = [tree for name, tree in modules().items() if room(name) == here]
    own = {imported for tree in trees for imported in own_imports(tree)}
    others = {imported for tree in trees for imported in roots(tree)}
    assert {
        name for name in ROWS[here].named if not any(is_within(one, {name}) for one in own)
    } == set()
    assert ROWS[here].packages.keys() - others == set()


def test_no_cycles() -> None:
    graph = {name: own_imports(tree) - {name} for name, tree in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_third_party_packages_only_where_they_belong() -> None:
    misplaced = {
        f"{name}: {imported}"
        for name, tree in modules().items()
        for imported in roots(tree) - sys.stdlib_module_names - {PACKAGE}
        if not is_within(name, places(imported))
    }
    assert misplaced == set()


def places(package: str) -> set[str]:
    """The rooms and modules that may import a package of others."""
    return {row.packages[package] for row in ROWS.values() if package in row.packages}


def test_asyncio_only_where_its_loop_runs() -> None:
    users = {name for name, tree in modules().items() if is_within("asyncio", roots(tree))}
    assert {name for name in users if not is_within(name, ASYNCIO)} == set()


def roots(tree: ast.Module) -> set[str]:
    return {imported.partition(".")[0] for imported in imports(tree)}


@pytest.mark.parametrize("here", sorted(PURE))
def test_pure_rooms_know_no_socket_clock_or_thread(here: str) -> None:
    impure = {
        f"{name}: {used}"
        for name, tree in modules().items()
        if room(name) == here
        for used in (imports(tree) | roots(tree) | attributes(tree)) & NOT_IN_PURE
    }
    assert impure == set()


def attributes(tree: ast.Module) -> set[str]:
    """What is used as `module.name`."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


# ---------------------------------------------------------------------------- the one-shot path

ONE_SHOT_MODULES: set[str] = {
    "qmpsh",
    "qmpsh.__main__",
    "qmpsh.address",
    "qmpsh.batch",
    "qmpsh.batch.batch",
    "qmpsh.cli",
    "qmpsh.cli.argv",
    "qmpsh.cli.main",
    "qmpsh.cli.streams",
    "qmpsh.client",
    "qmpsh.client.client",
    "qmpsh.client.connect",
    "qmpsh.client.dialect",
    "qmpsh.client.handshake",
    "qmpsh.client.poll",
    "qmpsh.client.queues",
    "qmpsh.client.shares",
    "qmpsh.errors",
    "qmpsh.jsontypes",
    "qmpsh.language",
    "qmpsh.language.lines",
    "qmpsh.language.syntax",
    "qmpsh.light_typing",
    "qmpsh.protocol",
    "qmpsh.protocol.connection",
    "qmpsh.protocol.framing",
    "qmpsh.protocol.messages",
    "qmpsh.render",
    "qmpsh.render.environment",
    "qmpsh.render.formats",
    "qmpsh.render.safe",
    "qmpsh.shell",
    "qmpsh.shell.context",
    "qmpsh.shell.execute",
    "qmpsh.shell.hmp",
    "qmpsh.shell.interpreter",
    "qmpsh.shell.introspection",
    "qmpsh.shell.machine",
    "qmpsh.shell.settings",
    "qmpsh.shell.steps",
}
"""All of qmpsh that `qmpsh SOCKET query-status` loads: each costs start-up time, for everybody."""

HEAVY = {
    "asyncio",
    "click",
    "contextlib",
    "dataclasses",
    "inspect",
    "logging",
    "pathlib",
    "prompt_toolkit",
    "pygments",
    "signal",
    "ssl",
    "subprocess",
    "tomllib",
    "typing",
}
"""What the one-shot path must do without."""

START = "import sys; from qmpsh.__main__ import main; sys.exit(main())"


def loaded_modules(*argv: str) -> set[str]:
    """The modules that a run of the command loads.

    Read from the interpreter's own record, which no way of leaving can lose; without `site`, since
    what stands in site-packages may load more at start-up.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }
    run = subprocess.run(
        [sys.executable, "-S", "-X", "importtime", "-c", START, *argv],
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    lines = run.stderr.splitlines()
    record = [line for line in lines if line.startswith("import time:")]
    assert run.returncode == 0, [line for line in lines if line not in record]
    return {line.rpartition("|")[2].strip() for line in record}


def test_completing_a_word_loads_little(vm: Vm) -> None:
    """What the user's shell waits for at each Tab; modules, as stderr is closed meanwhile."""
    code = "import sys; from qmpsh.__main__ import main; main(); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={
            "PYTHONPATH": str(ROOT),
            "COMP_WORDS": f"qmpsh {vm.path} query-stat",
            "_QMPSH_COMPLETE": "bash_complete",
        },
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    *words, modules = run.stdout.splitlines()
    assert "word\x1fquery-status" in words
    assert (HEAVY - {"contextlib"}) & {*modules.split()} == set()


def test_one_shot_loads_exactly_these_modules(vm: Vm) -> None:
    loaded = {name for name in loaded_modules(vm.path, "query-status") if room(name) == PACKAGE}
    more, less = loaded - ONE_SHOT_MODULES, ONE_SHOT_MODULES - loaded
    assert (sorted(more), sorted(less)) == ([], [])


@pytest.mark.parametrize("line", ["query-status", "qom-list path=/machine"])
def test_one_shot_loads_nothing_heavy(vm: Vm, line: str) -> None:
    loaded_modules(vm.path, line)  # fills the cache
    loaded = loaded_modules(vm.path, line)
    assert {name for name in loaded if room(name) in HEAVY} == set()


ONLY_FOR_AN_ERROR = {
    "qmpsh.schema.actions",
    "qmpsh.schema.agent",
    "qmpsh.schema.describe",
    "qmpsh.schema.manual",
    "qmpsh.secrets",
    "qmpsh.shell.explanations",
    "qmpsh.shell.qom_values",
    "qmpsh.shell.secret_prompt",
}
"""What a line with arguments does not need if it is right, sets no property and asks for nothing"""


def test_a_typed_one_shot_loads_nothing_that_only_an_error_needs(vm: Vm) -> None:
    line = "qom-list path=/machine"
    loaded_modules(vm.path, line)  # fills the cache
    loaded = loaded_modules(vm.path, line)
    assert "qmpsh.schema.check" in loaded
    assert loaded & ONLY_FOR_AN_ERROR == set()


# ---------------------------------------------------------------------------- the prompt

AFTER_THE_PROMPT = {
    "ctypes",
    "qmpsh.complete.complete",
    "qmpsh.complete.hints",
    "qmpsh.complete.insertion",
    "qmpsh.complete.members",
    "qmpsh.render.piped",
    "qmpsh.schema.describe",
    "qmpsh.schema.manual",
    "qmpsh.schema.scalars",
    "qmpsh.share.door",
    "qmpsh.share.server",
    "qmpsh.system.listener",
    "qmpsh.system.proc",
}
"""What the first frame of neither front end needs, and so does not wait for"""

FRONT_ENDS = "import sys, qmpsh.cli.interactive, qmpsh.ui.screen.app, qmpsh.ui.line.app"


def test_no_front_end_loads_what_can_come_after_the_prompt() -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"{FRONT_ENDS}; print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert "qmpsh.ui.screen.app" in loaded
    assert loaded & AFTER_THE_PROMPT == set()
