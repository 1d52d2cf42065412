"""Texts and chords as keys: what `.type` and `.key` press, and the events that press it.

A text has escapes of its own, since what a keyboard has no character for must be written somehow. A
chord is `ctrl-alt-delete`: keys that are held, and one that is pressed. Its names are QEMU's key
codes, the aliases below, or a character, which is looked up in the layout.
"""

from __future__ import annotations

import re

from qmpsh.display.layouts import (
    ALTGR,
    DEFAULT_LAYOUT,
    LAYOUTS,
    SHIFT,
    KeyStroke,
    layouts_with,
    strokes_of,
)
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json
from qmpsh.light_typing import NamedTuple

_NO_ESCAPE = (
    "no such escape, character {place} of the text: there are \\n (Enter), \\t, \\e (Escape), \\\\,"
    " \\?, \\' and \\\""
)
_NO_CHARACTER = "the layout {layout} has no {character}, character {place} of the text; {others}"
_LACKS = "the layout {layout} lacks character {place} of the text"
_NO_LAYOUT = "no layout {name}; there are {known}"
_NO_CHORD = "expected a key between the dashes of {chord}; the key - itself is minus"
_UNTYPED = "the layout {layout} types '{character}' with two keys: give them one by one"

_ESCAPES = {"n": "\n", "t": "\t", "e": "\x1b", "\\": "\\", "?": "?", "'": "'", '"': '"'}

_HELD = {
    "ctrl": "ctrl", "control": "ctrl", "alt": "alt", "option": "alt", "shift": SHIFT,
    "altgr": ALTGR, "super": "meta_l", "win": "meta_l", "cmd": "meta_l", "meta": "meta_l",
}  # fmt: skip
MODIFIER_KEYS = ("ctrl", "alt", "shift", "altgr", "super")
"""Names of the keys that are held while another one is pressed."""

ALIASES = {
    **_HELD,
    "escape": "esc", "enter": "ret", "return": "ret", "space": "spc", "del": "delete",
    "ins": "insert", "bs": "backspace", "pageup": "pgup", "pagedown": "pgdn",
    "capslock": "caps_lock", "numlock": "num_lock", "scrolllock": "scroll_lock",
    "printscreen": "print", "prtsc": "print",
}  # fmt: skip
"""Other names of keys, and their key codes."""

_PARTS = r"(?<=[^+-])[+-]"
_NAME = r"(?s)\w{2,}|."


class Chord(NamedTuple):
    """Keys that are pressed one after the other and released in the opposite order."""

    codes: tuple[str, ...]


def read_text(text: str) -> str:
    """Return a text with its escapes read. Raises UsageError for one that there is not."""

    def replace(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise UsageError(_NO_ESCAPE.format(place=match.start() + 1))
        return _ESCAPES[match[1]]

    return re.sub(r"(?s)\\(.?)", replace, text)


def chords_of_text(
    text: str, layout: str = DEFAULT_LAYOUT, *, shown: bool = True
) -> list[tuple[Chord, ...]]:
    """Return the chords that type each character of a text, as it stands.

    shown: an error may name the character that the layout lacks
    Raises UsageError for a layout or a character that there is not.
    """
    known = strokes_of(check_layout(layout))
    typed: list[tuple[Chord, ...]] = []
    for place, character in enumerate(text, 1):
        if character not in known:
            if not shown:
                raise UsageError(_LACKS.format(layout=layout, place=place))
            raise UsageError(_lacking(layout, character, place))
        typed.append(tuple(map(_chord, known[character])))
    return typed


def check_layout(name: str) -> str:
    """Return the name of a layout. Raises UsageError for one that there is not."""
    if name not in LAYOUTS:
        raise UsageError(_NO_LAYOUT.format(name=name, known=", ".join(LAYOUTS)))
    return name


def chord_names(word: str) -> list[str]:
    """Return the names in `ctrl-alt-delete` or `ctrl+c`; the last may be the sign itself.

    Raises UsageError where one is empty.
    """
    names = re.split(_PARTS, word)
    if not all(re.fullmatch(_NAME, name) for name in names):
        raise UsageError(_NO_CHORD.format(chord=word))
    return names


def read_chord(word: str, layout: str = DEFAULT_LAYOUT) -> Chord:
    """Return a chord as key codes; a name that is not known here is left to the server.

    Raises UsageError.
    """
    names = chord_names(word)
    codes: list[str] = []
    for name in names:
        codes += _codes(name, layout)
    return Chord(tuple(dict.fromkeys(codes)))


def key_events(chord: Chord) -> Json:
    """Return the events of `input-send-event` that press a chord and release all of it."""
    presses = [_event(code, is_down=True) for code in chord.codes]
    return [*presses, *(_event(code, is_down=False) for code in reversed(chord.codes))]


def _codes(name: str, layout: str) -> tuple[str, ...]:
    if len(name) > 1:
        return (ALIASES.get(name.lower(), name.lower()),)
    strokes = strokes_of(check_layout(layout)).get(name)
    if strokes is None:
        raise UsageError(_lacking(layout, name, 1))
    if len(strokes) > 1:
        raise UsageError(_UNTYPED.format(layout=layout, character=name))
    return _chord(strokes[0]).codes


def _chord(stroke: KeyStroke) -> Chord:
    return Chord((*stroke.held, stroke.code))


def _event(code: str, *, is_down: bool) -> Json:
    return {"type": "key", "data": {"down": is_down, "key": {"type": "qcode", "data": code}}}


def _lacking(layout: str, character: str, place: int) -> str:
    others = ", ".join(layouts_with(character))
    return _NO_CHARACTER.format(
        layout=layout,
        character=f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}",
        place=place,
        others=f"--layout {others} has it" if others else "no other has it either",
    )
