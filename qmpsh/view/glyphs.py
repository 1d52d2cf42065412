"""The marks that are not letters, each with an ASCII twin for terminals without UTF-8."""

from __future__ import annotations

from typing import NamedTuple


class Glyphs(NamedTuple):
    """rule: between the panes; times: before a multiplier; more: something was left out; dot:
    between the parts of a line of ours; down: towards the tail; full, empty: of a bar.
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
    """encoding: of the terminal's stream; None when it names none."""
    return UNICODE if (encoding or "").lower().replace("-", "") == "utf8" else ASCII
