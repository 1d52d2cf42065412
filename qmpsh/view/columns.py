"""How wide text is, and how wide a table's columns are when the terminal has no room for all.

Pure numbers and text. Headers are never cut, nor are numbers, which would then read as others.
Nested JSON is cut first, then long texts. If there is still no room, columns are dropped from the
end, but never the column that must stay whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

GAP = 2
"""spaces between two columns of the table"""

KEEPS = 16
"""least width of a long text or nested JSON; with less room, columns are dropped from the end"""

_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Mc", "Cf"})
"""Unicode's categories of what stands on the character before it, or is not seen at all"""


class Kind(Enum):
    """What a column's cells contain, which decides how they are shortened."""

    NAME = "name"
    """identifies the row's object: may keep half the terminal"""
    WHOLE = "whole"
    """the table's purpose, meant to be copied: neither cut nor dropped"""
    NUMBER = "number"
    TEXT = "text"
    NESTED = "nested"


class Need(NamedTuple):
    """How much room a column needs.

    header: columns of its name
    wanted: columns of its widest cell, or of its name if wider
    """

    kind: Kind
    header: int
    wanted: int

    def least(self, width: int) -> int:
        """Return the least width on a terminal of this width."""
        if self.kind in (Kind.NUMBER, Kind.WHOLE):
            return self.wanted
        keeps = width // 2 if self.kind is Kind.NAME else KEEPS
        return max(self.header, min(self.wanted, keeps))


def fit(needs: Sequence[Need], width: int) -> list[int]:
    """Return the widths of the columns that fit, leaving room for the count of those that do not.

    The first column is always kept, cut to the terminal if need be.
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
    """Divide `room` into widths: small wishes are met in full, the others share the rest evenly."""
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
    """Return the terminal columns of a text: wide characters take two, combining ones none."""
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
    """Pad or cut a text to a width. more: marks the cut; right: align to the right."""
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
    """Return the columns of `+11` with the gap before it; 0 if nothing was left out."""
    return GAP + len(f"+{left_out}") if left_out else 0


@cache
def _char_columns(char: str) -> int:
    """As prompt_toolkit counts, which draws the screen, but without loading it."""
    if char.isascii():
        return 1
    # Imported here: nearly all of QMP is ASCII, which does not need it.
    from unicodedata import category, east_asian_width

    kind = category(char)
    if kind in _WITHOUT_WIDTH or "\u1160" <= char <= "\u11ff":  # Hangul: end of a syllable
        return 0
    # For what is no character yet some versions of Python know a width all the same.
    return 2 if kind != "Cn" and east_asian_width(char) in "WF" else 1
