"""The films of docs/screenshots, played again on a live screen."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from scripts.storyboards import FILMS, SIZE, play
from scripts.svg import HEIGHT, draw_film
from tests.qemu import ROOT, VmStarter

SVG = "{http://www.w3.org/2000/svg}"
HINT = (SIZE[1] - 1) * HEIGHT
"""where the row is whose text depends on the manual that is installed"""


def texts(svg: str) -> set[str]:
    """What is shown in all frames but for numbers, which are others each time, and the hints."""
    root = ElementTree.fromstring(svg)
    uses = root.iter(f"{SVG}use")
    shown = {use.attrib["href"][1:] for use in uses if float(use.attrib["y"]) < HINT}
    rows = [group for group in root.iter(f"{SVG}g") if group.get("id") in shown]
    found = {span.text or "" for row in rows for span in row.iter(f"{SVG}tspan")}
    return {text for text in found if not re.search(r"\d", text)}


@pytest.mark.one_emulator
@pytest.mark.parametrize("name", FILMS)
def test_what_the_films_show_is_on_a_live_screen(name: str, start_vm: VmStarter) -> None:
    stored = (ROOT / "docs" / "screenshots" / f"{name}.svg").read_text()
    live = draw_film("", play(FILMS[name], "dark", start_vm))
    version = r"Connected to QEMU (\d+\.\d+)"
    if re.findall(version, stored) == re.findall(version, live):
        assert texts(stored) <= texts(live)


@pytest.mark.parametrize("name", FILMS)
def test_both_colours_show_the_same(name: str) -> None:
    folder = ROOT / "docs" / "screenshots"
    dark, light = (folder / f"{name}{end}.svg" for end in ("", "-light"))
    assert texts(dark.read_text()) == texts(light.read_text())
    assert dark.stat().st_size < 300_000
