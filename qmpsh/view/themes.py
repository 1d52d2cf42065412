"""Themes by name: our own, and those made from pygments styles.

A pygments style says how source text looks. Each of our roles takes the colour of the most similar
token, made legible on the style's background, which the screen then uses too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qmpsh.errors import UsageError
from qmpsh.view.colour import blend, is_dark, legible
from qmpsh.view.theme import DARK, LIGHT, THEMES

AUTO = "auto"
BACKGROUND = ""
"""The role of all other text; present only in a theme with its own background."""

Theme = Mapping[str, str]

# Each role, and the token whose colour it takes; "" for the style's plain text.
_TOKENS = {
    "prompt": "Token.Keyword",
    "echo": "",
    "json.key": "Token.Name.Tag",
    "json.string": "Token.Literal.String",
    "json.number": "Token.Literal.Number",
    "json.literal": "Token.Keyword.Constant",
    "json.punctuation": "Token.Punctuation",
    "dim": "Token.Comment",
    "event.time": "Token.Comment",
    "event.name": "",
    "event.state": "Token.Keyword",
    "hint": "Token.Comment",
    "hint.current": "",
    "progress": "Token.Keyword",
    "status": "",
    "menu": "",
    "menu.meta": "Token.Comment",
}
_RULE_CONTRAST = 3.0  # WCAG 2.1, 1.4.11: for what is not text


def theme_names() -> list[str]:
    """Return all names, our own first."""
    return [AUTO, *THEMES, *sorted(_styles())]


def find_theme(name: str, environ: Mapping[str, str]) -> Theme:
    """Return a theme by name: role to style. environ: for "auto".

    Raises UsageError, suggesting the nearest names, if there is no such theme.
    """
    if name == AUTO:
        name = "dark" if has_dark_background(environ) else "light"
    theme = THEMES.get(name)
    return theme if theme is not None else _from_pygments(name)


def has_dark_background(environ: Mapping[str, str]) -> bool:
    """Whether the terminal reports a dark background, or nothing.

    Source: COLORFGBG of rxvt, "15;0" or "15;default;0".
    """
    colour = environ.get("COLORFGBG", "").rpartition(";")[2]
    # Of the sixteen colours, 7 is light grey, 8 is dark grey, and those from 9 on are bright.
    return not (colour.isascii() and colour.isdigit() and (int(colour) == 7 or int(colour) >= 9))


def _styles() -> Sequence[str]:
    # Imported here, as below: our own themes do without pygments.
    from pygments.styles import STYLE_MAP

    return list(STYLE_MAP)


def _from_pygments(name: str) -> Theme:
    from pygments.styles import get_style_by_name
    from pygments.token import string_to_tokentype
    from pygments.util import ClassNotFound

    from qmpsh.nearest import did_you_mean

    try:
        style = get_style_by_name(name)
    except ClassNotFound as error:
        hint = did_you_mean(name, theme_names()) or f"; there are {', '.join(theme_names())}"
        raise UsageError(f"no theme {name}{hint}") from error
    background = _full(style.background_color)

    def colour(token: str) -> str:
        found = style.style_for_token(string_to_tokentype(token or "Token"))["color"]
        return f"#{found}" if found else plain

    plain = legible("#000000", background)
    plain = colour("")
    return _theme(background, plain, {role: colour(token) for role, token in _TOKENS.items()})


def _theme(background: str, plain: str, colours: Mapping[str, str]) -> Theme:
    """Return a style for every role: in the given colour, else that of our own theme."""
    raised = blend(background, legible(plain, background), 0.12)
    current = legible(colours["prompt"], background)
    theme = {BACKGROUND: f"bg:{background} {legible(plain, background)}"}
    for role, own in (DARK if is_dark(background) else LIGHT).items():
        words = own.split()
        bold = ["bold"] if "bold" in words else []
        wanted = colours.get(role) or next(word for word in words if word.startswith("#"))
        if role == "menu.current":
            text = "#000000" if not is_dark(current) else "#ffffff"
            theme[role] = f"bg:{current} bold {text}"
        elif role == "rule":
            theme[role] = legible(colours["dim"], background, _RULE_CONTRAST)
        elif any(word.startswith("bg:") for word in words):
            theme[role] = " ".join([f"bg:{raised}", *bold, legible(wanted, raised)])
        else:
            theme[role] = " ".join([*bold, legible(wanted, background)])
    return theme


def _full(colour: str) -> str:
    """Expand `#fff` to `#ffffff`."""
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
