"""Every role is defined in every theme, and every class that is used there."""

from __future__ import annotations

import ast
import re

import pytest

from qmpsh.render.palettes import DARK
from qmpsh.render.theme import THEMES, TerminalColours
from qmpsh.ui.common.style import ROLES, WIDGETS, make_style
from tests.sources import PACKAGE, nodes


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_every_role(theme: str) -> None:
    assert set(THEMES[theme]) == set(DARK)


def test_no_colour_is_no_colour() -> None:
    assert "#" not in " ".join(THEMES["none"].values())


@pytest.mark.parametrize("theme", THEMES)
def test_a_style_can_be_made(theme: str) -> None:
    attrs = make_style(theme, TerminalColours()).get_attrs_for_style_str("class:error")
    assert attrs.bold


OTHER_PAIRS = {"connected", "disconnected", "null", "percent", "q", "replies", "tmux", "w"}
"""First members of pairs that are no styled text: keys, terminals, and states of jobs and
connections.
"""

LIBRARY = {"accepted", "exiting"}
"""Classes that prompt_toolkit gives a line at its end, and which are taken from it."""


def used_roles() -> set[str]:
    """First members of the (role, text) pairs in the source, and the classes in its strings."""
    roles = set()
    for _, node in (*nodes(PACKAGE / "render"), *nodes(PACKAGE / "ui")):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(role)), _]):
                roles.add(role)
            case ast.Constant(value=str(text)):
                roles.update(re.findall(r"class:([a-z.-]+[a-z])", text))
    return roles


def test_every_role_that_is_used_is_defined() -> None:
    known = set(DARK) | set(WIDGETS) | {"", "scrollbar.button"} | OTHER_PAIRS | LIBRARY
    assert {role for role in used_roles() if re.fullmatch(r"[a-z]+(\.[a-z]+)*", role)} <= known


def test_every_role_that_is_named_is_defined() -> None:
    assert set(ROLES.values()) | set(WIDGETS.values()) <= set(DARK) | {""}
