"""The house rules that a program can hold: sizes, no stray TODO, scripts that parse."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ONE_IS_ENOUGH
from tests.qemu import ROOT
from tests.sources import nodes, trees

FUNCTION_LINES = 50
MODULE_LINES = 500
PUBLIC_MEMBERS = 15  # methods and properties of a class

WORD = "TO" + "DO"
UNFINISHED = re.compile(rf"\b({WORD}|FIXME|XXX)\b(?!\s*\(?#\d)")

SCRIPTS = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
TEXTS = [
    path
    for folder in ("qmpsh", "tests", "benchmarks", "scripts", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".sh", ".md"}
]

Function = ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def public_members(node: ast.ClassDef) -> set[str]:
    """The names of its methods and properties; a setter has its property's name."""
    names = {member.name for member in node.body if isinstance(member, Function)}
    return {name for name in names if not name.startswith("_")}


def test_functions_are_short() -> None:
    sizes = {
        f"{relative(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, node in nodes()
        if isinstance(node, Function)
    }
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_modules_are_short() -> None:
    sizes = {relative(path): len(path.read_text().splitlines()) for path in trees()}
    assert {name: size for name, size in sizes.items() if size > MODULE_LINES} == {}


def test_classes_have_few_public_methods_and_properties() -> None:
    counts = {
        f"{relative(path)}:{node.lineno} {node.name}": len(public_members(node))
        for path, node in nodes()
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in counts.items() if count > PUBLIC_MEMBERS} == {}


def names_of_types(tree: ast.Module) -> Iterator[str]:
    """The classes of a module, and the other names that it gives to types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
                pass
            case _:
                continue
        is_variable = isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"
        if re.fullmatch("[A-Z][a-z]\\w*", name) and not is_variable:
            yield name


def test_the_name_of_a_type_stands_once() -> None:
    places: dict[str, list[str]] = {}
    for path, tree in trees().items():
        for name in names_of_types(tree):
            places.setdefault(name, []).append(relative(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


REPEAT = r"(?:[*+?]|\{[^}]*\})"
GROUP = re.compile(rf"\((?:\?:)?((?:[^()]|\([^()]*\))*)\){REPEAT}\+(\\?[\"'](?!\?))?")
CLASS = re.compile(r"\[\^?(?:\\.|[^\\\]])+\]|\\[^\"']")
QUOTED = re.compile(r"x\.x\*\+")
"""The body that may be repeated possessively, with a quote after it: a backslash, what it escapes,
and what follows, as in r"\\.[^'\\]*+\""""


def is_repeated_wrongly(pattern: str) -> bool:
    """Whether a group is repeated possessively that may fail midway, or be matched in two ways:
    Python before 3.11.5 matches too much there (CPython issue 106052).
    """
    return any(
        not (QUOTED.fullmatch(body) and after and after[-1] in "\"'")
        for body, after in GROUP.findall(CLASS.sub("x", pattern))
    )


@pytest.mark.parametrize(
    "pattern, wrong",
    [
        (r"(?:a|b)*+", True),
        (r"(?:a+)*+", True),
        (r'(?:[^"\\]++|\\.)++', True),
        (r"(?:[ab]{2,})?+", True),
        (r"(?:\\(?=u|[^u]).[^'\\]*+)*+'", True),
        (r"(?:\\.[^'\\]*+)*+", True),
        (r"(?:\\.[^'\\]*+)*+'?", True),
        (r"(?:\\.[^'\\]*+)*+'", False),
        (r"(?:\\.[^\"\\]*+)*+\"|x", False),
        (r"(?:a|b)+", False),
        ("[a|b]*+", False),
    ],
)
def test_a_wrong_repeat(pattern: str, wrong: bool) -> None:
    assert is_repeated_wrongly(pattern) == wrong


def test_no_group_is_repeated_wrongly() -> None:
    found = [
        f"{relative(path)}:{node.lineno}"
        for path, node in nodes()
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "(?" in node.value
        and is_repeated_wrongly(node.value)
    ]
    assert found == []


def test_nothing_is_left_unfinished_without_an_issue() -> None:
    left = [
        f"{relative(path)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line) and path != Path(__file__)
    ]
    assert left == []


@pytest.mark.parametrize("script", SCRIPTS, ids=relative)
def test_shell_scripts_parse_and_can_be_run(script: Path) -> None:
    first = script.read_text().splitlines()[0]
    interpreter = "bash" if "bash" in first else "sh"
    subprocess.run([interpreter, "-n", str(script)], check=True)
    is_run = first.startswith("#!")  # others are read by them
    assert bool(script.stat().st_mode & 0o111) is is_run


@pytest.mark.parametrize("folder", sorted(ONE_IS_ENOUGH))
def test_folders_that_are_tested_with_one_emulator_are_there(folder: str) -> None:
    assert list((ROOT / "tests" / folder).glob("test_*.py"))
