"""The escapes of a text, chords, and the events that press them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.display.keys import (
    ALIASES,
    Chord,
    chords_of_text,
    key_events,
    read_chord,
    read_text,
)
from qmpsh.display.layouts import LAYOUTS, strokes_of
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, as_dict, as_list, get_dict, get_str

layouts = st.sampled_from(list(LAYOUTS))


def pressed(events: Json) -> list[tuple[str, bool]]:
    """The key codes of events, and whether each goes down."""
    found = []
    for event in as_list(events):
        data = get_dict(as_dict(event), "data")
        found.append((get_str(get_dict(data, "key"), "data"), data["down"] is True))
    return found


@pytest.mark.parametrize(
    "written, text",
    [
        ("root\\n", "root\n"),
        ("a\\tb\\e", "a\tb\x1b"),
        ("C:\\\\new", "C:\\new"),
        ("\\?", "?"),
        ('it\\\'s \\"so\\"', 'it\'s "so"'),
        ("", ""),
    ],
)
def test_escapes(written: str, text: str) -> None:
    assert read_text(written) == text


@pytest.mark.parametrize("written, place", [("C:\\x", 3), ("a\\", 2), ("\\\\\\N", 3)])
def test_an_unknown_escape_is_refused(written: str, place: int) -> None:
    with pytest.raises(UsageError) as caught:
        read_text(written)
    assert str(caught.value) == (
        f"no such escape, character {place} of the text: there are \\n (Enter), \\t, \\e (Escape),"
        " \\\\, \\?, \\' and \\\""
    )


@given(st.text())
def test_what_is_escaped_reads_back(text: str) -> None:
    written = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\x1b", "\\e")
    assert read_text(written) == text


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = read_text(text)
    except UsageError:
        assert "\\" in text
    else:
        assert len(read) <= len(text)


@given(layouts, st.data())
def test_a_text_types_its_characters_keys_in_turn(layout: str, data: st.DataObject) -> None:
    known = strokes_of(layout)
    text = data.draw(st.text(st.sampled_from(list(known))))
    keys = [[stroke.code for stroke in known[character]] for character in text]
    typed = chords_of_text(text, layout)
    assert [[chord.codes[-1] for chord in chords] for chords in typed] == keys


@given(layouts, st.data())
def test_nothing_stays_pressed(layout: str, data: st.DataObject) -> None:
    known = strokes_of(layout)
    text = data.draw(st.text(st.sampled_from(list(known)), min_size=1))
    for chord in sum(chords_of_text(text, layout), ()):
        down: list[str] = []
        for code, is_down in pressed(key_events(chord)):
            if is_down:
                down.append(code)
            else:
                assert down.pop() == code
        assert down == []


def test_a_character_that_a_layout_lacks_is_named_with_its_place() -> None:
    with pytest.raises(UsageError) as caught:
        chords_of_text("naïve", "us")
    assert str(caught.value) == (
        "the layout us has no 'ï', character 3 of the text; --layout fr has it"
    )
    with pytest.raises(UsageError) as caught:
        chords_of_text("a\x00", "us")
    assert str(caught.value) == (
        "the layout us has no U+0000, character 2 of the text; no other has it either"
    )


def test_what_was_asked_for_is_not_named() -> None:
    with pytest.raises(UsageError) as caught:
        chords_of_text("naïve", "us", shown=False)
    assert str(caught.value) == "the layout us lacks character 3 of the text"


def test_a_layout_that_there_is_not() -> None:
    with pytest.raises(UsageError, match="no layout dvorak; there are us, gb, de, fr"):
        chords_of_text("a", "dvorak")


@pytest.mark.parametrize(
    "word, codes",
    [
        ("ctrl-alt-delete", "ctrl alt delete"),
        ("Ctrl-Alt-Del", "ctrl alt delete"),
        ("ctrl+alt+f2", "ctrl alt f2"),
        ("win", "meta_l"),
        ("altgr-e", "alt_r e"),
        ("enter", "ret"),
        ("a", "a"),
        ("A", "shift a"),
        (":", "shift semicolon"),
        ("-", "minus"),
        ("+", "shift equal"),
        ("ctrl--", "ctrl minus"),
        ("ctrl-+", "ctrl shift equal"),
        ("shift-A", "shift a"),
    ],
)
def test_chords(word: str, codes: str) -> None:
    assert read_chord(word) == Chord(tuple(codes.split()))


def test_a_character_of_a_chord_is_a_key_of_the_layout() -> None:
    assert read_chord("ctrl-z", "de").codes == ("ctrl", "y")


@pytest.mark.parametrize("word", ["ctrl-", "-a", "--", "ctrl-alt-", "a b", "ctrl-.x"])
def test_a_chord_without_a_key_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="expected a key between the dashes of"):
        read_chord(word)


def test_a_chord_whose_character_takes_two_keys_is_refused() -> None:
    with pytest.raises(UsageError, match="the layout fr types '\\^' with two keys"):
        read_chord("ctrl-^", "fr")


@given(st.text(min_size=1), layouts)
def test_any_word_is_a_chord_or_refused(word: str, layout: str) -> None:
    try:
        codes = read_chord(word, layout).codes
    except UsageError:
        return
    assert codes
    assert len(set(codes)) == len(codes)


names = st.sampled_from([*ALIASES, "f1", "a", "kp_enter"])


@given(st.lists(names, min_size=1), st.sampled_from("+-"))
def test_names_joined_are_their_chord(words: list[str], sign: str) -> None:
    codes = [ALIASES.get(word, word) for word in words]
    assert read_chord(sign.join(words)).codes == tuple(dict.fromkeys(codes))
