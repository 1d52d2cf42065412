"""The palettes: a prompt_toolkit style for every role, for each kind of terminal.

A role without a colour has the terminal's own foreground; it needs `noinherit` where the row that
it stands in has another. No meaning depends on colour alone. `tests/render/test_contrast.py`
computes the contrast of every role. What the sixteen colours look like varies, so each one here is
legible both as xterm and as the VGA console show it, and the same in its bright form, which bold
text has on many terminals. No background is bright: not all of these terminals have one.
"""

from __future__ import annotations

from collections.abc import Mapping

Theme = Mapping[str, str]
"""role to style"""

BACKGROUND = ""
"""the role of all other text; present only in a theme with its own background"""

# 256 colours: each is one of the cube or of the greys, which look the same everywhere.

DARK: Theme = {
    "prompt": "bold #87afff",
    "echo": "",
    "json.key": "#87afff",
    "json.string": "#afd787",
    "json.number": "#d7af87",
    "json.literal": "#d787d7",
    "json.punctuation": "#9e9e9e",
    "error": "bold #ff8787",
    "good": "#87d787",
    "warning": "#ffd75f",
    "dim": "#9e9e9e",
    "suggestion": "#9e9e9e",
    "rule": "#767676",
    "status": "bg:#303030 #d0d0d0",
    "status.running": "bg:#303030 bold #87d787",
    "status.paused": "bg:#303030 bold #ffd75f",
    "status.ended": "bg:#303030 bold #ff8787",
    "event.time": "#9e9e9e",
    "event.name": "bold",
    "event.severe": "bold #ff8787",
    "event.state": "bold #87afff",
    "event.data": "#9e9e9e",
    "hint": "#9e9e9e",
    "hint.current": "noinherit bold",
    "hint.error": "#ff8787",
    "menu": "bg:#303030 #d0d0d0",
    "menu.current": "bg:#5f87d7 bold #000000",
    "menu.meta": "bg:#303030 #b2b2b2",
    "progress": "#87afff",
    "match": "bg:#5f5f00 #ffffff",
    "match.current": "bg:#ffd75f bold #000000",
}
LIGHT: Theme = {
    "prompt": "bold #005faf",
    "echo": "",
    "json.key": "#005faf",
    "json.string": "#005f00",
    "json.number": "#875f00",
    "json.literal": "#8700af",
    "json.punctuation": "#6c6c6c",
    "error": "bold #af0000",
    "good": "#005f00",
    "warning": "#875f00",
    "dim": "#6c6c6c",
    "suggestion": "#6c6c6c",
    "rule": "#767676",
    "status": "bg:#e4e4e4 #303030",
    "status.running": "bg:#e4e4e4 bold #005f00",
    "status.paused": "bg:#e4e4e4 bold #5f5f00",
    "status.ended": "bg:#e4e4e4 bold #af0000",
    "event.time": "#6c6c6c",
    "event.name": "bold",
    "event.severe": "bold #af0000",
    "event.state": "bold #005faf",
    "event.data": "#6c6c6c",
    "hint": "#6c6c6c",
    "hint.current": "noinherit bold",
    "hint.error": "#af0000",
    "menu": "bg:#e4e4e4 #303030",
    "menu.current": "bg:#005faf bold #ffffff",
    "menu.meta": "bg:#e4e4e4 #585858",
    "progress": "#005faf",
    "match": "bg:#ffffaf #262626",
    "match.current": "bg:#ffd75f bold #000000",
}
NEUTRAL: Theme = {
    "prompt": "bold #5f87d7",
    "echo": "",
    "json.key": "#5f87d7",
    "json.string": "#5f8700",
    "json.number": "#af5f00",
    "json.literal": "#af5fd7",
    "json.punctuation": "#808080",
    "error": "bold #ff0000",
    "good": "#5f8700",
    "warning": "#af8700",
    "dim": "#808080",
    "suggestion": "#808080",
    "rule": "#808080",
    "status": "bg:#4e4e4e #ffffff",
    "status.running": "bg:#4e4e4e bold #87d787",
    "status.paused": "bg:#4e4e4e bold #ffd75f",
    "status.ended": "bg:#4e4e4e bold #ffafaf",
    "event.time": "#808080",
    "event.name": "bold",
    "event.severe": "bold #ff0000",
    "event.state": "bold #5f87d7",
    "event.data": "#808080",
    "hint": "#808080",
    "hint.current": "noinherit bold",
    "hint.error": "#ff0000",
    "menu": "bg:#4e4e4e #ffffff",
    "menu.current": "reverse",
    "menu.meta": "bg:#4e4e4e #d0d0d0",
    "progress": "#5f87d7",
    "match": "bg:#5f5f00 #ffffff",
    "match.current": "bg:#ffd75f bold #000000",
}
"""For a terminal whose background is not known: legible on black and on white."""

# Sixteen colours. They have no grey that is legible everywhere, so that what is dim with more
# colours is plain here, and what matters is bold or on a background of its own.

_ERROR = "bg:ansired bold ansiwhite"

DARK_16: Theme = {
    **dict.fromkeys(DARK, ""),
    "prompt": "bold ansicyan",
    "json.key": "ansicyan",
    "json.string": "ansigreen",
    "json.number": "ansibrightyellow",
    "json.literal": "ansibrightmagenta",
    "error": _ERROR,
    "good": "ansigreen",
    "warning": "ansibrightyellow",
    "suggestion": "underline",
    "status": "bg:ansiblue ansigray",
    "status.running": "bg:ansiblue bold ansibrightgreen",
    "status.paused": "bg:ansiblue bold ansibrightyellow",
    "status.ended": _ERROR,
    "event.name": "bold",
    "event.severe": _ERROR,
    "event.state": "bold ansicyan",
    "hint.current": "noinherit bold",
    "hint.error": _ERROR,
    "menu": "bg:ansiblue ansigray",
    "menu.current": "reverse",
    "menu.meta": "bg:ansiblue ansigray",
    "progress": "ansicyan",
    "match": "underline",
    "match.current": "bg:ansicyan ansiblack",
}
LIGHT_16: Theme = {
    **DARK_16,
    "prompt": "bold ansiblue",
    "json.key": "ansiblue",
    "json.string": "ansimagenta",
    "json.number": "ansired",
    "json.literal": "ansimagenta",
    "good": "",
    "warning": "ansimagenta",
    "event.state": "bold ansiblue",
    "progress": "ansiblue",
    "match.current": "bg:ansiblue ansigray",
}
NEUTRAL_16: Theme = {
    **LIGHT_16,
    "prompt": "bold ansibrightblue",
    "json.key": "ansibrightblue",
    "json.number": "",
    "event.state": "bold ansibrightblue",
    "progress": "ansibrightblue",
}

NO_COLOUR: Theme = {
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
    "hint.current": "noinherit bold",
    "menu.current": "reverse",
    "match": "underline",
    "match.current": "reverse",
}
