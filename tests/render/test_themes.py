"""Themes by name: every style of pygments gives every role, legible on its own background."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.output.vt100 import _256_colors

from qmpsh.errors import UsageError
from qmpsh.render.colours import contrast, index_of_256, is_dark, legible, one_of_256
from qmpsh.render.palettes import (
    BACKGROUND,
    DARK,
    DARK_16,
    LIGHT,
    NEUTRAL,
    NEUTRAL_16,
    NO_COLOUR,
    Theme,
)
from qmpsh.render.theme import (
    Depth,
    TerminalColours,
    check_theme,
    colour_depth,
    find_theme,
    painter,
    printed_theme,
    stated_background,
    terminal_colours,
    theme_names,
)
from qmpsh.ui.common.front_end import TerminalEnv
from qmpsh.ui.common.style import check_role, make_style

PYGMENTS = [name for name in theme_names() if name not in ("auto", "dark", "light", "none")]


@pytest.mark.parametrize("name", PYGMENTS)
def test_a_style_of_pygments_gives_every_role(name: str) -> None:
    theme = find_theme(name, TerminalColours())
    assert set(theme) == {*DARK, BACKGROUND}
    assert "bg:#" in theme[BACKGROUND]
    assert make_style(name, TerminalColours()).get_attrs_for_style_str("class:error").bold


def test_there_are_some() -> None:
    assert {"monokai", "default", "solarized-light"} <= set(PYGMENTS)


def test_an_unknown_theme_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no theme solarized-lite; did you mean solarized-light"):
        check_theme("solarized-lite")
    with pytest.raises(UsageError, match="no theme qqq; there are auto, dark, light, none, abap"):
        check_theme("qqq")


@pytest.mark.parametrize(
    "colorfgbg, background",
    [
        (None, ""),
        ("15;0", "#000000"),
        ("0;15", "#ffffff"),
        ("0;default;15", "#ffffff"),
        ("0;7", "#ffffff"),
        ("7;8", "#000000"),
        ("15;default", ""),
        ("", ""),
        ("0;²", ""),
    ],
)
def test_a_variable_may_state_the_background(colorfgbg: str | None, background: str) -> None:
    environ = {} if colorfgbg is None else {"COLORFGBG": colorfgbg}
    assert stated_background(environ) == background


def test_the_console_of_linux_is_black() -> None:
    assert stated_background({"TERM": "linux"}) == "#000000"


def test_the_variable_outdoes_the_terminals_answer() -> None:
    assert terminal_colours({"COLORFGBG": "0;15"}, "#1e1e1e").background == "#ffffff"
    assert terminal_colours({}, "#1e1e1e").background == "#1e1e1e"


@pytest.mark.parametrize(
    "name, depth, background, theme",
    [
        ("auto", Depth.ALL, "", NEUTRAL),
        ("auto", Depth.PALETTE, "#1e1e1e", DARK),
        ("auto", Depth.PALETTE, "#fdf6e3", LIGHT),
        ("auto", Depth.SIXTEEN, "", NEUTRAL_16),
        ("auto", Depth.SIXTEEN, "#000000", DARK_16),
        ("auto", Depth.NONE, "#000000", NO_COLOUR),
        ("light", Depth.PALETTE, "#000000", LIGHT),
        ("dark", Depth.SIXTEEN, "#ffffff", DARK_16),
        ("none", Depth.ALL, "#000000", NO_COLOUR),
        ("monokai", Depth.SIXTEEN, "", NEUTRAL_16),
        ("monokai", Depth.SIXTEEN, "#000000", DARK_16),
        ("monokai", Depth.NONE, "", NO_COLOUR),
    ],
)
def test_the_theme_of_a_terminal(name: str, depth: Depth, background: str, theme: Theme) -> None:
    assert find_theme(name, TerminalColours(depth, background)) is theme


def test_lines_that_do_not_fill_their_row_have_no_background() -> None:
    assert find_theme("monokai", TerminalColours(fills=False)) is NEUTRAL
    terminal = TerminalColours(Depth.ALL, "#ffffff", fills=False)
    theme = find_theme("monokai", terminal)
    assert set(theme) == set(DARK)
    assert contrast(theme["json.string"], "#ffffff") >= 4.5


def test_no_colour_outdoes_any_theme() -> None:
    plain = make_style("none", TerminalColours()).style_rules
    assert TerminalEnv("monokai", colour=False).style().style_rules == plain
    assert TerminalEnv("monokai").style().style_rules != plain


@pytest.mark.parametrize(
    "environ, depth",
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Depth.ALL),
        ({"TERM": "xterm-direct"}, Depth.ALL),
        ({"TERM": "xterm-256color"}, Depth.PALETTE),
        ({"TERM": "screen"}, Depth.SIXTEEN),
        ({"TERM": "screen-256color"}, Depth.PALETTE),
        ({"TERM": "screen", "COLORTERM": "truecolor"}, Depth.ALL),
        ({"TERM": "ansi"}, Depth.SIXTEEN),
        ({"TERM": "xterm-color"}, Depth.SIXTEEN),
        ({"TERM": "linux"}, Depth.SIXTEEN),
        ({"TERM": "xterm-16color"}, Depth.SIXTEEN),
        ({"TERM": "vt220"}, Depth.NONE),
        ({"TERM": "dumb"}, Depth.NONE),
        ({}, Depth.PALETTE),
    ],
)
def test_how_many_colours(environ: dict[str, str], depth: Depth) -> None:
    assert colour_depth(environ) is depth


def test_a_role_may_be_given_another_style() -> None:
    check_role("json.key", "bold underline #ff0000")
    style = make_style("dark", TerminalColours(), {"json.key": "bg:#00ff00 #000000"})
    assert style.get_attrs_for_style_str("class:json.key").bgcolor == "00ff00"


def test_a_colour_is_made_legible() -> None:
    assert legible("#ffffff", "#000000") == "#ffffff"
    assert contrast(legible("#333333", "#000000"), "#000000") >= 4.5
    assert contrast(legible("#dddddd", "#ffffff"), "#ffffff") >= 4.5
    assert is_dark("#202020")
    assert not is_dark("#dddddd")


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_one_of_256_stays_what_it_is(red: int, green: int, blue: int) -> None:
    colour = one_of_256(f"#{red:02x}{green:02x}{blue:02x}")
    index = index_of_256(colour)
    assert "#{:02x}{:02x}{:02x}".format(*_256_colors.colors[index]) == colour
    assert one_of_256(colour) == colour


@pytest.mark.parametrize(
    "environ, text",
    [
        ({"TERM": "xterm-256color"}, "\x1b[1;38;5;196mE\x1b[0m x"),
        ({"TERM": "linux"}, "\x1b[41;1;97mE\x1b[0m x"),
        ({"TERM": "dumb"}, "\x1b[41;1;97mE\x1b[0m x"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "\x1b[1;38;5;124mE\x1b[0m x"),
    ],
)
def test_what_is_printed_has_the_themes_colours(environ: dict[str, str], text: str) -> None:
    assert painter(printed_theme(environ))([("error", "E"), ("", " "), ("echo", "x")]) == text


def test_what_a_style_says_otherwise_is_not_printed() -> None:
    paint = painter({"dim": "italic blink", "error": "bg:#f00 fg:white #ffffff"})
    assert paint([("dim", "a"), ("error", "b")]) == "\x1b[3ma\x1b[0m\x1b[48;5;196;38;5;231mb\x1b[0m"
