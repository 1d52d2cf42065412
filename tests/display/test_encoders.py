"""Pictures for terminals: each encoding is decoded again."""

from __future__ import annotations

import io
import re
import zlib
from base64 import standard_b64decode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from qmpsh.display.blocks import UPPER_HALF, half_blocks
from qmpsh.display.iterm import iterm_sequence
from qmpsh.display.kitty import kitty_sequence
from qmpsh.display.picture import Picture
from qmpsh.display.scale import fitting_size, scale_down
from qmpsh.display.sixel import colour_of, sixel_sequence
from tests.display.strategies import pictures

# ---------------------------------------------------------------------------- kitty


@given(pictures())
@example(Picture(640, 40, bytes(range(256)) * 300))  # in several pieces
def test_kitty(picture: Picture) -> None:
    pieces = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", kitty_sequence(picture, 40, 12))
    keys = [dict(pair.split("=") for pair in piece[0].split(",")) for piece in pieces]
    size = {"s": f"{picture.width}", "v": f"{picture.height}", "c": "40", "r": "12"}
    assert keys[0].items() >= {"a": "T", "f": "24", "o": "z", "q": "2", **size}.items()
    assert [one["m"] for one in keys] == ["1"] * (len(keys) - 1) + ["0"]
    assert all(len(piece[1]) <= 4096 for piece in pieces)
    data = "".join(piece[1] for piece in pieces)
    assert zlib.decompress(standard_b64decode(data)) == picture.pixels


# ---------------------------------------------------------------------------- iTerm2


@given(pictures())
def test_iterm(picture: Picture) -> None:
    match = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=(\d+);width=40;height=12;preserveAspectRatio=1:(.*)\x07",
        iterm_sequence(picture, 40, 12),
    )
    assert match is not None
    data = standard_b64decode(match[2])
    assert len(data) == int(match[1])
    with Image.open(io.BytesIO(data)) as image:
        assert (image.size, image.tobytes()) == ((picture.width, picture.height), picture.pixels)


# ---------------------------------------------------------------------------- sixel


def read_sixels(text: str) -> tuple[tuple[int, int], dict[tuple[int, int], tuple[int, ...]]]:
    """The size that is said, and the colours in percent, by column and row."""
    match = re.fullmatch(r'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert match is not None
    colours: dict[int, tuple[int, ...]] = {}
    pixels: dict[tuple[int, int], tuple[int, ...]] = {}
    column = top = colour = 0
    token = r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])"
    end = 0
    for part in re.finditer(token, match[3]):
        assert part.start() == end
        end = part.end()
        index, *percent = part.groups()[:4]
        if index is not None:
            colours[int(index)] = tuple(int(one or 0) for one in percent)
        elif part[5]:
            colour = int(part[5])
        elif part[9]:
            column, top = 0, top + (6 if part[9] == "-" else 0)
        else:
            bits, count = ord(part[7] or part[8]) - 63, int(part[6] or 1)
            for place in range(column, column + count):
                rows = [top + row for row in range(6) if bits >> row & 1]
                pixels |= {(place, row): colours[colour] for row in rows}
            column += count
    assert end == len(match[3])
    return (int(match[1]), int(match[2])), pixels


@given(pictures())
def test_sixel(picture: Picture) -> None:
    size, pixels = read_sixels(sixel_sequence(picture))
    assert size == (picture.width, picture.height)
    assert pixels == {
        (column, row): nearest(picture.pixels[at : at + 3])
        for row in range(picture.height)
        for column in range(picture.width)
        for at in [(row * picture.width + column) * 3]
    }


def nearest(pixel: bytes) -> tuple[int, ...]:
    """The nearest colour of the cube, in percent."""
    return tuple(
        min((level * 20 for level in range(6)), key=lambda percent: abs(percent * 2.55 - value))
        for value in pixel
    )


def test_the_colours_of_the_cube() -> None:
    assert len({colour_of(index) for index in range(216)}) == 216


# ---------------------------------------------------------------------------- half blocks


@given(pictures(), st.integers(1, 30), st.integers(1, 15))
def test_half_blocks(picture: Picture, columns: int, rows: int) -> None:
    lines = half_blocks(picture, columns, rows)
    assert 1 <= len(lines) <= rows
    width, height = fitting_size(picture, columns, rows * 2)
    small = scale_down(picture, width, height)
    assert len(lines) == (height + 1) // 2
    for number, line in enumerate(lines):
        cells = [(run.ink, run.paper) for run in line for _ in run.text]
        assert {char for run in line for char in run.text} == {UPPER_HALF}
        below = small.row(number * 2 + 1) or bytes(width * 3)
        assert cells == list(zip(shades(small.row(number * 2)), shades(below), strict=True))


def shades(row: bytes) -> list[str]:
    """The colours of a row, of sixteen shades each."""
    row = bytes(min(range(0, 256, 17), key=lambda shade: abs(shade - value)) for value in row)
    return [f"#{row[at : at + 3].hex()}" for at in range(0, len(row), 3)]


# ---------------------------------------------------------------------------- smaller


@given(pictures(), st.integers(1, 20), st.integers(1, 20))
def test_a_smaller_picture_has_the_means(picture: Picture, width: int, height: int) -> None:
    width, height = min(width, picture.width), min(height, picture.height)
    small = scale_down(picture, width, height)
    assert (small.width, small.height) == (width, height)
    for row in range(height):
        for column in range(width):
            at = (row * width + column) * 3
            assert small.pixels[at : at + 3] == mean(picture, small, column, row)


def mean(picture: Picture, small: Picture, column: int, row: int) -> bytes:
    """What pixel by pixel is the mean of those that one stands for."""
    tops = range(row * picture.height // small.height, (row + 1) * picture.height // small.height)
    lefts = range(
        column * picture.width // small.width, (column + 1) * picture.width // small.width
    )
    found = [
        picture.pixels[(y * picture.width + x) * 3 :][channel]
        for channel in range(3)
        for y in tops
        for x in lefts
    ]
    size = len(tops) * len(lefts)
    return bytes(sum(found[at : at + size]) // size for at in range(0, 3 * size, size))


@pytest.mark.parametrize(
    "room,size",
    [((80, 44), (79, 44)), ((40, 100), (40, 22)), ((1000, 1000), (720, 400)), ((1, 1), (1, 1))],
)
def test_the_shape_is_kept(room: tuple[int, int], size: tuple[int, int]) -> None:
    assert fitting_size(Picture(720, 400, b""), *room) == size
