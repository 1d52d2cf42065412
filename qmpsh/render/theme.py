"""The appearance of text: its roles, the themes that style them, their colours, and the symbols.

A styled line is a list of (role, text), with a role from the table here. The full screen uses the
style from its theme; elsewhere the SGR sequence is printed.

Themes go by name: our own, and those made from pygments styles. A pygments style says how source
text looks; each of our roles takes the colour of the most similar token, made legible on the
style's background, which the screen then uses too. Colours are `#rrggbb`.

Each symbol has an ASCII equivalent for terminals without UTF-8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qmpsh.errors import UsageError

Fragment = tuple[str, str]
"""(role, text); role "" is plain text"""
Line = list[Fragment]

# prompt_toolkit style strings. Contrast against #1c1c1c (dark) and #ffffff (light) is at least
# 4.5 : 1 (WCAG AA); a test computes it. No meaning depends on colour alone.
DARK = {
    "prompt": "bold #87afff",
    "echo": "#e4e4e4",
    "json.key": "#87afff",
    "json.string": "#afd787",
    "json.number": "#d7af87",
    "json.literal": "#d787d7",
    "json.punctuation": "#9e9e9e",
    "error": "bold #ff8787",
    "warning": "#ffd75f",
    "dim": "#9e9e9e",
    "rule": "#767676",
    "status": "bg:#303030 #d0d0d0",
    "status.running": "bg:#303030 bold #87d787",
    "status.paused": "bg:#303030 bold #ffd75f",
    "status.ended": "bg:#303030 bold #ff8787",
    "event.time": "#9e9e9e",
    "event.name": "bold #e4e4e4",
    "event.severe": "bold #ff8787",
    "event.state": "bold #87afff",
    "event.data": "#b2b2b2",
    "hint": "#9e9e9e",
    "hint.current": "bold #e4e4e4",
    "hint.error": "#ff8787",
    "menu": "bg:#303030 #d0d0d0",
    "menu.current": "bg:#5f87d7 bold #000000",
    "menu.meta": "bg:#303030 #b2b2b2",
    "progress": "#87afff",
    "match": "bg:#5f5f00 #ffffff",
    "match.current": "bg:#ffd75f bold #000000",
}
LIGHT = {
    "prompt": "bold #005faf",
    "echo": "#262626",
    "json.key": "#005faf",
    "json.string": "#005f00",
    "json.number": "#875f00",
    "json.literal": "#8700af",
    "json.punctuation": "#6c6c6c",
    "error": "bold #af0000",
    "warning": "#875f00",
    "dim": "#6c6c6c",
    "rule": "#767676",
    "status": "bg:#e4e4e4 #303030",
    "status.running": "bg:#e4e4e4 bold #005f00",
    "status.paused": "bg:#e4e4e4 bold #5f5f00",
    "status.ended": "bg:#e4e4e4 bold #af0000",
    "event.time": "#6c6c6c",
    "event.name": "bold #262626",
    "event.severe": "bold #af0000",
    "event.state": "bold #005faf",
    "event.data": "#585858",
    "hint": "#6c6c6c",
    "hint.current": "bold #262626",
    "hint.error": "#af0000",
    "menu": "bg:#e4e4e4 #303030",
    "menu.current": "bg:#005faf bold #ffffff",
    "menu.meta": "bg:#e4e4e4 #585858",
    "progress": "#005faf",
    "match": "bg:#ffffaf #262626",
    "match.current": "bg:#ffd75f bold #000000",
}
NO_COLOUR = {
    **dict.fromkeys(DARK, ""),
    "prompt": "bold",
    "error": "bold",
    "status": "reverse",
    "status.running": "reverse bold",
    "status.paused": "reverse bold",
    "status.ended": "reverse bold",
    "event.name": "bold",
    "event.severe": "bold underline",
    "event.state": "bold",
    "hint.current": "bold",
    "menu": "reverse",
    "menu.current": "bold underline",
    "menu.meta": "reverse",
    "match": "underline",
    "match.current": "reverse",
}
THEMES = {"dark": DARK, "light": LIGHT, "none": NO_COLOUR}

# SGR parameters for output outside the full screen, from the sixteen colours all terminals have.
SGR = {
    "json.key": "34;1",
    "json.string": "32",
    "json.number": "33",
    "json.literal": "35",
    "error": "31;1",
    "warning": "33",
    "dim": "2",
}


def sgr(line: Line) -> str:
    """Return the line's text with SGR sequences around coloured parts."""
    return "".join(
        f"\x1b[{SGR[role]}m{text}\x1b[0m" if role in SGR and text else text for role, text in line
    )


def plain(line: Line) -> str:
    """Return the line's text without colours."""
    return "".join(text for _, text in line)


LEGIBLE = 4.5
"""WCAG 2.1, success criterion 1.4.3 (AA), for text"""

_STEPS = 20


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.1, "relative luminance"."""
    red, green, blue = (
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def is_dark(colour: str) -> bool:
    """Whether white text on it is more legible than black."""
    return contrast(colour, "#ffffff") > contrast(colour, "#000000")


def blend(one: str, other: str, share: float) -> str:
    """Mix two colours. share: of the other, 0 to 1."""
    return "#" + "".join(
        f"{round(a + (b - a) * share):02x}"
        for a, b in zip(_channels(one), _channels(other), strict=True)
    )


def legible(colour: str, background: str, least: float = LEGIBLE) -> str:
    """Return the colour, moved towards black or white until legible on the background.

    least: contrast ratio to reach
    """
    goal = "#ffffff" if is_dark(background) else "#000000"
    for step in range(_STEPS + 1):
        found = blend(colour, goal, step / _STEPS)
        if contrast(found, background) >= least:
            return found
    return goal


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


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

    from qmpsh.suggest import did_you_mean

    try:
        style = get_style_by_name(name)
    except ClassNotFound as error:
        hint = did_you_mean(name, theme_names()) or f"; there are {', '.join(theme_names())}"
        raise UsageError(f"no theme {name}{hint}") from error
    background = _full(style.background_color)

    def colour(token: str, default: str) -> str:
        found = style.style_for_token(string_to_tokentype(token or "Token"))["color"]
        return f"#{found}" if found else default

    plain = colour("", legible("#000000", background))
    roles = {role: colour(token, plain) for role, token in _TOKENS.items()}
    return _theme(background, plain, roles)


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


class Glyphs(NamedTuple):
    """The symbols in use.

    rule:        between the panes
    times:       before a multiplier
    more:        marks what was left out
    dot:         between the parts of a line of ours
    down:        towards the newest line
    full, empty: cells of a progress bar
    """

    rule: str = "│"
    times: str = "×"  # noqa: RUF001 - the multiplication sign is meant
    more: str = "…"
    dot: str = "·"
    down: str = "↓"
    full: str = "█"
    empty: str = "░"


UNICODE = Glyphs()
ASCII = Glyphs(rule="|", times="x", more="...", dot="-", down="v", full="#", empty="-")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Return the symbols for an encoding: that of the terminal's stream, None if unknown."""
    return UNICODE if (encoding or "").lower().replace("-", "") == "utf8" else ASCII
