"""How wide text is, and the columns of a table where the terminal has not room for all of them.

Pure numbers and text. A header is never cut, nor a number, which would be another one; long texts
give way, nested JSON before them; what finds no place at all is left out from the end, but for what
the table is there for.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

GAP = 2
"""columns between two columns of the table"""

KEEPS = 16
"""columns that a long text or nested JSON keeps; with less the last columns are left out"""

_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Mc", "Cf"})
"""Unicode's categories of what stands on the character before it, or is not seen at all"""


class Kind(Enum):
    """What the cells of a column are, which decides how they give way."""

    NAME = "name"
    """says which object the row is about: keeps half the terminal"""
    WHOLE = "whole"
    """what the table is there for, to be copied: neither cut nor left out"""
    NUMBER = "number"
    TEXT = "text"
    NESTED = "nested"


class Need(NamedTuple):
    """header: columns that the name takes; wanted: that the widest cell or the name does."""

    kind: Kind
    header: int
    wanted: int

    def least(self, width: int) -> int:
        """Columns that it keeps on a terminal of this width."""
        if self.kind in (Kind.NUMBER, Kind.WHOLE):
            return self.wanted
        keeps = width // 2 if self.kind is Kind.NAME else KEEPS
        return max(self.header, min(self.wanted, keeps))


def fit(needs: Sequence[Need], width: int) -> list[int]:
    """Widths of the first columns, as many as find a place beside the count of the others.

    The first one is always among them, were it cut to the terminal.
    """
    least = [need.least(width) for need in needs]
    whole = [place for place, need in enumerate(needs, 1) if need.kind is Kind.WHOLE]
    count = _fitting(least, width, max(whole, default=1))
    room = width - _marker(len(needs) - count) - GAP * (count - 1)
    if count == 1 and not whole:
        return [max(1, min(needs[0].wanted, room))]
    widths = least[:count]
    for nested in (False, True):
        asking = [place for place in range(count) if (needs[place].kind is Kind.NESTED) is nested]
        more = share([needs[place].wanted - widths[place] for place in asking], room - sum(widths))
        for place, columns in zip(asking, more, strict=True):
            widths[place] += columns
    return widths


def share(wanted: Sequence[int], room: int) -> list[int]:
    """Widths that take at most `room` together; what asks for little gets it, the rest the same."""
    left = room
    for index, width in enumerate(sorted(wanted)):
        most, spare = divmod(max(0, left), len(wanted) - index)
        if width > most:
            break
        left -= width
    else:
        return list(wanted)
    widths = []
    for width in wanted:
        extra = 1 if width > most and spare > 0 else 0
        spare -= extra
        widths.append(min(width, most + extra))
    return widths


def text_columns(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_char_columns, text))


def beginning(text: str, columns: int) -> str:
    """As much of a text as so many columns hold."""
    if text.isascii():
        return text[: max(0, columns)]
    used = 0
    for index, char in enumerate(text):
        used += _char_columns(char)
        if used > columns:
            return text[:index]
    return text


def padded(text: str, width: int, more: str, *, right: bool) -> str:
    """The text in so many columns, cut where it is longer; right: stands at the right edge."""
    columns = text_columns(text)
    if columns > width:
        more = more[: max(0, width)]
        text = beginning(text, width - len(more)) + more
        columns = text_columns(text)
    blank = " " * (width - columns)
    return blank + text if right else text + blank


def _fitting(least: Sequence[int], width: int, fewest: int) -> int:
    for count in range(len(least), fewest, -1):
        if sum(least[:count]) + GAP * (count - 1) + _marker(len(least) - count) <= width:
            return count
    return fewest


def _marker(left_out: int) -> int:
    """Columns that `+11` takes, with the gap before it."""
    return GAP + len(f"+{left_out}") if left_out else 0


@cache
def _char_columns(char: str) -> int:
    """As prompt_toolkit counts, which draws the screen, but without loading it."""
    if char.isascii():
        return 1
    # Imported here: ASCII, which is nearly all of QMP, needs no tables.
    from unicodedata import category, east_asian_width

    kind = category(char)
    if kind in _WITHOUT_WIDTH or "\u1160" <= char <= "\u11ff":  # Hangul: end of a syllable
        return 0
    # For what is no character yet some versions of Python know a width all the same.
    return 2 if kind != "Cn" and east_asian_width(char) in "WF" else 1
