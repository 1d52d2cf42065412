"""A picture of a machine's screen, and the reading of PPM, in which QEMU writes one.

Nothing in the bytes is trusted: they come from the VM's process.
"""

from __future__ import annotations

import re

from qmpsh.errors import QmpshError
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

CHANNELS: Final = 3
"""bytes of a pixel: red, green and blue"""

MAX_SIDE: Final = 16384
"""pixels; the longest side that a guest can have"""
MAX_PIXELS: Final = 7680 * 4320
"""pixels of the largest screen that there is (8K)"""
MAX_PPM_BYTES: Final = MAX_PIXELS * CHANNELS + 1024
"""bytes of the largest PPM that is read, its header included"""

_NO_PPM: Final = "the VM's picture is not PPM: it begins with {head!r}"
_DEPTH: Final = "the VM's picture has {depth} shades of a colour where 255 are expected"
_SIZE: Final = "the VM's picture is said to have {width} x {height} pixels, which no screen has"
_LENGTH: Final = (
    "the VM's picture is broken: {width} x {height} pixels are {expected} bytes, {came} came"
)

# Source: ppm(5). Between the numbers is white space or a comment, after the last one byte.
_GAP = rb"(?:\s|#[^\n]{0,200}\n){1,32}"
_HEADER = rb"P6" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})\s"
_SHADES: Final = 255
_HEAD_BYTES: Final = 8


class PictureError(QmpshError):
    """What came is not a picture."""


class Picture(NamedTuple):
    """A picture. pixels: three bytes each, red, green and blue, row by row from the top left"""

    width: int
    height: int
    pixels: bytes

    @property
    def stride(self) -> int:
        """The bytes of a row."""
        return self.width * CHANNELS

    def row(self, index: int) -> bytes:
        """Return the bytes of one row."""
        return self.pixels[index * self.stride : (index + 1) * self.stride]


def read_ppm(data: bytes) -> Picture:
    """Read a binary PPM of one byte for each colour.

    Raises PictureError for anything else, and for a size that its data does not have.
    """
    header = re.match(_HEADER, data)
    if header is None:
        raise PictureError(_NO_PPM.format(head=bytes(data[:_HEAD_BYTES])))
    width, height, depth = map(int, header.groups())
    if depth != _SHADES:
        raise PictureError(_DEPTH.format(depth=depth))
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise PictureError(_SIZE.format(width=width, height=height))
    expected, came = width * height * CHANNELS, len(data) - header.end()
    if came != expected:
        raise PictureError(_LENGTH.format(width=width, height=height, expected=expected, came=came))
    return Picture(width, height, bytes(data[header.end() :]))


def write_ppm(picture: Picture) -> bytes:
    """Return the picture as binary PPM, as QEMU writes it."""
    return b"P6\n%d %d\n%d\n" % (picture.width, picture.height, _SHADES) + picture.pixels
