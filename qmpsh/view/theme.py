"""The roles of text, and what they look like.

A styled line is a list of (role, text), with a role from this table. The full screen uses the style
from its theme; elsewhere the SGR sequence is printed.
"""

from __future__ import annotations

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
