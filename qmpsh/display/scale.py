"""Makes a picture smaller: each pixel becomes the mean of those that it stands for.

Whole rows are added as large integers with room for carries in each place, which is a hundred times
faster than pixel by pixel.
"""

from __future__ import annotations

import sys
from array import array
from itertools import pairwise

from qmpsh.display.picture import CHANNELS, Picture

_MAX_ADDED = 256
"""rows whose sums fit 16 bits"""


def fitting_size(picture: Picture, width: int, height: int) -> tuple[int, int]:
    """Return the size of the picture in so many pixels, its shape kept; never more than its own."""
    share = min(1.0, width / picture.width, height / picture.height)
    return max(1, round(picture.width * share)), max(1, round(picture.height * share))


def scale_down(picture: Picture, width: int, height: int) -> Picture:
    """Return the picture in another size. width, height: of at most as many pixels"""
    if (width, height) == (picture.width, picture.height):
        return picture
    columns = _edges(picture.width, width)
    lines = _edges(picture.height, height)
    rows = [_mean_row(picture, top, bottom, columns) for top, bottom in lines]
    return Picture(width, height, b"".join(rows))


def _edges(length: int, parts: int) -> list[tuple[int, int]]:
    """Return where each part of a length begins and ends; each has one place at the least."""
    marks = [part * length // parts for part in range(parts + 1)]
    return list(pairwise(marks))


def _mean_row(picture: Picture, top: int, bottom: int, columns: list[tuple[int, int]]) -> bytes:
    """Return one row of means. top, bottom: rows of the picture; columns: where each pixel lies"""
    step = (bottom - top - 1) // _MAX_ADDED + 1
    rows = range(top, bottom, step)
    total = sum(_spread(picture.row(row)) for row in rows)
    sums = array("H", total.to_bytes(2 * picture.stride, sys.byteorder))
    mean = bytearray()
    for left, right in columns:
        count = (right - left) * len(rows)
        for channel in range(CHANNELS):
            here = sums[left * CHANNELS + channel : right * CHANNELS : CHANNELS]
            mean.append(sum(here) // count)
    return bytes(mean)


def _spread(row: bytes) -> int:
    """Return a row as one integer, with 16 bits for each byte."""
    wide = bytearray(2 * len(row))
    wide[1 if sys.byteorder == "big" else 0 :: 2] = row
    return int.from_bytes(wide, sys.byteorder)
