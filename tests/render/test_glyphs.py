"""Marks for terminals with and without UTF-8."""

from __future__ import annotations

import pytest

from qmpsh.render.theme import ASCII, UNICODE, Glyphs, glyphs_for


@pytest.mark.parametrize(
    "encoding, glyphs",
    [
        ("utf-8", UNICODE),
        ("UTF-8", UNICODE),
        ("utf8", UNICODE),
        ("ascii", ASCII),
        ("ISO-8859-1", ASCII),
        ("", ASCII),
        (None, ASCII),
    ],
)
def test_glyphs_for(encoding: str | None, glyphs: Glyphs) -> None:
    assert glyphs_for(encoding) is glyphs


def test_the_twins_are_ascii() -> None:
    assert all(glyph.isascii() for glyph in ASCII)
