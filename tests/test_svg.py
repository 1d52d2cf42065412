"""Cells as SVG: what the drawings of docs/screenshots are made of."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pyte
import pytest

from scripts.screenshots import DRAWINGS, file_name
from scripts.svg import LIGHT, Frame, Picture, draw, draw_film
from tests.qemu import ROOT

FILES = sorted((ROOT / "docs" / "screenshots").glob("*.svg"))
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
    assert 'rx="8" fill="#ffffff" stroke=' in svg
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_drawings_are_well_formed(path: Path) -> None:
    text = path.read_text()
    assert any(re.search("vm1|QEMU", text) for text, _ in spans(text))


def test_each_drawing_is_made_and_has_a_page() -> None:
    pages = "".join(page.read_text() for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
    shown = set(re.findall(r"screenshots/([\w-]+)\.svg", pages))
    made = {file_name(name, theme) for name, row in DRAWINGS.items() for theme in row.themes}
    assert shown == made == {path.stem for path in FILES}


def frame(text: str, seconds: float) -> Frame:
    """A frame of one row."""
    screen = pyte.Screen(9, 2)
    pyte.Stream(screen).feed(text)
    return Frame([[screen.buffer[y][x] for x in range(9)] for y in range(2)], (0, 1), seconds)


def test_a_film_is_its_last_frame_where_nothing_moves() -> None:
    svg = draw_film("a <title>", [frame("one", 1), frame("two", 1), frame("one", 2)])
    assert '<g class="film" transform="translate(-151.2 0)">' in svg
    assert "prefers-reduced-motion:reduce){.film{animation:none}}" in svg
    assert "<title>a &lt;title&gt;</title>" in svg


def test_each_frame_of_a_film_has_its_time_and_each_row_is_drawn_once() -> None:
    svg = draw_film("", [frame("one", 1), frame("\n two", 1), frame("one", 2)])
    steps = re.findall(r"([\d.]+)%\{transform:translateX\(([-\d.]+)px\)\}", svg)
    assert steps == [("0.00", "0"), ("25.00", "-75.6"), ("50.00", "-151.2")]
    assert "animation:film 4.00s step-end infinite" in svg
    assert [text for text, _ in spans(svg)] == ["one", "two"]
    assert re.findall('<use href="#(r.)" y="(.*?)"/>', svg) == [
        ("r0", "0"),
        ("r1", "18"),
        ("r0", "0"),
    ]
