"""Colouring JSON text, one line at a time.

All text comes from `jsontext`, where a string never continues on the next line, so each line of
pretty-printed JSON can be tokenised on its own.
"""

from __future__ import annotations

import re

from qmpsh.view.theme import Line

_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=:)'
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*)"
    r"|(?P<literal>\b(?:true|false|null|NaN|Infinity)\b)"
    r"|(?P<punctuation>[^\s\"\w-]+)"
)


def json_line(text: str) -> Line:
    """Return one line of JSON as a list of (role, text); the joined texts equal the line."""
    line: Line = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            line.append(("", text[end : match.start()]))
        line.append((f"json.{match.lastgroup}", match[0]))
        end = match.end()
    if end < len(text):
        line.append(("", text[end:]))
    return line
