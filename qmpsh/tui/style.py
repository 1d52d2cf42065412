"""The theme's roles as prompt_toolkit's style classes, and its own widgets dressed in them."""

from __future__ import annotations

from prompt_toolkit.application import Application
from prompt_toolkit.cursor_shapes import CursorShape, ModalCursorShapeConfig
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.styles import Style

from qmpsh.view.theme import THEMES, Line

# prompt_toolkit's class to our role. Its own defaults bring colours of their own, so that each of
# these begins from nothing.
WIDGETS = {
    "auto-suggestion": "dim",
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
    """The theme to use; an unknown name is the dark one."""
    if not colour:
        return "none"
    return theme if theme in THEMES else "dark"


def make_style(name: str) -> Style:
    """name: a key of THEMES."""
    theme = THEMES[name]
    rules = list(theme.items())
    rules += [(widget, f"noinherit {theme.get(role, '')}") for widget, role in WIDGETS.items()]
    rules.append(("scrollbar.button", f"noinherit reverse {theme['rule']}"))
    return Style(rules)


def style_class(role: str) -> str:
    """The style string of a role; "" for plain text."""
    return f"class:{role}" if role else ""


def fragments(line: Line) -> StyleAndTextTuples:
    """A styled line as prompt_toolkit wants it."""
    return [(style_class(role), text) for role, text in line]
