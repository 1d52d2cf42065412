"""The appearance of text: the themes that style its roles, for a terminal, and the symbols.

A styled line is a list of (role, text), with a role of the palettes. The full screen uses the
style from its theme; elsewhere the SGR sequence is printed.

Themes go by name: our own, which are the palettes, and those made from pygments styles.

Each symbol has an ASCII equivalent for terminals without UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache, partial

from qmpsh.errors import UsageError
from qmpsh.light_typing import NamedTuple
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

Fragment = tuple[str, str]
"""(role, text); role "" is plain text"""
Line = list[Fragment]


def plain(line: Line) -> str:
    """Return the line's text without colours."""
    return "".join(text for _, text in line)


# ---------------------------------------------------------------------------- the terminal


class Depth(IntEnum):
    """How many colours a terminal has, as bits."""

    NONE = 1
    SIXTEEN = 4
    PALETTE = 8
    ALL = 24


class TerminalColours(NamedTuple):
    """What the colours of a theme depend on.

    background: `#rrggbb`, "" if not known
    fills:      whether all that is shown may have the background of a theme
    """

    depth: Depth = Depth.PALETTE
    background: str = ""
    fills: bool = True


_ALL_COLOURS = frozenset({"truecolor", "24bit"})
_SIXTEEN = frozenset({"ansi", "cygwin", "linux", "eterm", "screen"})


def colour_depth(environ: Mapping[str, str]) -> Depth:
    """Return how many colours the terminal has.

    Source: COLORTERM as set by VTE, kitty and tmux; terminfo names.
    """
    term = environ.get("TERM", "")
    if environ.get("COLORTERM") in _ALL_COLOURS or term.endswith("-direct"):
        return Depth.ALL
    if "256color" in term:
        return Depth.PALETTE
    if has_no_colours(term) or term.endswith("-m"):
        return Depth.NONE
    if term in _SIXTEEN or term.endswith(("-color", "-16color")):
        return Depth.SIXTEEN
    return Depth.PALETTE


def has_no_colours(term: str) -> bool:
    """Whether a terminal is one of the older VTs, or none at all."""
    return term == "dumb" or term.startswith(("vt1", "vt2", "vt3", "vt4", "vt5"))


def stated_background(environ: Mapping[str, str]) -> str:
    """Return black or white, the nearer to the background that the variables state; "" if none.

    Source: COLORFGBG of rxvt, "15;0" or "15;default;0". Linux's own console is black.
    """
    if environ.get("TERM") == "linux":
        return "#000000"
    colour = environ.get("COLORFGBG", "").rpartition(";")[2]
    if not (colour.isascii() and colour.isdigit()):
        return ""
    # Of the sixteen colours, 7 is light grey, 8 is dark grey, and those from 9 on are bright.
    return "#ffffff" if int(colour) == 7 or int(colour) >= 9 else "#000000"


def terminal_colours(environ: Mapping[str, str], background: str = "") -> TerminalColours:
    """Return what is known of the terminal. background: as it answered, "" without an answer"""
    return TerminalColours(colour_depth(environ), stated_background(environ) or background)


LITERAL = "="
"""What a role begins with that is a style itself, of a text that has colours of its own."""


# ---------------------------------------------------------------------------- outside the screen

MAX_STYLES = 4096
"""styles whose sequence is remembered: a picture has thousands"""

SGR_WEIGHTS = {"bold": "1", "italic": "3", "underline": "4", "reverse": "7"}
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan")
SGR_COLOURS = {
    **{f"ansi{name}": 30 + index for index, name in enumerate((*_NAMES, "gray"))},
    **{f"ansibright{name}": 90 + index for index, name in enumerate(_NAMES)},
    "ansiwhite": 97,
}
BACKGROUND_SGR = 10  # what it adds to the parameter of a foreground


def printed_theme(environ: Mapping[str, str]) -> Theme:
    """Return the theme "auto" for what is printed by a program that asks the terminal nothing.

    Whoever prints in colours has decided on them: they are sixteen at least.
    """
    colours = terminal_colours(environ)
    return find_theme(AUTO, colours._replace(depth=max(colours.depth, Depth.SIXTEEN)))


def painter(theme: Theme, *, exact: bool = False) -> Callable[[Line], str]:
    """Return what gives a line the SGR sequences of a theme.

    exact: with all colours, not the nearest of 256
    """
    return partial(_paint, theme, exact=exact)


def _paint(theme: Theme, line: Line, *, exact: bool) -> str:
    return "".join(
        _painted(_sgr_parameters(style_of(role, theme), exact=exact), text) for role, text in line
    )


def style_of(role: str, theme: Theme) -> str:
    """Return the style of a role, which may be a style itself."""
    return role.removeprefix(LITERAL) if role.startswith(LITERAL) else theme.get(role, "")


