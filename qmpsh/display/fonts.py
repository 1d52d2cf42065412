"""Fonts of consoles, as tables from a glyph's bits to its character: of a VGA ROM, of PSF files.

The bytes are not trusted: a guest can write its ROM, a stranger a file. A file is read up to a
limit, and must be a regular one.
"""

from __future__ import annotations

import contextlib
import os
import re

from qmpsh.errors import UsageError, os_reason
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.regular import expanded, read_regular, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

FOLDERS: Final = ("/usr/share/consolefonts", "/usr/share/kbd/consolefonts")
"""where Debian's console-setup-linux and others' kbd have their fonts"""

MAX_FONT_BYTES: Final = 1 << 20
"""bytes of a font, unpacked; the largest of kbd has 66 kB"""
MAX_FONTS: Final = 2000
"""files of a folder that are read"""
MAX_GLYPHS: Final = 8192
MAX_GLYPH_SIDE: Final = 64
"""pixels"""

CELL_WIDTH: Final = 8
CELL_HEIGHT: Final = 16
"""pixels of a cell, where no font says otherwise"""

_UNREADABLE: Final = "cannot read the font {path}: {why}"
_NO_FONT: Final = "{path} is no PC screen font (PSF) that can be read: {why}"
_NO_HEADER: Final = "it does not begin like one"
_CUT_OFF: Final = "it ends too early"
_BAD_SIZE: Final = "it has {number} glyphs of {width} x {height} pixels"

Bits = int
"""The pixels of a glyph, one bit each, row by row, the top left one the highest"""


class FontError(UsageError):
    """A file is no font, or cannot be read."""


class Font(NamedTuple):
    """A font of fixed cells. characters: of the bits of each glyph, but for blank ones"""

    name: str
    width: int
    height: int
    characters: dict[Bits, str]


# ---------------------------------------------------------------------------- VGA

_CONTROLS: Final = (
    "\0\u263a\u263b\u2665\u2666\u2663\u2660\u2022\u25d8\u25cb\u25d9\u2642\u2640\u266a\u266b\u263c"
    "\u25ba\u25c4\u2195\u203c\u00b6\u00a7\u25ac\u21a8\u2191\u2193\u2192\u2190\u221f\u2194\u25b2\u25bc"
)
CODE_PAGE_437: Final = (
    _CONTROLS + bytes(range(32, 127)).decode() + "\u2302" + bytes(range(128, 255)).decode("cp437")
)
"""what a VGA shows for each byte but the last, which is blank. Source: IBM code page 437"""

_GLYPH_A: Final = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
"""of the 8x16 font that all VGA ROMs have. Source: SeaBIOS, vgasrc/vgafonts.c"""

ROM_START: Final = 0xC0000
ROM_BYTES: Final = 0x10000
"""where firmware puts the ROM of the first VGA"""

_XP_LINE: Final = r"([0-9a-fA-F]{1,16}): (0x[0-9a-fA-F]{8}(?: 0x[0-9a-fA-F]{8})*) ?\r?$"


def read_words(text: str) -> bytes:
    """Return the bytes of what `xp /Nxw` prints, up to the first line that does not go on.

    text: lines `00000000000c0000: 0xe972aa55 0x000002a1 ...`
    """
    data = bytearray()
    start: int | None = None
    for line in re.finditer(_XP_LINE, text, re.MULTILINE):
        address = int(line[1], 16)
        start = address if start is None else start
        if address != start + len(data):
            break
        for word in line[2].split():
            data += int(word, 16).to_bytes(4, "little")
    return bytes(data)


def vga_font(rom: bytes) -> Font | None:
    """Return the 8x16 font in a VGA's ROM; None if there is none."""
    place = rom.find(_GLYPH_A)
    while place >= 0:
        start = place - ord("A") * CELL_HEIGHT
        glyphs = [
            rom[start + index * CELL_HEIGHT :][:CELL_HEIGHT] for index in range(len(CODE_PAGE_437))
        ]
        if start >= 0 and len(glyphs[-1]) == CELL_HEIGHT and not any(glyphs[ord(" ")]):
            pairs = zip(glyphs, CODE_PAGE_437, strict=True)
            return _font("VGA ROM", CELL_WIDTH, CELL_HEIGHT, pairs)
        place = rom.find(_GLYPH_A, place + 1)
    return None


# ---------------------------------------------------------------------------- PSF

# Source: "PC Screen Font" of kbd's documentation, font-formats/psf.
_PSF1, _PSF2 = b"\x36\x04", b"\x72\xb5\x4a\x86"
_PSF1_HEADER_BYTES, _PSF2_HEADER_BYTES = 4, 32
_MODE_512, _MODE_HAS_TABLE = 1, 2 | 4
_HAS_TABLE = 1
_END_1, _SEQUENCE_1 = "\uffff", "\ufffe"
_END_2, _SEQUENCE_2 = b"\xff", b"\xfe"


class _Layout(NamedTuple):
    """Where things are in a font. start: of the glyphs; has_table: of their characters"""

    version: int
    start: int
    number: int
    width: int
    height: int
    has_table: bool


