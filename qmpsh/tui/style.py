"""Maps the theme's roles to prompt_toolkit style classes, and applies them to its widgets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggest, ConditionalAutoSuggest
from prompt_toolkit.cursor_shapes import CursorShape, ModalCursorShapeConfig
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import BaseStyle, Style

from qmpsh.errors import UsageError
from qmpsh.nearest import did_you_mean
from qmpsh.view.theme import DARK, Line
from qmpsh.view.themes import BACKGROUND, find_theme

T = TypeVar("T")

NO_ROLES: Mapping[str, str] = {}
_ALL_COLOURS = frozenset({"truecolor", "24bit"})
_SIXTEEN = frozenset({"ansi", "cygwin", "linux", "eterm"})

SUGGESTION = "auto-suggestion"
"""prompt_toolkit's class for what it suggests to add to the line"""

# prompt_toolkit's class to our role. Each starts from an empty style, since prompt_toolkit's
# defaults have colours.
WIDGETS = {
    SUGGESTION: "dim",
    "completion-menu": "menu",
    "completion-menu.completion": "menu",
    "completion-menu.completion.current": "menu.current",
    "completion-menu.meta.completion": "menu.meta",
    "completion-menu.meta.completion.current": "menu.current",
    "scrollbar.background": "",
    "search-toolbar": "hint",
    "search-toolbar.prompt": "hint",
    "search-toolbar.text": "hint.current",
    "matching-bracket.other": "hint.current",
    "matching-bracket.cursor": "",
    "incsearch": "hint.current",
    "incsearch.current": "menu.current",
    "window-too-small": "error",
}


class ViCursor(ModalCursorShapeConfig):
    """Shows what a letter does by the cursor's shape in vi mode; else leaves the shape alone."""

    def get_cursor_shape(self, application: Application[object]) -> CursorShape:
        """See prompt_toolkit."""
        if application.editing_mode != EditingMode.VI:
            return CursorShape._NEVER_CHANGE
        return super().get_cursor_shape(application)


def theme_name(theme: str, *, colour: bool) -> str:
    """Return the theme to use, "none" without colour."""
    return theme if colour else "none"


def make_style(name: str, roles: Mapping[str, str] = NO_ROLES) -> Style:
    """Return the style of a theme. roles: styles that replace the theme's own.

    Raises UsageError for an unknown theme.
    """
    theme = {**find_theme(name, os.environ), **roles}
    base = theme.get(BACKGROUND, "")
    rules = list(theme.items())
    rules += [
        (widget, f"noinherit {base} {theme.get(role, '')}") for widget, role in WIDGETS.items()
    ]
    rules.append(("scrollbar.button", f"noinherit {base} reverse {theme['rule']}"))
    return Style(rules)


def check_role(role: str, style: str) -> None:
    """Raise UsageError for an unknown role or an invalid style."""
    if role not in DARK:
        hint = did_you_mean(role, DARK) or f"; there are {', '.join(DARK)}"
        raise UsageError(f"no role {role}{hint}")
    try:
        Style([(role, style)])
    except ValueError as error:
        message = f"expected a style such as bold #ff8787 or bg:#303030 #d0d0d0, not {style}"
        raise UsageError(message) from error


def color_depth(environ: Mapping[str, str]) -> ColorDepth:
    """Return how many colours the terminal has: two, sixteen, 256 or all.

    Source: COLORTERM as set by VTE, kitty and tmux; terminfo names.
    """
    term = environ.get("TERM", "")
    if environ.get("COLORTERM") in _ALL_COLOURS or term.endswith("-direct"):
        return ColorDepth.TRUE_COLOR
    if "256color" in term:
        return ColorDepth.DEPTH_8_BIT
    if term == "dumb" or term.startswith(("vt1", "vt2", "vt3", "vt5")) or term.endswith("-m"):
        return ColorDepth.DEPTH_1_BIT
    if term in _SIXTEEN or term.endswith(("-color", "-16color")):
        return ColorDepth.DEPTH_4_BIT
    return ColorDepth.DEPTH_8_BIT


def tells_apart(style: BaseStyle, class_name: str, depth: ColorDepth) -> bool:
    """Whether text of a class looks different from plain text at this colour depth."""
    plain, other = (style.get_attrs_for_style_str(text) for text in ("", f"class:{class_name}"))
    if depth is ColorDepth.DEPTH_1_BIT:
        plain, other = (look._replace(color="", bgcolor="") for look in (plain, other))
    return plain != other


def suggester(lines: AutoSuggest, app: Callable[[], Application[T]]) -> AutoSuggest:
    """Suggest what `lines` suggests, if suggestions look different from typed text."""

    def shows() -> bool:
        style = app().style
        return style is not None and tells_apart(style, SUGGESTION, app().color_depth)

    return ConditionalAutoSuggest(lines, Condition(shows))


def style_class(role: str) -> str:
    """Return the style string of a role; "" for plain text."""
    return f"class:{role}" if role else ""


def fragments(line: Line) -> StyleAndTextTuples:
    """Return a styled line in prompt_toolkit's form."""
    return [(style_class(role), text) for role, text in line]
