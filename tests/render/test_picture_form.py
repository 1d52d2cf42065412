"""In which form a terminal shows pictures: by its variables, else as it answers."""

from __future__ import annotations

import pytest

from qmpsh.render.picture_form import (
    KITTY_QUESTION,
    picture_form,
    picture_questions,
    stated_form,
)
from qmpsh.render.terminal_answers import BACKGROUND, TerminalAnswers

XTERM = {"TERM": "xterm-256color"}
IN_TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0"}


@pytest.mark.parametrize(
    "environ,form",
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({**XTERM, "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({**XTERM, "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({**XTERM, "KONSOLE_VERSION": "230804"}, "kitty"),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({**XTERM, "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({**XTERM, "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({**XTERM, "TERM_PROGRAM": "mintty"}, "iterm"),
        ({**XTERM, "TERM_PROGRAM": "Apple_Terminal"}, ""),
        ({**IN_TMUX, "KITTY_WINDOW_ID": "1"}, ""),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, ""),
        (XTERM, ""),
        ({}, ""),
    ],
)
def test_what_the_variables_state(environ: dict[str, str], form: str) -> None:
    assert stated_form(environ) == form


OK = "\x1b_Gi=31;OK\x1b\\"
REFUSED = "\x1b_Gi=31;EINVAL: no such medium\x1b\\"


@pytest.mark.parametrize(
    "answered,form",
    [
        (f"{OK}\x1b[?62;c", "kitty"),
        (f"{OK}\x1b[?62;4c", "kitty"),
        (f"{REFUSED}\x1b[?62;4;22c", "sixel"),
        ("\x1b[?62;22;4c", "sixel"),
        ("\x1b[?4c", "blocks"),  # a VT132, of which that is the name
        ("\x1b[?62;14;44c", "blocks"),
        ("\x1b[?62c", "blocks"),
        ("", "blocks"),
        (OK, "kitty"),  # the fence is late
    ],
)
def test_what_the_terminal_answers(answered: str, form: str) -> None:
    answers = TerminalAnswers((BACKGROUND, KITTY_QUESTION))
    assert answers.keys_of(answered) == ""
    assert picture_form("auto", XTERM, answers.found) == form


def test_what_is_typed_meanwhile_stays() -> None:
    answers = TerminalAnswers((KITTY_QUESTION,))
    pieces = ["a\x1b_", "Gi=31;O", "K\x1b", "\\b", "\x1b[?6", "2;4cc"]
    assert "".join(map(answers.keys_of, pieces)) == "abc"
    assert not answers.is_open


@pytest.mark.parametrize("form", ["kitty", "iterm", "sixel", "blocks", "off"])
def test_what_is_preferred_holds(form: str) -> None:
    assert picture_form(form, {"TERM": "xterm-kitty"}, {}) == form


def test_what_would_be_shown_is_not_asked() -> None:
    """tmux takes such a question for a title, and some terminals print it."""
    assert picture_questions(XTERM) == (KITTY_QUESTION,)
    for environ in (IN_TMUX, {"TERM": "screen"}, {**XTERM, "TERM_PROGRAM": "Apple_Terminal"}):
        assert picture_questions(environ) == ()
