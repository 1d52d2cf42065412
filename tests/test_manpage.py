"""docs/qmpsh.1 and the tables in the pages of docs/ are those of the program."""

from __future__ import annotations

import subprocess

import pytest

from qmpsh.cli.argv import SUBCOMMANDS
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.usage import MODIFIERS as TOLD
from scripts.docs import (
    DOCS,
    PAGE,
    STATES_PAGE,
    TABLES,
    date_of,
    figure,
    option_rows,
    page,
    states_page,
    table,
)
from tests.conftest import RunQmpsh
from tests.programs import need


def test_the_page_is_current() -> None:
    stored = PAGE.read_text()
    assert stored == page(date_of(stored)), "`make docs` writes it again"


def test_each_subcommand_has_its_options() -> None:
    stored = PAGE.read_text()
    for word in SUBCOMMANDS:
        assert f"\n.SS qmpsh {word} " in stored
    for option in ("polite", "strict", "breaking"):
        assert rf"\-\-{option}" in stored


def test_the_date_is_that_of_the_last_change() -> None:
    assert date_of(page("2026-01-31")) == "2026-01-31"


def test_the_diagram_of_states_is_current() -> None:
    assert STATES_PAGE.read_text() == states_page(), "run `make docs`"


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_of_the_pages_are_current(name: str) -> None:
    assert table(name) in (DOCS / TABLES[name].page).read_text(), "`make docs` writes it again"


def test_the_figure_of_the_folders_is_current() -> None:
    assert figure() in (DOCS / "dev" / "architecture.md").read_text(), "`make docs` draws it again"


def test_every_modifier_is_told() -> None:
    assert sorted(TOLD) == sorted(MODIFIERS)


def test_a_value_that_may_be_left_out_stands_behind_an_equals_sign() -> None:
    options = [names for names, _ in option_rows()]
    assert "-w, --wait[=EVENT]" in options
    assert "-p, --pretty / --compact" in options
    assert "--color auto|always|never" in options


def test_help_tells_of_every_exit_code(run_qmpsh: RunQmpsh) -> None:
    shown = run_qmpsh("--help").stdout
    assert "\n  124   a timeout ran out\n" in shown
    assert "\n  ssh://[USER@]HOST[:PORT]/PATH                 a socket of another" in shown


def test_it_renders_without_a_warning() -> None:
    need("groff")
    command = ["groff", "-man", "-ww", "-z", str(PAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
