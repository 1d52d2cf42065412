"""Draws screens for the tests: a font of their own, and texts in it."""

from __future__ import annotations

import random
import string

from qmpsh.display.fonts import Font
from qmpsh.display.picture import CHANNELS, Picture

WIDTH, HEIGHT = 8, 16
BLACK, GREY, WHITE, BLUE = b"\0\0\0", b"\xa8\xa8\xa8", b"\xff\xff\xff", b"\0\0\xaa"

CHARACTERS = string.digits + string.ascii_letters + string.punctuation


def make_font() -> Font:
    """A font with a glyph for each character, none with ink in its first pixels or last rows."""
    chance = random.Random(0)
    glyphs: dict[str, bytes] = {}
    for char in CHARACTERS:
        rows = [0, *(chance.randrange(1, 127) for _ in range(12)), 0, 0, 0]
        glyphs[char] = bytes(rows)
    # What the letters p and q of real fonts have in common: all but what is below the line.
    glyphs["q"] = glyphs["p"][:13] + b"\x0c\x0c\x00"
    glyphs["_"] = bytes(13) + b"\xff\0\0"
    return font_of(glyphs)


def font_of(glyphs: dict[str, bytes], name: str = "test") -> Font:
    return Font(
        name, WIDTH, HEIGHT, {int.from_bytes(glyph, "big"): char for char, glyph in glyphs.items()}
    )


FONT = make_font()
GLYPHS = {char: bits.to_bytes(HEIGHT, "big") for bits, char in FONT.characters.items()}
GLYPHS[" "] = bytes(HEIGHT)


def draw_glyphs(
    rows: list[list[bytes]], ink: bytes = GREY, paper: bytes = BLACK, width: int = WIDTH
) -> Picture:
    """A screen of glyphs, all rows as long. width: of a cell, 9 as a VGA shows text"""
    pixels = bytearray()
    for row in rows:
        for line in range(HEIGHT):
            for glyph in row:
                bits = f"{glyph[line]:08b}" + "0" * (width - WIDTH)
                pixels += b"".join(ink if bit == "1" else paper for bit in bits)
    return Picture(len(rows[0]) * width, len(rows) * HEIGHT, bytes(pixels))


def draw(
    lines: list[str], ink: bytes = GREY, paper: bytes = BLACK, width: int = WIDTH, columns: int = 0
) -> Picture:
    """A screen of text. columns: at the least"""
    columns = max(columns, *map(len, lines), 1)
    rows = [[GLYPHS[char] for char in line.ljust(columns)] for line in lines]
    return draw_glyphs(rows, ink, paper, width)


def doubled(picture: Picture) -> Picture:
    """The picture with each pixel twice as wide and as high."""
    pixels = bytearray()
    for index in range(picture.height):
        row = picture.row(index)
        wide = b"".join(row[at : at + CHANNELS] * 2 for at in range(0, len(row), CHANNELS))
        pixels += wide * 2
    return Picture(picture.width * 2, picture.height * 2, bytes(pixels))


def doubled_font() -> Font:
    """The font of letters twice as wide and as high."""
    characters = {}
    for char in FONT.characters.values():
        picture = doubled(draw_glyphs([[GLYPHS[char]]], WHITE))
        bits = "".join("1" if byte else "0" for byte in picture.pixels[::CHANNELS])
        characters[int(bits, 2)] = char
    return Font("doubled", WIDTH * 2, HEIGHT * 2, characters)
