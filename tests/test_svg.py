"""Cells as SVG: what the drawings of docs/screenshots are made of."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pyte
import pytest

from scripts.screenshots import SHOTS
from scripts.svg import LIGHT, Picture, draw
from tests.qemu import ROOT

DRAWINGS = sorted((ROOT / "docs" / "screenshots").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str, columns: int = 20, cursor: tuple[int, int] | None = None) -> str:
    """The drawing of a terminal with one row, that was sent a text."""
    screen = pyte.Screen(columns, 1)
    pyte.Stream(screen).feed(text)
    row = [screen.buffer[0][column] for column in range(columns)]
    return draw(Picture([row], cursor, "a <title>"))


def test_the_colours_of_a_light_terminal() -> None:
    screen = pyte.Screen(2, 1)
    pyte.Stream(screen).feed("x\x1b[7my")
    svg = draw(Picture([[screen.buffer[0][0], screen.buffer[0][1]]], None, "", LIGHT))
    assert 'rx="8" fill="#ffffff"/>' in svg
    assert re.search(r'<tspan [^>]*[\d"]>x</tspan><tspan [^>]*fill="#ffffff">y</tspan>', svg)


def spans(svg: str) -> list[tuple[str, float]]:
    """Texts and the columns they begin in."""
    root = ElementTree.fromstring(svg)
    found = root.iter(f"{SVG}tspan")
    return [(str(span.text), round(float(span.attrib["x"]) / 8.4, 2)) for span in found]


def test_words_stand_in_their_columns() -> None:
    assert spans(drawn("  a bc   <d>")) == [("a bc", 2), ("<d>", 9)]


def test_a_wide_character_takes_two() -> None:
    assert spans(drawn("任务  x")) == [("任务", 0), ("x", 6)]


@pytest.mark.parametrize(
    "sgr, look",
    [
        ("1", 'font-weight="bold"'),
        ("4", 'text-decoration="underline"'),
        ("9", 'text-decoration="line-through"'),
        ("38;5;111", 'fill="#87afff"'),
        ("7", 'fill="#1c1c1c"'),
    ],
)
def test_looks(sgr: str, look: str) -> None:
    assert re.search(rf"<tspan [^>]*{look}>x</tspan>", drawn(f"\x1b[{sgr}mx"))


def test_backgrounds_lie_below() -> None:
    svg = drawn("\x1b[48;5;236mab\x1b[0mc")
    assert '<rect x="0" y="0" width="16.8" height="18" fill="#303030"/>' in svg


def test_rules_and_bars_are_shapes() -> None:
    svg = drawn("│██░")
    assert spans(svg) == []
    assert svg.count("<rect") == 1 + 3
    assert svg.count("fill-opacity") == 1


def test_the_cursor_and_the_title() -> None:
    assert '<rect x="8.4" y="0"' in drawn("", cursor=(1, 0))
    assert "<title>a &lt;title&gt;</title>" in drawn("")


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_the_drawings_are_well_formed(path: Path) -> None:
    text = path.read_text()
    assert any("vm1" in text for text, _ in spans(text))


def test_each_drawing_has_its_shot_and_a_page() -> None:
    pages = "".join(page.read_text() for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    shown = set(re.findall(r"!\[[^\]]+\]\((?:docs/)?screenshots/([\w-]+)\.svg\)", pages))
    assert shown == set(SHOTS) == {path.stem for path in DRAWINGS}
