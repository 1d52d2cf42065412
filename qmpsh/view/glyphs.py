"""Symbols, each with an ASCII equivalent for terminals without UTF-8."""

from __future__ import annotations

from typing import NamedTuple


class Glyphs(NamedTuple):
    """The symbols in use.

    rule:        between the panes
    times:       before a multiplier
    more:        marks what was left out
    dot:         between the parts of a line of ours
    down:        towards the newest line
    full, empty: cells of a progress bar
    """

    rule: str = "│"
    times: str = "×"  # noqa: RUF001 - the multiplication sign is meant
    more: str = "…"
    dot: str = "·"
    down: str = "↓"
    full: str = "█"
    empty: str = "░"


UNICODE = Glyphs()
ASCII = Glyphs(rule="|", times="x", more="...", dot="-", down="v", full="#", empty="-")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Return the symbols for an encoding: that of the terminal's stream, None if unknown."""
    return UNICODE if (encoding or "").lower().replace("-", "") == "utf8" else ASCII
