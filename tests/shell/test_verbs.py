"""The one table of the verbs: every verb has its row, every row its steps, and nobody a list."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.language.modifiers import MODIFIERS, VERB_FLAGS
from qmpsh.language.syntax import Mode, VerbLine
from qmpsh.language.verbs import BARE, LINES, VERB_MODIFIERS, VERBS
from qmpsh.secrets.masker import mask_line
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Task
from qmpsh.shell.verbs import table
from qmpsh.shell.verbs.table import decorated_verbs, find_verb
from scripts.docs import VERB_TABLE, verb_rows, verb_table
from tests.test_layers import modules

TABLES = {"language.verbs", "shell.verbs.table"}
"""Modules that name verbs."""


def test_every_verb_has_its_row_and_its_steps() -> None:
    assert decorated_verbs() == VERBS
    for name in VERBS:
        line = VerbLine(f".{name}", name, (0, len(name) + 1), "", (0, 0))
        assert callable(find_verb(line))


def test_the_table_has_the_rows_of_the_functions() -> None:
    source = VERB_TABLE.read_text()
    assert source == verb_table(source), "`make docs` writes them"


GREET = """
from qmpsh.language.verbs import Takes
from qmpsh.shell.steps import Outcome
from qmpsh.shell.verbs.table import text_answer, verb


@verb("greet", "NAME", "greet a command", Takes.NAME, bare=True)
def greet(context, line):
    yield text_answer(line, f"hello {line.rest.strip()}")
    return Outcome()
"""


@pytest.fixture
def greet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A verb in a module of its own, which nothing else mentions."""
    (tmp_path / "greeting_verb.py").write_text(GREET)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("greeting_verb")
    yield
    del sys.modules["greeting_verb"], VERBS["greet"], table._DECORATED["greet"]
    BARE.remove("greet")


def said_by(line: str) -> str:
    said: list[Answer | Note] = []
    context = Context(None, Settings(interactive=True, dry_run=True), Machine("", None))
    task = Task(run_line(context, line), said.append)
    assert task.advance(0.0)
    assert task.outcome is not None
    assert task.outcome.error is None
    return "\n".join(str(item.text) for item in said)


@pytest.mark.usefixtures("greet")
def test_a_verb_is_one_decorated_function() -> None:
    assert said_by(".greet quit") == "hello quit"
    assert said_by("greet quit") == "hello quit", "it works without its dot"
    assert ".greet NAME" in said_by(".help")
    assert "greet a command" in said_by(".help .greet")
    catalog = Catalog()
    catalog.commands = ("query-status",)
    assert [found.text for found in complete(".gre", 4, catalog, Mode())] == [".greet"]
    assert "query-status" in [found.text for found in complete(".greet qu", 9, catalog, Mode())]
    assert (".greet NAME", "greet a command") in verb_rows()
    assert '"greeting_verb:greet"' in verb_table(VERB_TABLE.read_text())


def test_the_modifiers_of_verbs_are_modifiers() -> None:
    assert set(VERB_MODIFIERS) <= set(MODIFIERS)
    assert {"count", "new", "text", *VERB_FLAGS} <= set(VERB_MODIFIERS)
    assert VERB_MODIFIERS["count"] == ".events"


def test_what_works_without_its_dot() -> None:
    assert {"help", "hmp", "watch", "exit"} <= BARE < set(VERBS)


def test_nobody_else_lists_verbs() -> None:
    lists = {
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for name, tree in modules().items()
        if name not in TABLES
        for node in ast.walk(tree)
        if isinstance(node, ast.Set | ast.Tuple | ast.List | ast.Dict) and is_list_of_verbs(node)
    }
    assert lists == set()


def test_nobody_compares_the_name_of_a_verb() -> None:
    compared = {
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for name, tree in modules().items()
        if name not in TABLES
        for node in ast.walk(tree)
        if isinstance(node, ast.expr | ast.pattern) and names_a_verb(node)
    }
    assert compared == set()


def is_list_of_verbs(node: ast.Set | ast.Tuple | ast.List | ast.Dict) -> bool:
    """Whether it holds verbs alone, and more than two: the columns of a job are two of them."""
    members = node.keys if isinstance(node, ast.Dict) else node.elts
    return len(members) > 2 and all(is_verb(member) for member in members)


def names_a_verb(node: ast.expr | ast.pattern) -> bool:
    """Whether it is `line.name == "verb"` or `case VerbLine(name="verb")`."""
    if isinstance(node, ast.MatchClass):
        return ast.unparse(node.cls) == "VerbLine" and "name" in node.kwd_attrs
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    owners = {ast.unparse(side.value) for side in sides if isinstance(side, ast.Attribute)}
    return not owners.isdisjoint({"line", "place", "verb", "statement"}) and any(
        is_verb(constant) for side in sides for constant in constants(side)
    )


def constants(node: ast.expr) -> Iterator[ast.expr]:
    yield from node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]


def is_verb(node: ast.expr | None) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.removeprefix(".") in VERBS
    )


@pytest.mark.parametrize("name", [name for name, verb in VERBS.items() if verb.takes in LINES])
def test_a_secret_behind_a_verb_that_takes_a_line(name: str) -> None:
    head = f".{name} {' '.join(VERBS[name].words[:1])}".rstrip()
    for broken in ("", " 'x", " x ="):
        line = f"{head} set_password protocol=vnc password=geheim{broken}"
        assert "geheim" not in mask_line(line)
        assert mask_line(line).startswith(f"{head} set_password ")
