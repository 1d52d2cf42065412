"""docs/qmpsh.1 and the tables in the pages of docs/ are those of the program."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from qmpsh.lang.modifiers import MODIFIERS
from qmpsh.splitter import VERBS as PROGRAMS
from qmpsh.usage import MODIFIERS as TOLD
from qmpsh.usage import PROGRAMS as TOLD_PROGRAMS
from scripts.manpage import DOCS, PAGE, TABLES, option_rows, page, table
from tests.conftest import RunQmpsh, missing


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "`make docs` writes it anew"


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_of_the_pages_are_current(name: str) -> None:
    assert table(name) in (DOCS / TABLES[name].page).read_text(), "`make docs` writes it anew"


def test_every_modifier_and_every_program_is_told() -> None:
    assert sorted(TOLD) == sorted(MODIFIERS)
    assert set(PROGRAMS) - set(TOLD_PROGRAMS) == set()


def test_a_value_that_may_be_left_out_stands_behind_an_equals_sign() -> None:
    options = [names for names, _ in option_rows()]
    assert "-w, --wait[=EVENT]" in options
    assert "-p, --pretty / --compact" in options
    assert "--color auto|always|never" in options


def test_help_tells_of_every_exit_code(run_qmpsh: RunQmpsh) -> None:
    shown = run_qmpsh("--help").stdout
    assert "\n  124   a timeout ran out\n" in shown
    assert "\n  ssh://[USER@]HOST[:PORT]/PATH                 a socket of another" in shown


@pytest.mark.parametrize(
    "command",
    [("groff", "-man", "-ww", "-z"), ("mandoc", "-Tlint", "-Wwarning")],
    ids=lambda command: str(command[0]),
)
def test_it_renders_without_a_warning(command: tuple[str, ...]) -> None:
    if not shutil.which(command[0]):
        missing(command[0])
    done = subprocess.run([*command, str(PAGE)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
