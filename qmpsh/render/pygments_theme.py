"""Makes themes from pygments styles.

A pygments style says how source text looks; each of our roles takes the colour of the most similar
token, made legible on the style's background, which the screen then uses too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pygments.styles import get_style_by_name
from pygments.token import string_to_tokentype

from qmpsh.render.colours import blend, full, is_dark, legible, one_of_256
from qmpsh.render.palettes import BACKGROUND, DARK, LIGHT, Theme

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
    "suggestion": "Token.Comment",
    "event.time": "Token.Comment",
    "event.name": "",
    "event.state": "Token.Keyword",
    "event.data": "Token.Comment",
    "hint": "Token.Comment",
    "hint.current": "",
    "progress": "Token.Keyword",
    "status": "",
    "menu": "",
    "menu.meta": "Token.Comment",
}
_RULE_CONTRAST = 3.0
"""WCAG 2.1, success criterion 1.4.11, for what is not text"""

_RAISED = (0.12, 0.2, 0.3)
"""share of the text's colour in the background of a bar: the first that makes it another colour"""


def make_theme(name: str, background: str = "", *, few: bool) -> Theme:
    """Return the theme of a pygments style: a style for every role, and a background.

    background: to use instead of its own; few: use 256 colours, as the terminal would for others
    """
    style = get_style_by_name(name)
    background = background or full(style.background_color)

    def colour(token: str, default: str) -> str:
        found = style.style_for_token(string_to_tokentype(token or "Token"))["color"]
        return f"#{found}" if found else default

    plain = colour("", legible("#000000", background))
    wanted = {role: colour(token, plain) for role, token in _TOKENS.items()}
    return _theme(one_of_256(background) if few else background, plain, wanted, few=few)


def _theme(background: str, plain: str, wanted: Mapping[str, str], *, few: bool) -> Theme:
    """Return a style for every role: in the wanted colour, else that of our own theme."""
    readable = partial(legible, few=few)
    raised = _raised(background, readable(plain, background), few=few)
    current = readable(wanted["prompt"], background)
    theme = {BACKGROUND: f"bg:{background} {readable(plain, background)}"}
    for role, own in (DARK if is_dark(background) else LIGHT).items():
        words = own.split()
        bold = ["bold"] if "bold" in words else []
        ours = next((word for word in words if word.startswith("#")), plain)
        colour = wanted.get(role, ours)
        if role == "menu.current":
            text = "#ffffff" if is_dark(current) else "#000000"
            theme[role] = f"bg:{current} bold {text}"
        elif role == "rule":
            theme[role] = readable(wanted["dim"], background, _RULE_CONTRAST)
        elif any(word.startswith("bg:") for word in words):
            theme[role] = " ".join([f"bg:{raised}", *bold, readable(colour, raised)])
        else:
            theme[role] = " ".join([*bold, readable(colour, background)])
    return theme


def _raised(background: str, text: str, *, few: bool) -> str:
    """Return the background of a bar."""
    blended = [blend(background, text, share) for share in _RAISED]
    if not few:
        return blended[0]
    found = [one_of_256(colour) for colour in blended]
    return next((colour for colour in found if colour != background), found[-1])
