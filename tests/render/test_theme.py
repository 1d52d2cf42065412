"""Every role is defined in every theme, every colour legible, every class that is used there."""

from __future__ import annotations

import ast
import re

import pytest

from qmpsh.render.theme import DARK, SGR, THEMES
from qmpsh.ui.common.style import ROLES, WIDGETS, make_style
from tests.qemu import ROOT

TERMINALS = {"dark": "#1c1c1c", "light": "#ffffff"}
"""Background of the terminal that a theme is made for"""

TEXT_CONTRAST = 4.5
"""WCAG 2.1, success criterion 1.4.3 (AA)"""

LINE_CONTRAST = 3.0
"""1.4.11, for what is no text"""

CUBE = ("00", "5f", "87", "af", "d7", "ff")
GREYS = {f"#{8 + 10 * step:02x}" + f"{8 + 10 * step:02x}" * 2 for step in range(24)}
PALETTE = GREYS | {f"#{r}{g}{b}" for r in CUBE for g in CUBE for b in CUBE}
"""What a terminal of 256 colours has: any other colour would be shown as another one."""

SOURCES = [
    path for room in ("render", "ui") for path in sorted((ROOT / "qmpsh" / room).rglob("*.py"))
]


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.1, "relative luminance"."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(style: str, background: str) -> tuple[str, str]:
    """Foreground and background of a style string; its own background wins."""
    words = style.split()
    fore = [word for word in words if word.startswith("#")]
    back = [word.removeprefix("bg:") for word in words if word.startswith("bg:")]
    return fore[0], (back or [background])[0]


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_every_role(theme: str) -> None:
    assert set(THEMES[theme]) == set(DARK)


@pytest.mark.parametrize("theme", TERMINALS)
@pytest.mark.parametrize("role", DARK)
def test_contrast(theme: str, role: str) -> None:
    fore, back = colours(THEMES[theme][role], TERMINALS[theme])
    assert contrast(fore, back) >= (LINE_CONTRAST if role == "rule" else TEXT_CONTRAST)


@pytest.mark.parametrize("theme", TERMINALS)
@pytest.mark.parametrize("role", DARK)
def test_every_colour_is_one_of_the_256(theme: str, role: str) -> None:
    assert set(colours(THEMES[theme][role], "#ffffff")) <= PALETTE


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_no_colour_is_no_colour() -> None:
    assert "#" not in " ".join(THEMES["none"].values())


@pytest.mark.parametrize("theme", THEMES)
def test_a_style_can_be_made(theme: str) -> None:
    attrs = make_style(theme).get_attrs_for_style_str("class:error")
    assert attrs.bold


def used_roles() -> set[str]:
    """First members of the (role, text) pairs in the source, and the classes in its strings."""
    roles = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Tuple(elts=[ast.Constant(value=str(role)), _]):
                    roles.add(role)
                case ast.Constant(value=str(text)):
                    roles.update(re.findall(r"class:([a-z.-]+[a-z])", text))
    return roles


def test_every_role_that_is_used_is_defined() -> None:
    known = set(DARK) | set(WIDGETS) | {"", "scrollbar.button"}
    assert {role for role in used_roles() if re.fullmatch(r"[a-z]+(\.[a-z]+)*", role)} <= known


def test_every_role_that_is_named_is_defined() -> None:
    assert set(ROLES.values()) | set(WIDGETS.values()) <= set(DARK) | {""}
    assert set(SGR) <= set(DARK)
