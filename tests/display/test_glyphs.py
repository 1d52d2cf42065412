"""The characters on a screen: exact, or unknown; and what is a picture."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from qmpsh.display.fonts import CELL_HEIGHT, CELL_WIDTH, Font
from qmpsh.display.glyphs import UNKNOWN, cut, read_text
from qmpsh.display.picture import Picture
from tests.display.drawing import (
    BLACK,
    BLUE,
    CHARACTERS,
    FONT,
    GLYPHS,
    GREY,
    WHITE,
    draw,
    draw_glyphs,
    font_of,
)
from tests.fuzzing import examples

TEXTS = st.lists(st.text(f"{CHARACTERS} ", max_size=20), min_size=1, max_size=4)
PAIRS = st.sampled_from([(GREY, BLACK), (BLACK, GREY), (WHITE, BLUE), (b"\0\0\1", BLACK)])


@given(TEXTS, PAIRS, st.sampled_from([8, 9]))
@example(["a b", "  c"], (GREY, BLACK), 9)
def test_text_is_read_exactly(lines: list[str], pair: tuple[bytes, bytes], width: int) -> None:
    found = read_text(draw(lines, *pair, width=width, columns=20), [FONT])
    assert [row.rstrip() for row in found.rows] == [line.rstrip() for line in lines]
    assert (found.share, found.is_text) == (1.0, True)
    assert found.inked == len("".join(lines).replace(" ", ""))


@given(TEXTS, st.data())
def test_inverse_video(lines: list[str], data: st.DataObject) -> None:
    columns = 20
    cells = [[GLYPHS[char] for char in line.ljust(columns)] for line in lines]
    inverse = data.draw(st.sets(st.integers(0, columns - 1), max_size=8))
    for row in cells:
        for at in inverse:
            row[at] = bytes(byte ^ 0xFF for byte in row[at])
    found = read_text(draw_glyphs(cells), [FONT])
    assert [row.rstrip() for row in found.rows] == [line.rstrip() for line in lines]


@given(st.binary(min_size=16, max_size=16), st.sampled_from([8, 9]))
def test_what_is_no_glyph_is_unknown(glyph: bytes, width: int) -> None:
    bits = int.from_bytes(glyph, "big")
    assume(bits not in FONT.characters and bits ^ (1 << 128) - 1 not in FONT.characters)
    assume(0 < bits < (1 << 128) - 1)
    assume(bits >> 24 and (bits ^ (1 << 128) - 1) >> 24)  # no cursor
    text = read_text(draw_glyphs([[glyph, GLYPHS["a"], *[GLYPHS[" "]] * 8]], width=width), [FONT])
    assert text.rows[0].rstrip() in (f"{UNKNOWN}a", *(f"{char}a" for char in cursors_of(bits)))


def cursors_of(bits: int) -> set[str]:
    """Characters that may be below a cursor."""
    both = (bits, bits ^ (1 << 128) - 1)
    return {
        char for glyph, char in FONT.characters.items() if glyph >> 24 in {b >> 24 for b in both}
    }


def test_a_third_colour_is_unknown() -> None:
    picture = draw(["ab"], columns=4)
    pixels = bytearray(picture.pixels)
    pixels[:3] = WHITE
    text = read_text(picture._replace(pixels=bytes(pixels)), [FONT])
    assert text.rows == (f"{UNKNOWN}b  ",)
    assert (text.known, text.inked, text.is_text) == (1, 2, False)


def test_a_ninth_column_that_no_vga_shows_is_unknown() -> None:
    picture = draw(["abc"], columns=4, width=9)
    pixels = bytearray(picture.pixels)
    pixels[8 * 3 : 9 * 3] = GREY
    assert read_text(picture._replace(pixels=bytes(pixels)), [FONT]).rows == (f"{UNKNOWN}bc ",)


def test_a_ninth_column_repeats_the_eighth_of_lines() -> None:
    font = font_of({"\u2500": bytes(7) + b"\xff" + bytes(8)})
    line = bytes(GREY * 9)
    pixels = BLACK * 9 * 7 + line + BLACK * 9 * 8
    assert read_text(Picture(9, 16, pixels), [font]).rows == ("\u2500",)


# ---------------------------------------------------------------------------- the cursor


def with_cursor(char: str, rows: dict[int, int]) -> bytes:
    glyph = bytearray(GLYPHS[char])
    for row, bits in rows.items():
        glyph[row] = bits
    return bytes(glyph)


@pytest.mark.parametrize(
    "char,rows,shown",
    [
        ("a", {13: 0xFF, 14: 0xFF}, "a"),
        ("a", {14: 0xFF, 15: 0xFF}, "a"),
        ("a", {15: 0xFF}, "a"),
        (" ", {13: 0xFF, 14: 0xFF}, " "),
        (" ", {14: 0xFF, 15: 0xFF}, " "),
        (" ", {13: 0xFF}, "_"),  # the underscore itself
        ("a", {12: 0xFF, 13: 0xFF}, UNKNOWN),  # too high
        ("a", {13: 0x3C}, UNKNOWN),  # too narrow
        (" ", {14: 0x18}, UNKNOWN),
        ("p", {13: 0xFF, 14: 0xFF, 15: 0xFF}, UNKNOWN),  # or a q
        ("p", {15: 0xFF}, "p"),
        ("q", {15: 0xFF}, "q"),
        ("q", {13: 0xF3, 14: 0xF3}, "q"),  # inverted, as a framebuffer console does it
    ],
)
def test_the_cursor(char: str, rows: dict[int, int], shown: str) -> None:
    cells = [with_cursor(char, rows), *(GLYPHS[other] for other in "xyz   ")]
    text = read_text(draw_glyphs([cells]), [FONT])
    assert text.rows == (f"{shown}xyz   ",)


def test_a_screen_has_one_cursor() -> None:
    line = with_cursor(" ", {14: 0xFF, 15: 0xFF})
    text = read_text(draw_glyphs([[line, line, GLYPHS["a"]]]), [FONT])
    assert text.rows == (f"{UNKNOWN}{UNKNOWN}a",)


# ---------------------------------------------------------------------------- text or not


def test_nothing_is_text() -> None:
    text = read_text(Picture(640, 480, bytes(640 * 480 * 3)), [FONT])
    assert (text.lines, text.share, text.is_text) == ([], 1.0, True)


def test_a_picture_smaller_than_a_cell() -> None:
    assert read_text(Picture(3, 3, bytes(range(27))), [FONT]).rows == ()


@given(st.integers(0, 2**32))
@examples(0.1)
def test_noise_has_no_character(seed: int) -> None:
    chance = random.Random(seed)
    pixels = bytearray()
    for _ in range(160 * 160):
        pixels += chance.choice((BLACK, GREY))
    text = read_text(Picture(160, 160, bytes(pixels)), [FONT])
    assert (text.known, text.inked, text.is_text) == (0, 200, False)


def test_a_photograph_is_not_looked_at_long() -> None:
    pixels = random.Random(0).randbytes(1920 * 1080 * 3)
    text = read_text(Picture(1920, 1080, pixels), [FONT])
    assert (text.known, text.inked, text.rows, text.is_text) == (0, 240 * 67, (), False)


def test_a_drawing_in_two_colours_is_not_cut_for_long() -> None:
    """Each of its 32,400 cells differs, and has two colours."""
    width, height = 1920, 2160
    chance, rows = random.Random(0), []
    for _ in range(height // CELL_HEIGHT):
        pairs = [(chance.randbytes(3), chance.randbytes(3)) for _ in range(width // CELL_WIDTH)]
        rows.append(b"".join(one * 4 + other * 4 for one, other in pairs) * CELL_HEIGHT)
    picture = Picture(width, height, b"".join(rows))
    cells = cut(picture, CELL_WIDTH, CELL_HEIGHT).cells
    assert sum(cell is not None for cell in cells) == 16 * 1024
    text = read_text(picture, [FONT])
    assert (text.known, text.inked, text.is_text) == (0, len(cells), False)


def test_a_text_with_a_logo_is_text() -> None:
    """As Linux' framebuffer console has one above its text."""
    logo = random.Random(0).randbytes(640 * 80 * 3)
    text = draw(["some text"] * 25, columns=80)
    found = read_text(Picture(640, 480, logo + text.pixels), [FONT])
    assert found.rows[0] == UNKNOWN * 80
    assert found.rows[5:] == ("some text".ljust(80),) * 25


