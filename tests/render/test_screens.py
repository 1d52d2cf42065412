"""A VM's screen in a terminal's cells: its text in its colours, its picture in half blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.batch.formatter import BatchFormatter
from qmpsh.display.blocks import UPPER_HALF
from qmpsh.display.glyphs import read_text
from qmpsh.display.picture import Picture
from qmpsh.display.screen import Screen, encoded, text_runs
from qmpsh.render.environment import Environment
from qmpsh.render.screens import screen_body
from qmpsh.render.theme import ASCII, UNICODE, Glyphs, plain
from qmpsh.shell.steps import Answer
from tests.display.drawing import (
    BLUE,
    FONT,
    GLYPHS,
    WHITE,
    doubled,
    doubled_font,
    draw,
    draw_glyphs,
)
from tests.display.strategies import pictures

TEXT = "the screen shows a picture"


def screen_of(picture: Picture, form: str = "auto") -> Screen:
    return Screen(picture, read_text(picture, [FONT]), form)


def screen(*lines: str, form: str = "auto") -> Screen:
    return screen_of(draw([*lines], columns=20), form)


NOISE = Picture(64, 32, bytes(range(256)) * 24)


def shown(of: Screen, columns: int, rows: int, glyphs: Glyphs = UNICODE) -> list[str]:
    return screen_body(of, "\n".join(of.text.lines) or TEXT, columns, rows, glyphs).lines


# ---------------------------------------------------------------------------- text


def test_a_text_is_shown_as_its_characters() -> None:
    assert shown(screen("ab c", "", "x"), 40, 2) == ["ab c".ljust(20), " " * 20, "x".ljust(20)]


def test_in_the_colours_of_the_screen() -> None:
    cells = [[GLYPHS["a"], GLYPHS[" "], GLYPHS["b"]]]
    runs = text_runs(read_text(draw_glyphs(cells, WHITE, BLUE), [FONT]))
    assert [tuple(run) for run in runs[0]] == [("#ffffff", "#0000aa", "a b")]


def test_inverse_video_keeps_its_colours() -> None:
    inverse = [bytes(byte ^ 0xFF for byte in GLYPHS[char]) for char in "ab"]
    text = read_text(draw_glyphs([[*inverse, *[GLYPHS[" "]] * 4]], WHITE, BLUE), [FONT])
    assert [tuple(run) for run in text_runs(text)[0]] == [
        ("#0000aa", "#ffffff", "ab"),
        ("#0000aa", "#0000aa", "    "),
    ]


def test_large_letters_are_not_taken_for_inverse_video() -> None:
    font, picture = doubled_font(), doubled(draw(["ab"]))
    assert text_runs(read_text(picture, [font])) == text_runs(read_text(draw(["ab"]), [FONT]))


def test_a_text_that_is_too_wide_is_left_to_be_wrapped() -> None:
    body = screen_body(screen("abc", "x" * 20), "abc\nxxx", 19, 9, UNICODE)
    assert (body.lines, body.drawing) == (["abc", "xxx"], None)


def test_a_window_that_has_become_narrow_cuts_it() -> None:
    body = screen_body(screen("abc", "x" * 20), "", 20, 9, UNICODE)
    assert plain(body.line(1, 12)) == "x" * 12
    assert plain(body.line(1, 20)) == "x" * 20


# ---------------------------------------------------------------------------- pictures


def test_a_picture_is_shown_in_half_blocks() -> None:
    assert shown(screen_of(NOISE), 20, 9) == [UPPER_HALF * 20] * 5
    assert shown(screen("abc", form="blocks"), 10, 9) == [UPPER_HALF * 10]


def test_a_picture_is_made_again_for_another_size() -> None:
    body = screen_body(screen_of(NOISE), "", 40, 10, UNICODE)
    assert len(plain(body.line(0, 40))) == 40
    assert len(plain(body.line(0, 16))) == 16
    assert body.line(9, 16) == []


def test_without_utf_8_it_is_said() -> None:
    body = screen_body(screen_of(NOISE), TEXT, 20, 9, ASCII)
    assert body.lines == [f"{TEXT}; drawing it takes a terminal with UTF-8"]
    assert shown(screen("abc"), 20, 9, ASCII) == ["abc"]


@given(pictures(), st.integers(1, 200), st.integers(1, 60))
def test_any_picture_fits(picture: Picture, columns: int, rows: int) -> None:
    body = screen_body(screen_of(picture), TEXT, columns, rows, UNICODE)
    if body.drawing is not None:
        lines = body.drawing.lines(columns, rows)
        assert all(len(plain(line)) <= columns for line in lines)


# ---------------------------------------------------------------------------- one-shots


class Kitty(Environment):
    """A terminal of 80 columns that says it is kitty."""

    columns = 80
    rows = 24
    glyphs = UNICODE
    has_colours = True


@pytest.mark.parametrize(
    "term,begin",
    [
        ({"TERM": "xterm-kitty"}, "\x1b_Ga=T,q=2,f=24,o=z,s=160,v=16,c=20,r=1,"),
        ({"TERM": "xterm", "TERM_PROGRAM": "iTerm.app"}, "\x1b]1337;File=inline=1;size="),
        ({"TERM": "linux"}, "\x1b["),
    ],
)
def test_a_one_shot_shows_what_the_terminal_can(term: dict[str, str], begin: str) -> None:
    formatter = BatchFormatter(Kitty("always", term))
    answer = Answer("", text="abc", screen=screen("abc"))
    text, lines = formatter.drawn(answer, [])
    assert text.startswith(begin)
    assert len(lines) == 1
    again, _ = formatter.drawn(answer, lines)
    assert again == f"\r\x1b[1A\x1b[J{text}"


def test_colours_are_exact_where_there_are_all() -> None:
    environ = {"TERM": "linux", "COLORTERM": "truecolor"}
    answer = Answer("", text="abc", screen=screen("abc"))
    text, _ = BatchFormatter(Kitty("always", environ)).drawn(answer, [])
    assert text == "\x1b[38;2;168;168;168;48;2;0;0;0mabc                 \x1b[0m"


def test_cells_of_a_protocol() -> None:
    sequence, rows = encoded(screen_of(Picture(720, 400, bytes(720 * 400 * 3))), "kitty", 40, 100)
    assert "c=40,r=12," in sequence
    assert rows == 12
