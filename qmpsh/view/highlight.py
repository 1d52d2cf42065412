"""Colouring JSON text, one line at a time.

Only text that we printed ourselves comes here (`jsontext`), so that a line of pretty-printed JSON
can be cut into tokens on its own: a string never runs over a line's end.
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


def json_line(text: str) -> Line:
    """One line of JSON text as (role, text); joined, the texts are the line again."""
    line: Line = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            line.append(("", text[end : match.start()]))
        end = match.end()
        is_key = match.lastgroup == "string" and text.startswith(":", end)
        line.append(("json.key" if is_key else f"json.{match.lastgroup}", match[0]))
    if end < len(text):
        line.append(("", text[end:]))
    return line
