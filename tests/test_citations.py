"""What code and pages cite is in this repository: files, and the sections of docs/dev/wire.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.qemu import ROOT

DEVELOPERS = ROOT / "docs" / "dev"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
SOURCES = [
    path
    for folder in ("qmpsh", "tests", "benchmarks", "scripts")
    for path in (ROOT / folder).rglob("*.py")
]
NAMES = {name for path in PAGES for name in (path.name, str(path.relative_to(ROOT)))}
SECTIONS = set(re.findall(r"^## (\d+)\. ", (DEVELOPERS / "wire.md").read_text(), re.MULTILINE))

CITED = re.compile(r"(?<![\w/:.{-])((?:docs/(?:dev/)?)?[\w-]+\.md)\b")
"""A page, by its path from here or by its name alone."""
SECTION = re.compile(r"wire\.md[,`)]*[\s#]+sections?\s+(\d+(?:(?:, | and | to |[\s#]+and )\d+)*)")
UNSHIPPED = re.compile(
    r"\b(PEERS|DESIGN|MACHINE|HOUSE|WIRE|SHARING)(?:\.md\b| C?\d|'s? section| section)"
)


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_cited_is_there(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text()
    assert set(CITED.findall(text)) - NAMES == set()
    cited = {number for found in SECTION.findall(text) for number in re.findall(r"\d+", found)}
    assert cited - SECTIONS == set()
    assert UNSHIPPED.findall(text) == []


def test_every_mention_of_the_page_of_the_wire_names_a_section() -> None:
    for path in SOURCES:
        text = path.read_text() if path != Path(__file__) else ""
        assert text.count("wire.md") - text.count('"wire.md"') == len(SECTION.findall(text)), path


EXAMPLES = {"client/transports/podman.py"}
"""Files of the worked examples, which are not there."""

MAPS = [DEVELOPERS / "architecture.md", DEVELOPERS / "internals.md", ROOT / "CONTRIBUTING.md"]
PATHS = {str(path.relative_to(ROOT)) for path in [*SOURCES, *ROOT.glob("scripts/*")]}


@pytest.mark.parametrize("page", MAPS, ids=lambda path: path.name)
def test_the_files_of_the_maps_are_there(page: Path) -> None:
    """A module is named from qmpsh/ on, or by its last part after one of its folder."""
    named = set(re.findall(r"`([\w/]+\.py)`", page.read_text())) - EXAMPLES
    assert named
    assert {
        name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in PATHS)
    } == set()