def parse_psf(data: bytes, name: str) -> Font:
    """Read a PC screen font of either version, packed with gzip or not. name: its path

    Raises FontError.
    """
    data = _unpacked(data, name)
    return _parsed(data, _layout(data, name), name)


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        return unpacked(data, MAX_FONT_BYTES)
    except OSError as error:
        raise FontError(_NO_FONT.format(path=name, why=os_reason(error))) from error


def _layout(data: bytes, name: str) -> _Layout:
    """Read the header. Raises FontError."""
    if data.startswith(_PSF1) and len(data) >= _PSF1_HEADER_BYTES:
        mode, height = data[2], data[3]
        number = 512 if mode & _MODE_512 else 256
        has_table = bool(mode & _MODE_HAS_TABLE)
        layout = _Layout(1, _PSF1_HEADER_BYTES, number, CELL_WIDTH, height, has_table)
    elif data.startswith(_PSF2) and len(data) >= _PSF2_HEADER_BYTES:
        fields = [int.from_bytes(data[at : at + 4], "little") for at in range(8, 32, 4)]
        start, flags, number, _, height, width = fields
        layout = _Layout(2, start, number, width, height, bool(flags & _HAS_TABLE))
    else:
        raise FontError(_NO_FONT.format(path=name, why=_NO_HEADER))
    sides = range(1, MAX_GLYPH_SIDE + 1)
    if not (0 < number <= MAX_GLYPHS and layout.width in sides and height in sides):
        why = _BAD_SIZE.format(number=number, width=layout.width, height=height)
        raise FontError(_NO_FONT.format(path=name, why=why))
    return layout


def _parsed(data: bytes, layout: _Layout, name: str) -> Font:
    """Read the glyphs and their characters. Raises FontError."""
    size = (layout.width + 7) // 8 * layout.height
    end = layout.start + layout.number * size
    if len(data) < end:
        raise FontError(_NO_FONT.format(path=name, why=_CUT_OFF))
    glyphs = [data[at : at + size] for at in range(layout.start, end, size)]
    table = None
    if layout.has_table:
        table = _table_1(data[end:]) if layout.version == 1 else _table_2(data[end:])
    named = zip(glyphs, _named(table, layout.number), strict=True)
    return _font(name, layout.width, layout.height, named)


def _named(table: Iterator[str] | None, number: int) -> Iterator[str]:
    """Return the character of each glyph; without a table only ASCII is where it must be."""
    if table is None:
        table = (chr(index) if 32 <= index < 127 else "" for index in range(number))
    given = 0
    for _, char in zip(range(number), table, strict=False):
        given += 1
        yield char
    yield from [""] * (number - given)


def _table_1(data: bytes) -> Iterator[str]:
    # 0xFFFF and 0xFFFE are no characters: UTF-16 can carry them.
    for entry in data[: len(data) & ~1].decode("utf-16-le", "replace").split(_END_1):
        yield _best(entry.partition(_SEQUENCE_1)[0])


def _table_2(data: bytes) -> Iterator[str]:
    for entry in data.split(_END_2):
        yield _best(entry.partition(_SEQUENCE_2)[0].decode("utf-8", "ignore"))


def _best(characters: Iterable[str]) -> str:
    """Return the one of several characters of a glyph that is the plainest; "" for none."""
    return min((char for char in characters if char.isprintable()), default="")


def _font(name: str, width: int, height: int, pairs: Iterable[tuple[bytes, str]]) -> Font:
    """Make a font; of two glyphs that look the same the plainest character holds.

    Blanks, and what is no character to see, are left out.
    """
    unused = -width % 8
    characters: dict[Bits, str] = {}
    for glyph, char in pairs:
        bits = _bits(glyph, width, height, unused)
        if bits and char.isprintable() and char.strip():
            characters[bits] = min(char, characters.get(bits, char))
    return Font(name, width, height, characters)


def _bits(glyph: bytes, width: int, height: int, unused: int) -> Bits:
    """Return the pixels of a glyph without those that fill its bytes. unused: of these, in a row"""
    if not unused:
        return int.from_bytes(glyph, "big")
    size = len(glyph) // height
    bits = 0
    for at in range(0, len(glyph), size):
        bits = bits << width | int.from_bytes(glyph[at : at + size], "big") >> unused
    return bits


# ---------------------------------------------------------------------------- files


def load_font(path: str) -> Font:
    """Read a font's file. Raises FontError."""
    return parse_psf(_read(path), path)


def installed_fonts(folders: Iterable[str] = FOLDERS) -> Iterator[Font]:
    """Yield the fonts of this machine that have the usual cells, in the order of their names.

    Each is read when it is asked for. What is no font is left out.
    """
    for path in _files(folders):
        with contextlib.suppress(FontError):
            data = _unpacked(_read(path), path)
            layout = _layout(data, path)
            if (layout.width, layout.height) == (CELL_WIDTH, CELL_HEIGHT):
                yield _parsed(data, layout, path)


def _read(path: str) -> bytes:
    try:
        return read_regular(expanded(path), MAX_FONT_BYTES)
    except OSError as error:
        raise FontError(_UNREADABLE.format(path=path, why=os_reason(error))) from error


def _files(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:  # there are no fonts here
            continue
        yield from (
            os.path.join(folder, name)
            for name in names[:MAX_FONTS]
            if name.removesuffix(".gz").endswith((".psf", ".psfu"))
        )
