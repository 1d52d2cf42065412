"""Themes by name: every style of pygments gives every role, legible on its own background."""

from __future__ import annotations

import pytest
from prompt_toolkit.output import ColorDepth

from qmpsh.errors import UsageError
from qmpsh.render.theme import (
    BACKGROUND,
    DARK,
    LIGHT,
    contrast,
    find_theme,
    is_dark,
    legible,
    theme_names,
)
from qmpsh.ui.common.front_end import TerminalEnv
from qmpsh.ui.common.style import check_role, color_depth, make_style

PYGMENTS = [name for name in theme_names() if name not in ("auto", "dark", "light", "none")]


def colours(style: str, background: str) -> tuple[str, str]:
    """Foreground and background of a style string."""
    words = style.split()
    fore = next(word for word in words if word.startswith("#"))
    back = [word.removeprefix("bg:") for word in words if word.startswith("bg:")]
    return fore, (back or [background])[0]


@pytest.mark.parametrize("name", PYGMENTS)
def test_a_style_of_pygments_gives_every_role(name: str) -> None:
    theme = find_theme(name, {})
    assert set(theme) == {*DARK, BACKGROUND}
    _, background = colours(theme[BACKGROUND], "")
    for role, style in theme.items():
        fore, back = colours(style, background)
        assert contrast(fore, back) >= (3.0 if role == "rule" else 4.5), role
    assert make_style(name).get_attrs_for_style_str("class:error").bold


def test_there_are_some() -> None:
    assert {"monokai", "default", "solarized-light"} <= set(PYGMENTS)


def test_an_unknown_theme_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no theme solarized-lite; did you mean solarized-light"):
        find_theme("solarized-lite", {})
    with pytest.raises(UsageError, match="no theme qqq; there are auto, dark, light, none, abap"):
        find_theme("qqq", {})


@pytest.mark.parametrize(
    "colorfgbg, is_dark_one",
    [
        (None, True),
        ("15;0", True),
        ("0;15", False),
        ("0;default;15", False),
        ("0;7", False),
        ("7;8", True),
        ("15;default", True),
        ("", True),
        ("0;²", True),
    ],
)
def test_auto_asks_the_terminal(colorfgbg: str | None, is_dark_one: bool) -> None:
    environ = {} if colorfgbg is None else {"COLORFGBG": colorfgbg}
    assert find_theme("auto", environ) is (DARK if is_dark_one else LIGHT)


def test_no_colour_outdoes_any_theme() -> None:
    plain = make_style("none").style_rules
    assert TerminalEnv("monokai", colour=False).style().style_rules == plain
    assert TerminalEnv("monokai").style().style_rules != plain


@pytest.mark.parametrize(
    "environ, depth",
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, ColorDepth.TRUE_COLOR),
        ({"TERM": "xterm-direct"}, ColorDepth.TRUE_COLOR),
        ({"TERM": "xterm-256color"}, ColorDepth.DEPTH_8_BIT),
        ({"TERM": "screen", "COLORTERM": "1"}, ColorDepth.DEPTH_8_BIT),
        ({"TERM": "linux"}, ColorDepth.DEPTH_4_BIT),
        ({"TERM": "xterm-16color"}, ColorDepth.DEPTH_4_BIT),
        ({"TERM": "vt220"}, ColorDepth.DEPTH_1_BIT),
        ({"TERM": "dumb"}, ColorDepth.DEPTH_1_BIT),
        ({}, ColorDepth.DEPTH_8_BIT),
    ],
)
def test_how_many_colours(environ: dict[str, str], depth: ColorDepth) -> None:
    assert color_depth(environ) is depth


def test_a_role_may_be_given_another_style() -> None:
    check_role("json.key", "bold underline #ff0000")
    style = make_style("dark", {"json.key": "bg:#00ff00 #000000"})
    assert style.get_attrs_for_style_str("class:json.key").bgcolor == "00ff00"


def test_a_colour_is_made_legible() -> None:
    assert legible("#ffffff", "#000000") == "#ffffff"
    assert contrast(legible("#333333", "#000000"), "#000000") >= 4.5
    assert contrast(legible("#dddddd", "#ffffff"), "#ffffff") >= 4.5
    assert is_dark("#202020")
    assert not is_dark("#dddddd")
