"""A command line whose first word is not an address: what was meant, and how to write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from qmpsh.errors import UsageError, shortened
from qmpsh.link.address import EMPTY, no_scheme

_OPTIONS: Final = {"help": "--help", ".help": "--help", "man": "--help", "version": "--version"}
"""First words that name an option in the manner of other programs."""
_SCHEME: Final = r"([A-Za-z][A-Za-z0-9+.-]*):(?!\s)"
_FILE: Final = r"[^\s={]*[/.](?:sock|socket|qmp|monitor|mon|s)|[^\s={]+/[^\s]+"
_SHOWN: Final = 60  # characters of a line


def no_address_in(line: Sequence[str]) -> UsageError:
    """The error for a line where the address is expected. line: at least one word"""
    word = shortened(line[0], _SHOWN)
    if not word:
        return UsageError(EMPTY)
    meant = _OPTIONS.get(word.lower())
    if meant:
        return UsageError(f"{word} is not an address; did you mean qmpsh {meant}?")
    scheme = re.match(_SCHEME, line[0])
    if scheme:
        return UsageError(no_scheme(scheme[1]))
    if re.fullmatch(_FILE, line[0]):
        return UsageError(
            f"no such file: {word}; a socket that is still to come is written ./{word}, and"
            " --connect-timeout waits for it"
        )
    if _is_line(line):
        return UsageError(
            f"{_shown(line)} needs an address: qmpsh ./monitor.sock {_shown(line)}, or set"
            " QMP_SOCKET"
        )
    return UsageError(
        f"{word!r} is not a file; the first word must be an address, such as ./monitor.sock (or set"
        " QMP_SOCKET)"
    )


def _is_line(line: Sequence[str]) -> bool:
    """Whether the words read as a command with its arguments, rather than as a name and a line."""
    following = line[1] if len(line) > 1 else ""
    return "=" in following or following.startswith("-") or not following or line[0][0] in ".{"


def _shown(line: Sequence[str]) -> str:
    """A line of one word, and the beginning of one of several."""
    first = shortened(line[0], _SHOWN)
    first = f"'{first}'" if any(mark in first for mark in " {'\"") else first
    return first if len(line) == 1 else f"{first} ..."
