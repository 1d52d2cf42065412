"""Layouts: whole, unambiguous, and as QEMU's own keymaps have them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

import pytest

from qmpsh.display.layouts import LAYOUTS, ROWS, KeyStroke, layouts_with, strokes_of
from tests.qemu import ROOT

KEYMAPS: Final = [
    folder / "usr/share/qemu/keymaps" for folder in (Path("/"), ROOT / ".qemu-next" / "root")
]
FILES = {"us": "en-us", "gb": "en-gb", "de": "de", "fr": "fr"}
SYMBOLS: Final = {
    "space": " ", "exclam": "!", "quotedbl": '"', "numbersign": "#", "dollar": "$", "percent": "%",
    "ampersand": "&", "apostrophe": "'", "parenleft": "(", "parenright": ")", "asterisk": "*",
    "plus": "+", "comma": ",", "minus": "-", "period": ".", "slash": "/", "colon": ":",
    "semicolon": ";", "less": "<", "equal": "=", "greater": ">", "question": "?", "at": "@",
    "bracketleft": "[", "backslash": "\\", "bracketright": "]", "asciicircum": "^",
    "underscore": "_", "grave": "`", "braceleft": "{", "bar": "|", "braceright": "}",
    "asciitilde": "~", "sterling": "£", "currency": "¤", "section": "§", "notsign": "¬",
    "degree": "°", "twosuperior": "²", "threesuperior": "³", "mu": "µ", "ssharp": "ß",
    "EuroSign": "€", "adiaeresis": "ä", "odiaeresis": "ö", "udiaeresis": "ü", "Adiaeresis": "Ä",
    "Odiaeresis": "Ö", "Udiaeresis": "Ü", "eacute": "é", "egrave": "è", "agrave": "à",
    "ugrave": "ù", "ccedilla": "ç", "Return": "\n", "Tab": "\t",
    "Escape": "\x1b", "acute": "\u00b4", "diaeresis": "\u00a8",
}  # fmt: skip
"""X11's names of the characters that a layout has."""

each_layout = pytest.mark.parametrize("layout", LAYOUTS)


def keymap(layout: str) -> dict[tuple[str, str], str]:
    """What QEMU's keymap of a layout says: the character of each key code and what is held."""
    paths = [folder / FILES[layout] for folder in KEYMAPS]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        pytest.skip("no keymaps of QEMU here")
    found: dict[tuple[str, str], str] = {}
    code = ""
    for line in path.read_text().splitlines():
        if key := re.match(r'# evdev \d+ \(\w+\), QKeyCode "(\w+)"', line):
            code = key[1]
        elif symbol := re.fullmatch(r"(\w+) 0x\w+((?: \w+)*)", line):
            name = symbol[1]
            found[code, symbol[2].strip()] = SYMBOLS.get(name, name if len(name) == 1 else "")
    return found


def place(stroke: KeyStroke) -> tuple[str, str]:
    return stroke.code, " ".join(stroke.held).replace("alt_r", "altgr")


@each_layout
def test_a_layout_types_all_of_ascii(layout: str) -> None:
    assert {chr(code) for code in range(32, 127)} | set("\n\t\x1b") <= set(strokes_of(layout))


@each_layout
def test_no_two_characters_share_their_keys(layout: str) -> None:
    strokes = strokes_of(layout)
    assert len(set(strokes.values())) == len(strokes)


@each_layout
def test_keys_are_where_the_keymap_of_qemu_has_them(layout: str) -> None:
    wanted = keymap(layout)
    plain = {char: keys[0] for char, keys in strokes_of(layout).items() if len(keys) == 1}
    assert {char: wanted.get(place(key)) for char, key in plain.items()} == {c: c for c in plain}


@each_layout
def test_a_dead_key_is_where_a_keymap_without_dead_keys_has_its_accent(layout: str) -> None:
    accents = "^`\u00b4\u00a8"
    wanted = keymap(layout)
    assert all(wanted[place(dead.stroke)] in accents for dead in LAYOUTS[layout].dead)


@each_layout
def test_a_dead_key_composes_what_unicode_composes(layout: str) -> None:
    marks = {"^": "\u0302", "`": "\u0300", "\u00b4": "\u0301", "\u00a8": "\u0308"}
    wanted = keymap(layout)
    for dead in LAYOUTS[layout].dead:
        mark = marks[wanted[place(dead.stroke)]]
        composed = [unicodedata.normalize("NFC", letter + mark) for letter in dead.letters]
        assert "".join(composed) == dead.composed


@each_layout
def test_rows_are_as_long_as_the_keyboard(layout: str) -> None:
    rows = LAYOUTS[layout]
    lengths = [len(row.split()) for row in ROWS]
    assert [len(row) for row in rows.plain] == [len(row) for row in rows.shifted] == lengths


def test_layouts_that_have_a_character_are_named() -> None:
    assert layouts_with("ß") == ["de"]
    assert layouts_with("€") == ["gb", "de", "fr"]
    assert layouts_with("a") == list(LAYOUTS)
    assert layouts_with("語") == []
