"""Fonts: of a VGA's ROM as `xp` prints it, of PSF files; what is broken is refused."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.display.fonts import (
    CODE_PAGE_437,
    MAX_FONT_BYTES,
    FontError,
    installed_fonts,
    load_font,
    parse_psf,
    read_words,
    vga_font,
)
from tests.display.drawing import FONT, GLYPHS
from tests.fuzzing import examples

A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")

# ---------------------------------------------------------------------------- VGA


def rom_font(before: bytes = b"") -> bytes:
    """A ROM with a font in which each glyph but the blank ones tells its place."""
    glyphs = [bytes([0, index, *bytes(12), index ^ 0xFF, 0]) for index in range(256)]
    glyphs[ord("A")], glyphs[ord(" ")] = A, bytes(16)
    return before + b"".join(glyphs)


@given(st.binary(max_size=400))
def test_a_font_is_found_in_a_rom(before: bytes) -> None:
    font = vga_font(rom_font(before))
    assert font is not None
    assert (font.width, font.height) == (8, 16)
    characters = set(font.characters.values())
    assert characters == set(CODE_PAGE_437) - {" ", "\0"}
    assert font.characters[int.from_bytes(A, "big")] == "A"


@pytest.mark.parametrize(
    "rom",
    [
        b"",
        bytes(65536),
        A,
        rom_font()[:-200],  # cut off
        rom_font()[16:],  # there is not the room for what is before A
        rom_font()[: 32 * 16] + b"\1" * 16 + rom_font()[33 * 16 :],  # the blank is none
    ],
)
def test_a_rom_without_a_font(rom: bytes) -> None:
    assert vga_font(rom) is None


@given(st.binary())
def test_any_rom(rom: bytes) -> None:
    vga_font(rom)
    vga_font(rom + A + rom)


def xp(data: bytes, start: int = 0xC0000) -> str:
    """What `xp /Nxw` prints."""
    lines = []
    for at in range(0, len(data), 16):
        words = struct.unpack(f"<{len(data[at : at + 16]) // 4}I", data[at : at + 16])
        lines.append(f"{start + at:016x}: " + " ".join(f"{word:#010x}" for word in words))
    return "\r\n".join(lines)


@given(st.binary().map(lambda data: data[: len(data) // 4 * 4]))
def test_the_words_of_xp(data: bytes) -> None:
    assert read_words(xp(data)) == data


def test_words_that_do_not_go_on() -> None:
    text = xp(b"abcdefghijklmnop") + "\r\n" + xp(b"abcd", 0xC1000)
    assert read_words(text) == b"abcdefghijklmnop"


@given(st.text(alphabet="0123456789abcdefx: \r\n") | st.text())
@example("0: 0x000000010x00000002")
@examples(3)
def test_any_text_of_xp(text: str) -> None:
    read_words(text)


# ---------------------------------------------------------------------------- PSF


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


NAMED = [(glyph, char) for char, glyph in GLYPHS.items() if char != " "]


def psf1(named: list[tuple[bytes, str]], height: int = 16) -> bytes:
    """A font of version 1 with 256 glyphs. named: glyphs, and the characters of each"""
    entries = [*named, *[(bytes(height), "")] * (256 - len(named))]
    table = b"".join(chars.encode("utf-16-le") + b"\xff\xff" for _, chars in entries)
    glyphs = b"".join(glyph for glyph, _ in entries)
    return b"\x36\x04" + bytes([2, height]) + glyphs + table


def psf2(named: list[tuple[bytes, str]], width: int = 8, height: int = 16) -> bytes:
    size = (width + 7) // 8 * height
    header = struct.pack("<8I", 0x864AB572, 0, 32, 1, len(named), size, height, width)
    table = b"".join(chars.encode() + b"\xff" for _, chars in named)
    return header + b"".join(glyph for glyph, _ in named) + table


@pytest.mark.parametrize("write", [psf1, psf2])
@pytest.mark.parametrize("pack", [bytes, packed])
def test_a_font_is_read(write: object, pack: object) -> None:
    assert callable(write)
    assert callable(pack)
    font = parse_psf(pack(write(NAMED)), "x")
    assert font == FONT._replace(name="x")


def test_a_glyph_of_several_characters_is_the_plainest() -> None:
    glyph = bytes(8) + b"\x18" * 8
    for data in (psf1([(glyph, "\u0391A\u0410")]), psf2([(glyph, "\u0391A\u0410")])):
        assert list(parse_psf(data, "x").characters.values()) == ["A"]


def test_a_sequence_is_no_character() -> None:
    glyph = bytes(8) + b"\x18" * 8
    one = psf1([(glyph, "B\ufffeA\u0301")])
    assert list(parse_psf(one, "x").characters.values()) == ["B"]
    two = psf2([(glyph, "B")]).replace(b"B\xff", b"B\xfeA\xcc\x81\xff")
    assert list(parse_psf(two, "x").characters.values()) == ["B"]


def test_without_a_table_only_ascii_has_its_place() -> None:
    glyphs = b"".join(bytes([*bytes(14), index, 1]) for index in range(256))
    font = parse_psf(b"\x36\x04\x00\x10" + glyphs, "x")
    assert sorted(font.characters.values()) == [chr(index) for index in range(33, 127)]


def test_a_glyph_whose_rows_have_spare_bits() -> None:
    rows = b"".join((0b1010_1010_1011 << 4 | 0b1111).to_bytes(2, "big") for _ in range(22))
    font = parse_psf(psf2([(rows, "x")], 12, 22), "x")
    assert font.characters == {int("101010101011" * 22, 2): "x"}


@pytest.mark.parametrize(
    "data,why",
    [
        (b"", "it does not begin like one"),
        (b"PNG", "it does not begin like one"),
        (b"\x36\x04\x00", "it does not begin like one"),
        (b"\x36\x04\x00\x10abc", "it ends too early"),
        (b"\x36\x04\x00\x00", "it has 256 glyphs of 8 x 0 pixels"),
        (psf2(NAMED)[:40], "it ends too early"),
        (psf2([], 8, 16), "it has 0 glyphs of 8 x 16 pixels"),
        (b"\x72\xb5\x4a\x86" + b"\xff" * 28, "it has 4294967295 glyphs of 4294967295 x 42949"),
        (packed(bytes(MAX_FONT_BYTES * 50)), "it has more than 1 MiB"),
        (packed(psf2(NAMED * 20))[:900], "it is packed with gzip, and damaged or cut off"),
        (b"\x1f\x8babc", "it is packed with gzip, and damaged or cut off"),
    ],
)
def test_what_is_no_font(data: bytes, why: str) -> None:
    with pytest.raises(FontError) as error:
        parse_psf(data, "./f")
    assert str(error.value).startswith(f"./f is no PC screen font (PSF) that can be read: {why}")
    assert error.value.exit_code == 2


HEADS = st.sampled_from([b"", b"\x36\x04", b"\x36\x04\x02\x01", psf2(NAMED)[:32], psf1(NAMED)])


@given(HEADS, st.binary(), st.booleans())
@examples(3)
def test_any_bytes_are_a_font_or_an_error(head: bytes, rest: bytes, is_packed: bool) -> None:
    data = packed(head + rest) if is_packed else head + rest
    try:
        parse_psf(data, "x")
    except FontError:
        return


# ---------------------------------------------------------------------------- files


def test_the_fonts_of_a_machine(tmp_path: Path) -> None:
    folder = tmp_path / "fonts"
    folder.mkdir()
    (folder / "b.psf").write_bytes(psf1(NAMED))
    (folder / "a.psfu.gz").write_bytes(packed(psf2(NAMED)))
    (folder / "small.psf").write_bytes(psf1([(b"\1" * 8, "x")], 8))
    (folder / "broken.psf.gz").write_bytes(b"\x1f\x8babc")
    (folder / "other.txt").write_bytes(psf1(NAMED))
    (folder / "large.psf").write_bytes(bytes(MAX_FONT_BYTES + 1))
    os.mkfifo(folder / "fifo.psf")
    (folder / "folder.psf").mkdir()
    found = list(installed_fonts([str(tmp_path / "none"), str(folder)]))
    assert [font.name for font in found] == [f"{folder}/a.psfu.gz", f"{folder}/b.psf"]


def test_a_font_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    for path, why in (
        (tmp_path / "none", "No such file or directory"),
        (tmp_path / "f", "it is a FIFO, not a file"),
        (tmp_path, "it is a directory, not a file"),
    ):
        with pytest.raises(FontError, match=f"^cannot read the font {path}: {why}$"):
            load_font(str(path))
