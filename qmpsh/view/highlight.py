"""Colouring JSON text, one line at a time.

All text comes from `jsontext`, where a string never continues on the next line, so each line of
pretty-printed JSON can be tokenised on its own.
"""

from __future__ import annotations

import re

from qmpsh.view.theme import Line

# Possessive: what `re` could come back to it remembers, 165 bytes for each character of a string.
_TOKEN = re.compile(
    r'(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")'
    r"|(?P<number>-?\d[\d.eE+-]*)"
    r"|(?P<literal>\b(?:true|false|null|NaN|Infinity)\b)"
    r"|(?P<punctuation>[^\s\"\w-]+)"
)


_COLOURED = 64 * 1024
"""characters of one line that are coloured: nothing reads the colours of more, all wait for them"""


def json_line(text: str) -> Line:
    """Return one line of JSON as a list of (role, text); the joined texts equal the line."""
    line: Line = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            line.append(("", text[end : match.start()]))
        end = match.end()
        is_key = match.lastgroup == "string" and text.startswith(":", end)
        line.append(("json.key" if is_key else f"json.{match.lastgroup}", match[0]))
        if end > _COLOURED:
            break
    if end < len(text):
        line.append(("", text[end:]))
    return line
