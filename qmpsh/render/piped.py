"""What a command at the end of a pipe printed, as a body: JSON in our colours, or with its own.

Of what steers a terminal only SGR passes, the colours and weights of text: they become styles, and
every other sequence is made visible. The text between may be a guest's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from qmpsh.patterns import LatePattern
from qmpsh.render.answers import AnswerBody, BodyKind, text_body
from qmpsh.render.colours import colour_at
from qmpsh.render.safe import visible, visible_json
from qmpsh.render.theme import (
    BACKGROUND_SGR,
    LITERAL,
    SGR_COLOURS,
    SGR_WEIGHTS,
    Line,
    plain,
)

MAX_JSON_CHARACTERS = 1 << 20
"""longer text is not tried as JSON"""

_TAB = 8
_BLANKS = LatePattern(r"\s*")
_SGR = LatePattern(r"\x1b\[([0-9;]{0,64})m")
_WEIGHTS = {int(number): weight for weight, number in SGR_WEIGHTS.items()}
_ENDS = {22: "bold", 23: "italic", 24: "underline", 27: "reverse"}
_NAMES = tuple(SGR_COLOURS)
_INKS = {**{number: name for name, number in SGR_COLOURS.items()}, 39: ""}


def piped_body(text: str) -> AnswerBody:
    """Make a body of a command's output, not yet safe to show."""
    if _SGR.search(text):
        lines = list(_styled_lines(text.rstrip("\n")))
        return AnswerBody([plain(line) for line in lines], BodyKind.TEXT, styled=lines)
    if len(text) <= MAX_JSON_CHARACTERS and _is_json(text):
        safe = visible_json(text.rstrip("\n")).expandtabs(_TAB)
        return AnswerBody(safe.split("\n"), BodyKind.JSON)
    return text_body(text)


def _is_json(text: str) -> bool:
    """Return whether a text is one JSON value after another, one of them at least no plain number.

    jq prints them so; a number alone is what most programs print.
    """
    decoder, position = json.JSONDecoder(), 0
    kinds = set()
    text = text.rstrip()
    try:
        while position < len(text):
            value, position = decoder.raw_decode(text, position)
            kinds.add(type(value))
            blanks = _BLANKS.match(text, position)
            position = blanks.end() if blanks else position
    except (ValueError, RecursionError):
        return False
    return bool(kinds - {int, float})


def _styled_lines(text: str) -> Iterator[Line]:
    style = TextStyle()
    for row in text.split("\n"):
        line: Line = []
        for index, part in enumerate(_SGR.split(row)):
            if index % 2:
                style = style.after([int(word or 0) for word in part.split(";")])
            elif part:
                line.append((style.role, visible(part).expandtabs(_TAB)))
        yield line or [("", "")]


class TextStyle(NamedTuple):
    """The weights and colours of the next character. ink, paper: names of colours, "" for none"""

    weights: frozenset[str] = frozenset()
    ink: str = ""
    paper: str = ""

    @property
    def role(self) -> str:
        """The role for it: a style of its own, "" for none."""
        paper = f"bg:{self.paper}" if self.paper else ""
        words = " ".join(filter(None, [*sorted(self.weights), self.ink, paper]))
        return f"{LITERAL}{words}" if words else ""

    def after(self, numbers: list[int]) -> TextStyle:
        """Return the style after one sequence. numbers: its parameters"""
        style, rest = self, list(numbers)
        while rest:
            number = rest.pop(0)
            if number in (38, 48):
                change = _colour(rest)
                style = style._replace(ink=change) if number == 38 else style._replace(paper=change)
            else:
                style = style._one(number)
        return style

    def _one(self, number: int) -> TextStyle:
        if number == 0:
            return TextStyle()
        if number in _WEIGHTS:
            return self._replace(weights=self.weights | {_WEIGHTS[number]})
        if number in _ENDS:
            return self._replace(weights=self.weights - {_ENDS[number]})
        if number in _INKS:
            return self._replace(ink=_INKS[number])
        if number - BACKGROUND_SGR in _INKS:
            return self._replace(paper=_INKS[number - BACKGROUND_SGR])
        return self


def _colour(numbers: list[int]) -> str:
    """Return the colour of `5;N` or `2;R;G;B`, which are taken from the numbers; "" for others."""
    kind = numbers.pop(0) if numbers else 0
    count = {5: 1, 2: 3}.get(kind, 0)
    values = [number & 255 for number in numbers[:count]]
    del numbers[:count]
    if not values or len(values) < count:
        return ""
    if count == 3:
        return "#{:02x}{:02x}{:02x}".format(*values)
    return colour_at(values[0]) if values[0] >= len(_NAMES) else _NAMES[values[0]]
