"""A picture as sixels: bands of six rows, in the 216 colours of a cube.

Source: DEC's VT330/VT340 Programmer Reference, chapter 14.
"""

from __future__ import annotations

import re

from qmpsh.display.picture import CHANNELS, Picture

_LEVELS = 6
"""of each colour"""
_BAND = 6
"""rows of a sixel"""
_OFFSET = 63
_NOTHING = chr(_OFFSET)
_SIXELS = bytes((value + _OFFSET) % 256 for value in range(256))
_REPEATED = r"(.)\1{3,}"
"""four of a kind are longer than their count"""

_LEVEL = bytes((value * (_LEVELS - 1) + 127) // 255 for value in range(256))
_RED = bytes(value * _LEVELS * _LEVELS for value in _LEVEL)
_GREEN = bytes(value * _LEVELS for value in _LEVEL)


def sixel_sequence(picture: Picture) -> str:
    """Return what shows the picture at the cursor, a sixel for each pixel."""
    rows = [_indexed(picture.row(index)) for index in range(picture.height)]
    used = sorted(set().union(*rows))
    colours = "".join(_definition(index) for index in used)
    bands = "-".join(
        _band(rows[start : start + _BAND], picture.width)
        for start in range(0, picture.height, _BAND)
    )
    return f'\x1bP0;1q"1;1;{picture.width};{picture.height}{colours}{bands}\x1b\\'


def colour_of(index: int) -> tuple[int, int, int]:
    """Return a colour of the cube, in percent."""
    levels = (index // (_LEVELS * _LEVELS), index // _LEVELS % _LEVELS, index % _LEVELS)
    red, green, blue = (level * 100 // (_LEVELS - 1) for level in levels)
    return red, green, blue


def _definition(index: int) -> str:
    red, green, blue = colour_of(index)
    return f"#{index};2;{red};{green};{blue}"


def _indexed(row: bytes) -> bytes:
    """Return the colours of a row of pixels, as places in the cube."""
    planes = [row[channel::CHANNELS] for channel in range(CHANNELS)]
    red, green, blue = (
        int.from_bytes(plane.translate(table), "big")
        for plane, table in zip(planes, (_RED, _GREEN, _LEVEL), strict=True)
    )
    # The sums stay below 216: no byte carries into the next.
    return (red + green + blue).to_bytes(len(planes[0]), "big")


def _band(rows: list[bytes], width: int) -> str:
    """Return six rows, one colour after another."""
    return "$".join(f"#{index}{_run(index, rows, width)}" for index in sorted(set().union(*rows)))


def _run(index: int, rows: list[bytes], width: int) -> str:
    """Return where one colour is in a band."""
    total = 0
    for bit, row in enumerate(rows):
        marks = bytearray(256)
        marks[index] = 1 << bit
        total += int.from_bytes(row.translate(bytes(marks)), "big")
    sixels = total.to_bytes(width, "big").translate(_SIXELS).decode()
    return re.sub(_REPEATED, _counted, sixels.rstrip(_NOTHING))


def _counted(run: re.Match[str]) -> str:
    return f"!{len(run[0])}{run[1]}"
