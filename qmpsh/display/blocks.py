"""A picture in half blocks: two pixels in a cell, the upper one as ink, the lower one as paper."""

from __future__ import annotations

from itertools import groupby

from qmpsh.display.picture import CHANNELS, Picture
from qmpsh.display.scale import fitting_size, scale_down
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

UPPER_HALF: Final = "\u2580"

_BLACK: Final = b"\0\0\0"
_SHADES: Final = bytes(17 * round(value / 17) for value in range(256))
"""sixteen of each colour: a screen keeps what it knows of every pair of colours it has shown"""


class BlockRun(NamedTuple):
    """Cells of a row that look the same. ink, paper: colours as `#rrggbb`"""

    ink: str
    paper: str
    text: str


def half_blocks(picture: Picture, columns: int, rows: int) -> list[list[BlockRun]]:
    """Return the picture as rows of cells, in at most so many columns and rows, its shape kept."""
    width, height = fitting_size(picture, max(1, columns), max(1, rows) * 2)
    small = scale_down(picture, width, height)
    small = small._replace(pixels=small.pixels.translate(_SHADES))
    return [_runs(small, top) for top in range(0, height, 2)]


def _runs(picture: Picture, top: int) -> list[BlockRun]:
    """Return two rows of pixels as one of cells; below the last row is black."""
    upper = _pixels(picture.row(top))
    below = picture.row(top + 1) or _BLACK * picture.width
    pairs = groupby(zip(upper, _pixels(below), strict=True))
    return [
        BlockRun(f"#{ink.hex()}", f"#{paper.hex()}", UPPER_HALF * len(list(cells)))
        for (ink, paper), cells in pairs
    ]


def _pixels(row: bytes) -> list[bytes]:
    return [row[start : start + CHANNELS] for start in range(0, len(row), CHANNELS)]
