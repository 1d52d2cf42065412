"""Colours as `#rrggbb`: how legible they are on each other, and what 256 colours make of them."""

from __future__ import annotations

LEGIBLE = 4.5
"""WCAG 2.1, success criterion 1.4.3 (AA), for text"""

_STEPS = 20
_CUBE = (0x00, 0x5F, 0x87, 0xAF, 0xD7, 0xFF)
_GREYS = tuple(range(0x08, 0xEF, 10))
_CUBE_INDEX, _GREY_INDEX = 16, 232


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
    return _hex(
        *(round(a + (b - a) * share) for a, b in zip(_channels(one), _channels(other), strict=True))
    )


def legible(colour: str, background: str, least: float = LEGIBLE, *, few: bool = False) -> str:
    """Return the colour, moved towards black or white until legible on the background.

    least: contrast ratio to reach; few: return one of the 256 colours
    """
    goal = "#ffffff" if is_dark(background) else "#000000"
    for step in range(_STEPS + 1):
        found = blend(colour, goal, step / _STEPS)
        if few:
            found = one_of_256(found)
        if contrast(found, background) >= least:
            return found
    return goal


def index_of_256(colour: str) -> int:
    """Return the index of the nearest of the 256 colours, not of the first sixteen, which vary."""
    red, green, blue = _channels(colour)
    places = [_nearest(channel, _CUBE) for channel in (red, green, blue)]
    grey = _nearest((red + green + blue) // 3, _GREYS)
    in_cube = _distance(colour, [_CUBE[place] for place in places])
    if _distance(colour, [_GREYS[grey]] * 3) < in_cube:
        return _GREY_INDEX + grey
    return _CUBE_INDEX + 36 * places[0] + 6 * places[1] + places[2]


def one_of_256(colour: str) -> str:
    """Return the nearest of the 256 colours."""
    return colour_at(index_of_256(colour))


def colour_at(index: int) -> str:
    """Return one of the 256 colours. index: from 16 on"""
    if index >= _GREY_INDEX:
        return _hex(*[_GREYS[index - _GREY_INDEX]] * 3)
    place = index - _CUBE_INDEX
    return _hex(_CUBE[place // 36], _CUBE[place // 6 % 6], _CUBE[place % 6])


def full(colour: str) -> str:
    """Expand `#fff` to `#ffffff`."""
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _hex(red: int, green: int, blue: int) -> str:
    return f"#{red:02x}{green:02x}{blue:02x}"


def _nearest(value: int, steps: tuple[int, ...]) -> int:
    return min(range(len(steps)), key=lambda place: abs(steps[place] - value))


def _distance(colour: str, other: list[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(_channels(colour), other, strict=True))
