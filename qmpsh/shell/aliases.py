"""Aliases: a word of the prompt that stands for the beginning of a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qmpsh.shell.settings import Prompt

HMP_PROMPT: Final[Prompt] = "(hmp) "
"""Where it stands no word is an alias: a line there is the human monitor's own."""


def expand(line: str, aliases: Mapping[str, str]) -> str:
    """The line with its first word replaced; what follows it stays behind. Never twice."""
    word = line.split(None, 1)[0] if line.strip() else ""
    if word not in aliases:
        return line
    at = line.index(word)
    return line[:at] + aliases[word] + line[at + len(word) :]
