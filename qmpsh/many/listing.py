"""Which sockets of another host match a glob: the script for its shell, and what that prints. Pure.

The script goes to the standard input of a `/bin/sh` there, so that no login shell reads it. It
prints names that end with a NUL, since a name may hold anything else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

from qmpsh.errors import CannotConnect
from qmpsh.many.ranges import MOST

MAX_BYTES: Final = 4 << 20
"""bytes that a host may print"""

_BEGINS: Final = b"\0qmpsh\0"
"""What is before the names: a login shell may print something first."""

_START: Final = "printf '\\0qmpsh\\0'\n"
_SCRIPT: Final = """\
for f in {glob}; do
    [ -S "$f" ] && printf '%s\\0' "$f"
done
printf '\\0'
"""
_PLAIN: Final = re.compile(r"[\w./,+@%:=*?\[\]-]+", re.ASCII)
_PIECES: Final = re.compile(rf"(?<=\[)[!^]|{_PLAIN.pattern}|.", re.ASCII | re.DOTALL)

_CUT: Final = "the list of its sockets is cut off"
_TOO_MANY: Final = f"more than {MOST} sockets match there"


def script(globs: Sequence[str]) -> bytes:
    """Return a script that prints the sockets that match each, and a NUL after them."""
    loops = (_SCRIPT.format(glob=quoted_glob(one)) for one in globs)
    return os.fsencode(_START + "".join(loops))


def quoted_glob(pattern: str) -> str:
    """Return a glob for a shell, with nothing but `* ? [ ]` unquoted."""
    pieces = _PIECES.findall(pattern)
    return "".join(map(_quoted, pieces))


def _quoted(piece: str) -> str:
    if piece in ("!", "^") or _PLAIN.fullmatch(piece):
        return piece
    return '"\'"' if piece == "'" else f"'{piece}'"


def paths_of(printed: bytes, count: int) -> list[list[str]]:
    """Return the paths that the script has printed, for each of its globs. Raises CannotConnect."""
    _, begins, names = printed.partition(_BEGINS)
    groups: list[list[str]] = [[]]
    for name in names.split(b"\0")[:-1]:
        if not name:
            groups.append([])
        elif name.startswith(b"/"):
            groups[-1].append(os.fsdecode(name))
    if not begins or len(groups) <= count:
        raise CannotConnect(_CUT)
    if sum(map(len, groups)) > MOST:
        raise CannotConnect(_TOO_MANY)
    return groups[:count]
