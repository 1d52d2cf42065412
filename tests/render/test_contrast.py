"""The contrast of every role in every theme, on each kind of terminal. Source: WCAG 2.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from prompt_toolkit.output.vt100 import _256_colors
from prompt_toolkit.styles import Attrs, Style

from qmpsh.render.palettes import (
    BACKGROUND,
    DARK,
    DARK_16,
    LIGHT,
    LIGHT_16,
    NEUTRAL,
    NEUTRAL_16,
    NO_COLOUR,
    Theme,
)
from qmpsh.render.theme import AUTO, THEMES, Depth, TerminalColours, find_theme, theme_names
from qmpsh.ui.common.style import make_style

TEXT, NO_TEXT = 4.5, 3.0
"""success criteria 1.4.3 (AA), and 1.4.11 for what is not text"""

ANY_BACKGROUND = 3.0
"""on black and on white at once; 4.58 is the most that one colour can reach"""

DARK_TERMINAL, LIGHT_TERMINAL = "#1e1e1e", "#ffffff"

NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "gray")
XTERM = re.findall(
    r"#\w+",
    "#000000 #cd0000 #00cd00 #cdcd00 #0000ee #cd00cd #00cdcd #e5e5e5 "
    "#7f7f7f #ff0000 #00ff00 #ffff00 #5c5cff #ff00ff #00ffff #ffffff",
)
VGA = re.findall(
    r"#\w+",
    "#000000 #aa0000 #00aa00 #aa5500 #0000aa #aa00aa #00aaaa #aaaaaa "
    "#555555 #ff5555 #55ff55 #ffff55 #5555ff #ff55ff #55ffff #ffffff",
)
PYGMENTS = [name for name in theme_names() if name != AUTO and name not in THEMES]


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def looks(theme: Theme) -> Iterator[tuple[str, Attrs]]:
    """Every role and its attributes, as prompt_toolkit reads them."""
    for role in theme:
        yield role, attrs_of(theme, role)


def attrs_of(theme: Theme, role: str) -> Attrs:
    return Style(list(theme.items())).get_attrs_for_style_str(f"class:{role}" if role else "")


def index_of(name: str) -> int:
    """Of one of the sixteen colours, as prompt_toolkit names them."""
    if name == "ansiwhite":
        return 15
    if name == "ansibrightblack":
        return 8
    bright = name.startswith("ansibright")
    return NAMES.index(name.removeprefix("ansibright" if bright else "ansi")) + 8 * bright


def shown(attrs: Attrs, values: list[str], background: str, *, bright: bool) -> float | None:
    """The contrast of sixteen colours; None for the terminal's own on its own."""
    if not attrs.color and not attrs.bgcolor:
        return None
    fore = index_of(attrs.color or "")
    if bright and attrs.bold and fore < 8:
        fore += 8
    back = values[index_of(attrs.bgcolor)] if attrs.bgcolor else background
    return contrast(values[fore], back)


def least(role: str) -> float:
    return NO_TEXT if role == "rule" else TEXT


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("depth", [Depth.PALETTE, Depth.ALL])
@pytest.mark.parametrize("name", ["dark", "light", *PYGMENTS])
def test_many_colours(name: str, depth: Depth) -> None:
    own = LIGHT_TERMINAL if name == "light" else DARK_TERMINAL
    for role, attrs in looks(find_theme(name, TerminalColours(depth))):
        back = f"#{attrs.bgcolor}" if attrs.bgcolor else own
        if attrs.color:
            assert contrast(f"#{attrs.color}", back) >= least(role), role
        else:
            assert not attrs.bgcolor, role


@pytest.mark.parametrize("background", ["#000000", "#ffffff"])
def test_many_colours_on_any_terminal(background: str) -> None:
    for role, attrs in looks(NEUTRAL):
        if attrs.bgcolor:
            assert contrast(f"#{attrs.color}", f"#{attrs.bgcolor}") >= TEXT, role
        elif attrs.color:
            assert contrast(f"#{attrs.color}", background) >= ANY_BACKGROUND, role


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize("values", [XTERM, VGA], ids=["xterm", "vga"])
@pytest.mark.parametrize(
    "theme, background", [(DARK_16, DARK_TERMINAL), (LIGHT_16, LIGHT_TERMINAL)]
)
def test_sixteen_colours(theme: Theme, background: str, values: list[str], bright: bool) -> None:
    for role, attrs in looks(theme):
        found = shown(attrs, values, background, bright=bright)
        assert found is None or found >= TEXT, role


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize("values", [XTERM, VGA], ids=["xterm", "vga"])
@pytest.mark.parametrize("background", ["#000000", "#ffffff"])
def test_sixteen_colours_on_any_terminal(background: str, values: list[str], bright: bool) -> None:
    for role, attrs in looks(NEUTRAL_16):
        found = shown(attrs, values, background, bright=bright)
        assert found is None or found >= (TEXT if attrs.bgcolor else ANY_BACKGROUND), role


@pytest.mark.parametrize("theme", [DARK_16, LIGHT_16, NEUTRAL_16])
@pytest.mark.parametrize("values", [XTERM, VGA], ids=["xterm", "vga"])
def test_an_error_is_never_dimmer_than_text(theme: Theme, values: list[str]) -> None:
    brightest = max(values[:8], key=luminance)
    for role in ("error", "hint.error", "event.severe", "status.ended"):
        attrs = attrs_of(theme, role)
        assert attrs.bold
        assert luminance(values[index_of(attrs.color or "")]) >= luminance(brightest)


@pytest.mark.parametrize("theme", [DARK_16, LIGHT_16, NEUTRAL_16, NO_COLOUR])
def test_no_background_is_bright(theme: Theme) -> None:
    assert not [style for style in theme.values() if "bg:ansibright" in style or "bg:#" in style]


@pytest.mark.parametrize("name", ["dark", "light", AUTO, *PYGMENTS])
def test_colours_are_those_that_a_terminal_of_256_has(name: str) -> None:
    """Any other would be shown as another one, with another contrast."""
    for role, attrs in looks(find_theme(name, TerminalColours(Depth.PALETTE))):
        for colour in filter(None, (attrs.color, attrs.bgcolor)):
            rgb = tuple(int(colour[start : start + 2], 16) for start in (0, 2, 4))
            red, green, blue = rgb
            index = _256_colors[(red, green, blue)]
            assert index >= 16, role
            assert tuple(_256_colors.colors[index]) == rgb, role


@pytest.mark.parametrize("theme", [DARK, LIGHT, NEUTRAL, DARK_16, LIGHT_16, NEUTRAL_16, NO_COLOUR])
def test_typed_text_has_the_terminals_own_foreground(theme: Theme) -> None:
    assert set(theme) == set(DARK)
    for role in ("echo", "event.name", "hint.current"):
        assert not attrs_of(theme, role).color
    assert BACKGROUND not in theme


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", [AUTO, *THEMES, "monokai", "solarized-light"])
@pytest.mark.parametrize("background", ["", "#000000", "#ffffff"])
def test_the_current_row_of_a_menu_stands_out(name: str, depth: Depth, background: str) -> None:
    terminal = TerminalColours(depth, background)
    style = make_style(name, terminal)
    menu, current = (
        style.get_attrs_for_style_str(f"class:completion-menu.completion{more}")
        for more in ("", ".current")
    )
    assert current.reverse or current.bgcolor != menu.bgcolor
    assert not menu.reverse
