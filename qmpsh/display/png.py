"""Writes a picture as PNG, without loss. Source: the PNG specification (W3C), third edition."""

from __future__ import annotations

import struct
import zlib

from qmpsh.display.picture import Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS, _TRUECOLOUR, _NO_FILTER = 8, 2, b"\0"


def write_png(picture: Picture) -> bytes:
    """Return the bytes of a PNG file of 24 bits a pixel."""
    header = struct.pack(">IIBBBBB", picture.width, picture.height, _BITS, _TRUECOLOUR, 0, 0, 0)
    rows = b"".join(_NO_FILTER + picture.row(index) for index in range(picture.height))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
