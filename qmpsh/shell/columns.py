"""Names in columns, as `ls` has them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

_GAP: Final = 2
"""blanks between two columns"""
_TRIES: Final = 400
"""layouts of very many names that are tried, instead of all"""


def in_columns(names: Sequence[str], width: int) -> list[str]:
    """Return the lines of names in as many columns as fit, down the first one first.

    width: of a line
    """
    count, shortest = len(names), min(map(len, names), default=0)
    most = max(1, (width + _GAP) // (shortest + _GAP))
    for rows in range(-(-count // most), count, max(1, count // _TRIES)):
        columns = [_padded(names[at : at + rows]) for at in range(0, count, rows)]
        if sum(len(column[0]) for column in columns) - _GAP <= width:
            return ["".join(line).rstrip() for line in zip_longest(*columns, fillvalue="")]
    return list(names)


def _padded(column: Sequence[str]) -> list[str]:
    """Return the names padded to the longest and the gap."""
    width = max(map(len, column)) + _GAP
    return [name.ljust(width) for name in column]