def test_without_a_font_what_is_there_is_unknown() -> None:
    text = read_text(draw(["ab"]), [])
    assert (text.rows, text.font, text.is_text) == ((UNKNOWN * 2,), "", False)


# ---------------------------------------------------------------------------- which font

OTHER = font_of(
    {char: bytes(byte >> 1 ^ 1 for byte in glyph) for char, glyph in GLYPHS.items() if char != " "},
    "other",
)


@pytest.mark.parametrize("fonts", [[FONT, OTHER], [OTHER, FONT]])
def test_the_font_that_knows_most(fonts: list[Font]) -> None:
    assert read_text(draw(["some text"]), fonts).font == "test"


def test_none_is_tried_after_one_that_knows_all() -> None:
    def fonts() -> object:
        yield FONT
        raise AssertionError

    assert read_text(draw(["some text"]), fonts()).font == "test"  # type: ignore[arg-type]  # lazy


def test_cells_of_another_size() -> None:
    tall = Font("tall", 16, 32, {0xFFFF << 16 * 8: "x", 0xF << 16 * 4: "y"})
    pixels = bytearray(BLACK * 32 * 32)
    for row, (left, right) in ((23, (0, 16)), (27, (28, 32))):
        pixels[(row * 32 + left) * 3 : (row * 32 + right) * 3] = GREY * (right - left)
    assert read_text(Picture(32, 32, bytes(pixels)), [tall]).rows == ("xy",)


@given(TEXTS)
def test_rows_and_lines(lines: list[str]) -> None:
    text = read_text(draw(lines, columns=20), [FONT])
    assert {len(row) for row in text.rows} == {20}
    shown = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    assert "\n".join(text.lines) == shown
