"""What the terminal is asked at the start, and its answers among the keys. Pure.

All questions go out in one write, and last the one that every terminal answers: once its answer is
here, no other will come. An answer may come late, in pieces, or never; as long as one may come, it
is taken out of what is typed. A key is never held back for longer than an escape sequence is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from qmpsh.patterns import LatePattern

_MAX_CHARACTERS = 64
"""characters of an answer between its opening and its end"""

_NO_KEY = 3
"""characters of an answer that no person types in the time of an escape sequence"""


class TerminalQuestion(NamedTuple):
    """A question to the terminal, and what its answers look like.

    request:    the escape sequence that asks
    opening:    the beginning of an answer
    characters: a class of a regular expression, for what follows
    end:        a regular expression for the end, of which only ESC may be a part
    """

    request: str
    opening: str
    characters: str
    end: str


BACKGROUND = TerminalQuestion(
    "\x1b]11;?\x1b\\", "\x1b]11;", "[rgba:0-9A-Fa-f/]", r"(?:\x07|\x1b\\)"
)
"""its background; Source: xterm's ctlseqs, "Operating System Commands" """

FENCE = TerminalQuestion("\x1b[c", "\x1b[?", "[0-9;]", "c")
"""its primary device attributes (DA1), which every terminal has; 4 among them is sixel"""

_RGB = LatePattern(r"rgba?:([0-9A-Fa-f]{1,4})/([0-9A-Fa-f]{1,4})/([0-9A-Fa-f]{1,4})")


class TerminalAnswers:
    """The answers to some questions, found in what the terminal sends.

    questions: without the fence
    """

    def __init__(self, questions: tuple[TerminalQuestion, ...] = (BACKGROUND,)) -> None:
        self._questions = (*questions, FENCE)
        self._whole = LatePattern("|".join(f"({_whole(one)})" for one in self._questions))
        self._begun = LatePattern(rf"(?:{'|'.join(map(_begun, self._questions))})\Z")
        self._found: dict[str, str] = {}
        self._held = ""
        self._given = 0
        self.is_open = True

    @property
    def request(self) -> str:
        """What to write, once."""
        return "".join(one.request for one in self._questions)

    @property
    def found(self) -> Mapping[str, str]:
        """The answers so far: the opening of each, and the rest without its end."""
        return self._found

    def keys_of(self, text: str) -> str:
        """Return what was typed of a text that the terminal has sent."""
        if not self.is_open:
            return text
        text = self._held + text
        given = self._given
        for answer in self._whole.finditer(text):
            # The first characters of an answer may have been taken for keys.
            given -= max(0, min(self._given, answer.end()) - answer.start())
        typed = self._whole.sub(self._take, text)
        begun = self._begun.search(typed) if self.is_open else None
        cut = begun.start() if begun else len(typed)
        self._held, self._given = typed[cut:], max(0, given - cut)
        return typed[given:cut]

    def flush(self) -> str:
        """Return what was held back and is a key after all, because nothing has followed it.

        What comes later may still show that it was none.
        """
        if len(self._held) >= _NO_KEY and not self._given:
            return ""
        given, self._given = self._given, len(self._held)
        return self._held[given:]

    def _take(self, answer: re.Match[str]) -> str:
        question = self._questions[(answer.lastindex or 1) - 1]
        body = re.match(f"{question.characters}*", answer[0][len(question.opening) :])
        self._found[question.opening] = body[0] if body else ""
        if question is FENCE:
            self.is_open = False
        return ""


def _whole(one: TerminalQuestion) -> str:
    return f"{re.escape(one.opening)}{one.characters}{{0,{_MAX_CHARACTERS}}}{one.end}"


def _begun(one: TerminalQuestion) -> str:
    """Return an expression for an answer that is not complete."""
    openings = [re.escape(one.opening[:length]) for length in range(1, len(one.opening))]
    whole = rf"{re.escape(one.opening)}{one.characters}{{0,{_MAX_CHARACTERS}}}\x1b?"
    return "|".join([*openings, whole])


def background_of(found: Mapping[str, str]) -> str:
    """Return the terminal's background as `#rrggbb`; "" if it has not said it."""
    said = found.get(BACKGROUND.opening)
    match = _RGB.match(said) if said else None
    if match is None:
        return ""
    return "#" + "".join(
        f"{round(int(part, 16) * 255 / (16 ** len(part) - 1)):02x}" for part in match.groups()
    )


_UNASKED = frozenset({"", "dumb", "linux", "ansi", "cygwin", "eterm", "eterm-color"})
"""terminals that would print the question, or do without an answer"""


def may_be_asked(term: str) -> bool:
    """Whether a terminal of this name knows such questions."""
    return term not in _UNASKED and not term.startswith("vt")
