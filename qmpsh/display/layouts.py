"""Keyboard layouts: which keys type a character.

A key is named by QEMU's key codes, which are places on the keyboard: what such a key types is up to
the layout that the guest has set. The tables are rows of keys as they lie on the keyboard, a column
for each of ROWS. What differs between the systems that a guest may run is left out, or typed by
what they share: a dead key and a blank.

Source: X11's xkeyboard-config (us, gb, de, fr), the keymaps of Linux' console, and Windows'
layouts; tests/display/test_layouts.py compares with the keymaps that come with QEMU.
"""

from __future__ import annotations

from functools import cache

from qmpsh.light_typing import NamedTuple

ROWS = (
    "grave_accent 1 2 3 4 5 6 7 8 9 0 minus equal",
    "q w e r t y u i o p bracket_left bracket_right",
    "a s d f g h j k l semicolon apostrophe backslash",
    "less z x c v b n m comma dot slash",
)
"""The key codes of the keys that type characters."""

SHIFT, ALTGR = "shift", "alt_r"

_ALWAYS = {" ": "spc", "\n": "ret", "\t": "tab", "\x1b": "esc"}
"""Characters whose keys are the same everywhere."""

_VOWELS = "aeiouAEIOU"


class KeyStroke(NamedTuple):
    """A key that is pressed and released. held: those that are held meanwhile, in this order"""

    code: str
    held: tuple[str, ...] = ()


class DeadKey(NamedTuple):
    """A key that types nothing until the next one.

    accent: what it types with a blank, "" where the systems differ
    letters, composed: what it is typed with, and what they become, in the same order
    """

    stroke: KeyStroke
    accent: str
    letters: str
    composed: str


class Layout(NamedTuple):
    """A layout. plain, shifted, altgr: a text for each of ROWS, a blank for no character"""

    plain: tuple[str, str, str, str]
    shifted: tuple[str, str, str, str]
    altgr: tuple[str, ...] = ()
    dead: tuple[DeadKey, ...] = ()


LAYOUTS: dict[str, Layout] = {
    "us": Layout(
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", " zxcvbnm,./"),
        ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', " ZXCVBNM<>?"),
    ),
    "gb": Layout(
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", "\\zxcvbnm,./"),
        ('¬!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"),
        ("    €        ",),
    ),
    "de": Layout(
        (" 1234567890ß ", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"),
        ('°!"§$%&/()=? ', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"),
        ("  ²³   {[]}\\ ", "@ €        ~", "            ", "|      µ   "),
        (
            DeadKey(KeyStroke("grave_accent"), "^", _VOWELS, "âêîôûÂÊÎÔÛ"),
            DeadKey(KeyStroke("equal"), "", "aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ"),
            DeadKey(KeyStroke("equal", (SHIFT,)), "`", _VOWELS, "àèìòùÀÈÌÒÙ"),
        ),
    ),
    "fr": Layout(
        ("²&é\"'(-è_çà)=", "azertyuiop $", "qsdfghjklmù*", "<wxcvbn,;:!"),
        (" 1234567890°+", "AZERTYUIOP £", "QSDFGHJKLM%µ", ">WXCVBN?./§"),
        ("  ~#{[|`\\ @]}", "  €        ¤"),
        (
            DeadKey(KeyStroke("bracket_left"), "^", _VOWELS, "âêîôûÂÊÎÔÛ"),
            DeadKey(KeyStroke("bracket_left", (SHIFT,)), "", "aeiouyAEIOU", "äëïöüÿÄËÏÖÜ"),
        ),
    ),
}
DEFAULT_LAYOUT = "us"


@cache
def strokes_of(layout: str) -> dict[str, tuple[KeyStroke, ...]]:
    """Return the characters that a layout types, each with its keys: one, or two with a dead key.

    layout: a name of LAYOUTS
    """
    rows = LAYOUTS[layout]
    found: dict[str, tuple[KeyStroke, ...]] = {
        character: (KeyStroke(code),) for character, code in _ALWAYS.items()
    }
    for held, texts in (((), rows.plain), ((SHIFT,), rows.shifted), ((ALTGR,), rows.altgr)):
        for codes, text in zip(ROWS, texts, strict=False):
            for code, character in zip(codes.split(), text, strict=True):
                if character != " ":
                    found[character] = (KeyStroke(code, held),)
    for dead in rows.dead:
        pairs = [(" ", dead.accent)] if dead.accent else []
        for letter, character in (*pairs, *zip(dead.letters, dead.composed, strict=True)):
            found[character] = (dead.stroke, *found[letter])
    return found


def layouts_with(character: str) -> list[str]:
    """Return the names of the layouts that type a character."""
    return [name for name in LAYOUTS if character in strokes_of(name)]
