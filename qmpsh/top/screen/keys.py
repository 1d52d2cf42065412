"""The keys of the live table: what each does, for the last row and the sheet. Pure."""

from __future__ import annotations

from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.render.theme import Line
from qmpsh.top.columns import BY_LETTER


class SheetEntry(NamedTuple):
    """Keys, and what they do.

    short:   for the last row, "" to leave it to the sheet
    changes: it changes VMs
    """

    keys: str
    help: str
    short: str = ""
    changes: bool = False


SHEET: Final = (
    SheetEntry("Up Down j k", "select a VM"),
    SheetEntry("PgUp PgDn", "a page of them"),
    SheetEntry("Home End", "the first, the last"),
    SheetEntry("Enter", "the shell on this VM", "shell"),
    SheetEntry("Space", "mark it", "mark"),
    SheetEntry("*", "mark all, or none"),
    SheetEntry("/", "filter", "filter"),
    SheetEntry("< >", "sort by another column", "sort"),
    *(SheetEntry(letter, f"sort by {column.title}") for letter, column in BY_LETTER.items()),
    SheetEntry("R", "sort the other way round"),
    SheetEntry("p", "pause or resume", "pause", changes=True),
    SheetEntry("P", "power down", "power", changes=True),
    SheetEntry("X", "reset", "reset", changes=True),
    SheetEntry("!", "a line for these VMs", "line"),
    SheetEntry("d", "details of the VM", "details"),
    SheetEntry("e", "events of all VMs", "events"),
    SheetEntry("z", "freeze the table"),
    SheetEntry("+ -", "look less or more often"),
    SheetEntry("F8", "mouse on or off"),
    SheetEntry("Ctrl-L", "draw all again"),
    SheetEntry("? F1", "these keys", "keys"),
    SheetEntry("q", "leave", "leave"),
)
_LAST: Final = ("?", "q")
"""keys that are shown in any case"""


def foot_line(width: int, *, read_only: bool) -> Line:
    """Return the most important keys, as many as there is room for."""
    entries = [one for one in SHEET if one.short and not (read_only and one.changes)]
    kept = [one for one in entries if one.keys.split()[0] in _LAST]
    left = width - sum(_columns(one) for one in kept)
    chosen = []
    for one in entries:
        if one in kept:
            chosen.append(one)
        elif _columns(one) <= left:
            left -= _columns(one)
            chosen.append(one)
    line: Line = []
    for one in chosen:
        line += [("hint.current", f" {one.keys.split(' F')[0]}"), ("hint", f" {one.short} ")]
    return line


def _columns(entry: SheetEntry) -> int:
    return len(entry.keys.split(" F")[0]) + len(entry.short) + 3
