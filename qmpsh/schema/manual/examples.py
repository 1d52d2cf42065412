"""The examples of QEMU's manual, which are JSON, as lines of the language."""

from __future__ import annotations

import json

from qmpsh.jsontypes import JsonObject
from qmpsh.language.formatting import format_command

MAX_EXAMPLES = 3
"""examples that are shown"""
_MARK = "-> {"
_DECODER = json.JSONDecoder()


def example_lines(text: str, name: str) -> list[str]:
    """Return the commands of one name in a text of the manual, each once; [] for none.

    text: as laid out for a terminal; what is not JSON there is left out
    """
    lines: list[str] = []
    at = text.find(_MARK)
    while at >= 0 and len(lines) < MAX_EXAMPLES:
        arguments = _arguments(text, at + len(_MARK) - 1, name)
        if arguments is not None:
            line = format_command(name, arguments, dotted=True)
            if line not in lines:
                lines.append(line)
        at = text.find(_MARK, at + 1)
    return lines


def _arguments(text: str, start: int, name: str) -> JsonObject | None:
    """Return the arguments of a command that begins there; None for another one, or none."""
    try:
        found: object = _DECODER.raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("execute") != name:
        return None
    arguments = found.get("arguments", {})
    return arguments if isinstance(arguments, dict) else None