def _painted(parameters: str, text: str) -> str:
    return f"\x1b[{parameters}m{text}\x1b[0m" if parameters and text else text


@lru_cache(MAX_STYLES)
def _sgr_parameters(style: str, *, exact: bool) -> str:
    return ";".join(filter(None, [_sgr_parameter(word, exact=exact) for word in style.split()]))


def _sgr_parameter(word: str, *, exact: bool) -> str:
    """Return the parameter of a word of a style; "" if it has none."""
    if word in SGR_WEIGHTS:
        return SGR_WEIGHTS[word]
    colour = word.removeprefix("bg:")
    added = 0 if colour == word else BACKGROUND_SGR
    if colour in SGR_COLOURS:
        return str(SGR_COLOURS[colour] + added)
    if not colour.startswith("#"):
        return ""
    # Imported here: terminals of sixteen colours do without.
    from qmpsh.render.colours import full, index_of_256

    if exact:
        red, green, blue = bytes.fromhex(full(colour)[1:])
        return f"{38 + added};2;{red};{green};{blue}"
    return f"{38 + added};5;{index_of_256(full(colour))}"


# ---------------------------------------------------------------------------- themes by name

AUTO = "auto"
THEMES = {"dark": DARK, "light": LIGHT, "none": NO_COLOUR}
_OF_SIXTEEN = {"dark": DARK_16, "light": LIGHT_16, "none": NO_COLOUR}


def theme_names() -> list[str]:
    """Return all names, our own first."""
    return [AUTO, *THEMES, *sorted(_styles())]


def check_theme(name: str) -> None:
    """Raise UsageError, suggesting the nearest names, if there is no such theme."""
    find_theme(name, TerminalColours())


def find_theme(name: str, terminal: TerminalColours) -> Theme:
    """Return a theme by name: role to style. Raises UsageError if there is none.

    Sixteen colours cannot show a pygments style: there it is as "auto".
    """
    if name != AUTO and name not in THEMES:
        theme = _from_pygments(name, terminal)
        if theme is not None:
            return theme
        name = AUTO
    if terminal.depth == Depth.NONE:
        return NO_COLOUR
    of_sixteen = terminal.depth <= Depth.SIXTEEN
    if name == AUTO:
        if not terminal.background:
            return NEUTRAL_16 if of_sixteen else NEUTRAL
        # Imported here: few terminals are known before the first frame.
        from qmpsh.render.colours import is_dark

        name = "dark" if is_dark(terminal.background) else "light"
    return (_OF_SIXTEEN if of_sixteen else THEMES)[name]


def _styles() -> Sequence[str]:
    # Imported here: our own themes do without pygments.
    from pygments.styles import STYLE_MAP

    return list(STYLE_MAP)


def _from_pygments(name: str, terminal: TerminalColours) -> Theme | None:
    """Return a theme of a pygments style; None on a terminal that cannot show it."""
    if name not in _styles():
        # Imported here: an error alone needs it.
        from qmpsh.suggest import did_you_mean

        hint = did_you_mean(name, theme_names()) or f"; there are {', '.join(theme_names())}"
        raise UsageError(f"no theme {name}{hint}")
    if terminal.depth <= Depth.SIXTEEN or not (terminal.fills or terminal.background):
        return None
    # Imported here: our own themes do without pygments.
    from qmpsh.render.pygments_theme import make_theme

    few = terminal.depth < Depth.ALL
    if terminal.fills:
        return make_theme(name, few=few)
    theme = make_theme(name, terminal.background, few=few)
    return {role: style for role, style in theme.items() if role != BACKGROUND}


class Glyphs(NamedTuple):
    """The symbols in use.

    rule:        between the panes
    times:       before a multiplier
    more:        marks what was left out
    dot:         between the parts of a line of ours
    down:        towards the newest line
    full, empty: cells of a progress bar
    stem, branch, last_branch: of a tree: past a node, to one, to the last one
    """

    rule: str = "│"
    times: str = "×"  # noqa: RUF001 - the multiplication sign is meant
    more: str = "…"
    dot: str = "·"
    down: str = "↓"
    full: str = "█"
    empty: str = "░"
    stem: str = "│  "
    branch: str = "├─ "
    last_branch: str = "└─ "


UNICODE = Glyphs()
ASCII = Glyphs(
    rule="|", times="x", more="...", dot="-", down="v", full="#", empty="-",
    stem="|   ", branch="|-- ", last_branch="`-- ",
)  # fmt: skip


def glyphs_for(encoding: str | None) -> Glyphs:
    """Return the symbols for an encoding: that of the terminal's stream, None if unknown."""
    return UNICODE if (encoding or "").lower().replace("-", "") == "utf8" else ASCII
