"""The choice of an output format, and a format that one row and one function add."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qmpsh.language.syntax import FORMATS, Modifiers
from qmpsh.render.formats import Rendering, find_renderer, render_answer
from qmpsh.shell.steps import Answer
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm

Run = Callable[..., str]

TEXT = Answer("", text="a text")
STRING = Answer("x", value="a", reply={"return": "a"})
LIST = Answer("x", value=[1], reply={"return": [1]})
FAILED = Answer("x", failed=True, text="E: d", reply={"error": {"class": "E", "desc": "d"}})


@pytest.mark.parametrize(
    "answer,formats,shown",
    [
        (LIST, "", Rendering([1])),
        (LIST, "raw", Rendering([1])),
        (LIST, "table", Rendering([1], as_table=True)),
        (LIST, "table raw", Rendering([1], as_table=True)),
        (LIST, "table json", Rendering({"return": [1]})),
        (STRING, "", Rendering("a")),
        (STRING, "table raw", Rendering(text="a")),
        (TEXT, "json raw table", Rendering(text="a text")),
        (FAILED, "table", Rendering(text="E: d")),
        (FAILED, "json", Rendering({"error": {"class": "E", "desc": "d"}})),
    ],
)
def test_the_first_format_that_suits(answer: Answer, formats: str, shown: Rendering) -> None:
    modifiers = Modifiers(formats=frozenset(formats.split()))
    assert render_answer(answer._replace(modifiers=modifiers)) == shown


def test_every_row_names_its_function() -> None:
    for row in FORMATS.values():
        assert callable(find_renderer(row.renderer))


ADDED = '''\
"""The output format `lines`, as CONTRIBUTING.md shows it."""

from qmpsh.language.syntax import FORMATS, OutputFormat

FORMATS["lines"] = OutputFormat(
    "print an object as NAME: VALUE lines",
    "A value that is not an object stays JSON.",
    "lines_format:render_lines",
)


def render_lines(answer):
    from qmpsh.render.formats import Rendering, compact

    if not isinstance(answer.value, dict):
        return None
    return Rendering(text="\\n".join(f"{k}: {compact(v)}" for k, v in answer.value.items()))


if __name__ == "__main__":
    import sys

    from qmpsh.__main__ import main

    sys.exit(main())
'''

COMPLETES = """\
import lines_format
from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.language.syntax import PLAIN
from qmpsh.shell.preferences import Preferences, completable

catalog = Catalog()
catalog.settings = completable(Preferences())
for line in ("query-status --li", ".set view li"):
    print([one.text for one in complete(line, len(line), catalog, PLAIN)])
"""


@pytest.fixture
def run(run_qmpsh: RunQmpsh, tmp_path: Path) -> Run:
    """What qmpsh prints with the added format. module: another one to run"""
    (tmp_path / "lines_format.py").write_text(ADDED)
    (tmp_path / "completes.py").write_text(COMPLETES)
    env = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}

    def output(*argv: str, module: str = "lines_format") -> str:
        done = run_qmpsh(*argv, module=module, env=env)
        assert not done.stderr
        return done.stdout

    return output


def test_an_added_format_is_an_option_and_a_modifier(run: Run, vm: Vm) -> None:
    last = "running: true"
    assert run(vm.path, "query-status", "--lines").splitlines()[-1] == last
    assert run("--lines", vm.path, "query-status").splitlines()[-1] == last
    assert run("--lines", vm.path, "query-commands").startswith("[{")


def test_an_added_format_is_explained_and_completed(run: Run) -> None:
    assert "--lines" in run("--help")
    assert "print an object as NAME: VALUE lines" in run("--dry-run", ".help --lines")
    assert "as json or table or lines" in run("--dry-run", ".set")
    assert run(module="completes") == "['--lines']\n['lines']\n"
