"""Colours as `#rrggbb`: their contrast, and making one legible on another."""

from __future__ import annotations

LEGIBLE = 4.5
"""WCAG 2.1, success criterion 1.4.3 (AA), for text"""

_STEPS = 20


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.1, "relative luminance"."""
    red, green, blue = (
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def is_dark(colour: str) -> bool:
    """Whether white text on it is more legible than black."""
    return contrast(colour, "#ffffff") > contrast(colour, "#000000")


def blend(one: str, other: str, share: float) -> str:
    """Mix two colours. share: of the other, 0 to 1."""
    return "#" + "".join(
        f"{round(a + (b - a) * share):02x}"
        for a, b in zip(_channels(one), _channels(other), strict=True)
    )


def legible(colour: str, background: str, least: float = LEGIBLE) -> str:
    """Return the colour, moved towards black or white until legible on the background.

    least: contrast ratio to reach
    """
    goal = "#ffffff" if is_dark(background) else "#000000"
    for step in range(_STEPS + 1):
        found = blend(colour, goal, step / _STEPS)
        if contrast(found, background) >= least:
            return found
    return goal


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
