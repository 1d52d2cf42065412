"""The theme's roles as prompt_toolkit's style classes, and its own widgets dressed in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import (
    AutoSuggest,
    AutoSuggestFromHistory,
    ConditionalAutoSuggest,
)
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
"""prompt_toolkit's class of what it would add to the line"""

# prompt_toolkit's class to our role. Its own defaults bring colours of their own, so that each of
# these begins from nothing.
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
    """In vi mode the cursor's shape tells what a letter does; otherwise it is the terminal's."""

    def get_cursor_shape(self, application: Application[object]) -> CursorShape:
        """See prompt_toolkit."""
        if application.editing_mode != EditingMode.VI:
            return CursorShape._NEVER_CHANGE
        return super().get_cursor_shape(application)


def theme_name(theme: str, *, colour: bool) -> str:
    """The theme to use: none without colour."""
    return theme if colour else "none"


def make_style(name: str, roles: Mapping[str, str] = NO_ROLES) -> Style:
    """The style of a theme. roles: styles that stand in the place of the theme's own.

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
    """Raises UsageError for a role that there is not, or a style that is none."""
    if role not in DARK:
        hint = did_you_mean(role, DARK) or f"; there are {', '.join(DARK)}"
        raise UsageError(f"no role {role}{hint}")
    try:
        Style([(role, style)])
    except ValueError as error:
        message = f"expected a style such as bold #ff8787 or bg:#303030 #d0d0d0, not {style}"
        raise UsageError(message) from error


def color_depth(environ: Mapping[str, str]) -> ColorDepth:
    """How many colours the terminal has: two, sixteen, 256 or all.

    Source: COLORTERM as VTE, kitty and tmux set it; the names of terminfo.
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
    """Whether text of a class looks other than plain text on a terminal with so many colours."""
    plain, other = (style.get_attrs_for_style_str(text) for text in ("", f"class:{class_name}"))
    if depth is ColorDepth.DEPTH_1_BIT:
        plain, other = (look._replace(color="", bgcolor="") for look in (plain, other))
    return plain != other


def suggester(app: Callable[[], Application[T]]) -> AutoSuggest:
    """Suggests lines of the history, where a suggestion can be told from what was typed."""

    def shows() -> bool:
        style = app().style
        return style is not None and tells_apart(style, SUGGESTION, app().color_depth)

    return ConditionalAutoSuggest(AutoSuggestFromHistory(), Condition(shows))


def style_class(role: str) -> str:
    """The style string of a role; "" for plain text."""
    return f"class:{role}" if role else ""


def fragments(line: Line) -> StyleAndTextTuples:
    """A styled line as prompt_toolkit wants it."""
    return [(style_class(role), text) for role, text in line]
