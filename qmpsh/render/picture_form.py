"""In which form a terminal shows pictures: as its variables state, else as it answers. Pure.

Within tmux and screen the variables are those of another terminal, and nothing is asked in kitty's
way: they take it for the title of a window. Source: tmux, input.c, input_exit_apc.
"""

from __future__ import annotations

from collections.abc import Mapping

from qmpsh.display.forms import AUTO, BLOCKS, ITERM, KITTY, SIXEL
from qmpsh.render.terminal_answers import FENCE, TerminalQuestion

KITTY_QUESTION = TerminalQuestion(
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\", "\x1b_Gi=31;", "[ -~]", r"\x1b\\"
)
"""whether it shows a picture. Source: kitty's graphics protocol, "Querying support" """

_SIXEL_ATTRIBUTE = "4"
"""among the primary device attributes. Source: xterm's ctlseqs, "Send Device Attributes" """

_PROGRAMS = {"iTerm.app": ITERM, "WezTerm": ITERM, "mintty": ITERM, "ghostty": KITTY}
"""Terminals by TERM_PROGRAM."""

_MUTE = frozenset({"Apple_Terminal"})
"""Those that would print a question of kitty's."""

_MULTIPLEXERS = ("tmux", "screen")
"""beginnings of TERM"""


def stated_form(environ: Mapping[str, str]) -> str:
    """Return the form that the variables of a terminal state; "" if they state none."""
    term = environ.get("TERM", "")
    if _is_multiplexed(environ):
        return ""
    if environ.get("KITTY_WINDOW_ID") or term == "xterm-kitty" or environ.get("KONSOLE_VERSION"):
        return KITTY
    if environ.get("LC_TERMINAL") == "iTerm2":
        return ITERM
    return _PROGRAMS.get(environ.get("TERM_PROGRAM", ""), "")


def picture_questions(environ: Mapping[str, str]) -> tuple[TerminalQuestion, ...]:
    """Return what to ask a terminal besides its attributes, which it is always asked for."""
    is_mute = _is_multiplexed(environ) or environ.get("TERM_PROGRAM") in _MUTE
    return () if is_mute else (KITTY_QUESTION,)


def picture_form(preferred: str, environ: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Return the form in which pictures are shown.

    preferred: of `.set pictures`; found: what the terminal has answered, as of TerminalAnswers
    """
    if preferred != AUTO:
        return preferred
    stated = stated_form(environ)
    if stated:
        return stated
    if found.get(KITTY_QUESTION.opening) == "OK":
        return KITTY
    attributes = found.get(FENCE.opening, "").split(";")
    return SIXEL if _SIXEL_ATTRIBUTE in attributes[1:] else BLOCKS


def _is_multiplexed(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("TMUX")) or environ.get("TERM", "").startswith(_MULTIPLEXERS)
