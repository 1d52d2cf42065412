"""Splits the text of a command line into the words that its shell would pass, the last unfinished.

Pure. The shells' own splitting is of no use: bash also splits at `=` and `:`, and none of them says
how much of a word follows an open quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern


class ShellWord(NamedTuple):
    """A word of the command line.

    text: unquoted; quote: the one that is open at its end, or ""; kept: how many characters of the
    text the shell leaves as they are when it completes the word; is_target: it names the file of a
    redirect.
    """

    text: str = ""
    quote: str = ""
    kept: int = 0
    is_target: bool = False


_VARIABLE = r"\$\{?(?P<name>[A-Za-z_]\w*)\}?"
_PLAIN = r"(?P<plain>.)"
_BARE = LatePattern(
    r"(?P<blank>[ \t\n]+)|(?P<redirect>&?[<>]+[&|]?)|(?P<mark>['\"])"
    rf"|\\(?P<escaped>.)|{_VARIABLE}|{_PLAIN}",
    re.DOTALL,
)
_DOUBLE = LatePattern(rf"(?P<mark>\")|\\(?P<escaped>[$`\"\\\n])|{_VARIABLE}|{_PLAIN}", re.DOTALL)
_SINGLE = LatePattern(rf"(?P<mark>')|{_PLAIN}", re.DOTALL)
_FISH_SINGLE = LatePattern(rf"(?P<mark>')|\\(?P<escaped>['\\])|{_PLAIN}", re.DOTALL)
_ASSIGNMENT = LatePattern(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


class Splitter:
    """Splits a text as a shell does.

    variables: the values of `$NAME`, others stay unchanged; breaks: the characters after which
    the shell begins a new word; fish: that shell's quotes, which know escapes.
    """

    def __init__(
        self, variables: Mapping[str, str] | None = None, *, breaks: str = "", fish: bool = False
    ) -> None:
        self._variables = variables or {}
        self._breaks = breaks
        self._patterns = {"": _BARE, '"': _DOUBLE, "'": _FISH_SINGLE if fish else _SINGLE}
        self._words: list[ShellWord] = []
        self._begin()

    def split(self, text: str) -> list[ShellWord]:
        """Return the words; the last is at the end of the text, empty if a new one begins there."""
        self._words = []
        self._begin()
        at = 0
        while at < len(text):
            match = self._patterns[self._quote].match(text, at)
            if match is None:
                raise AssertionError("the last alternative of each pattern takes any character")
            self._take(match.lastgroup, match[match.lastgroup or 0])
            at = match.end()
        self._end()
        return self._words

    def _begin(self) -> None:
        self._text = ""
        self._quote = ""
        self._kept = self._kept_outside = 0
        self._begun = False
        self._is_target = False

    def _end(self) -> None:
        self._words.append(ShellWord(self._text, self._quote, self._kept, self._is_target))
        self._begin()

    def _take(self, kind: str | None, found: str) -> None:
        match kind:
            case "blank":
                if self._begun:
                    self._end()
            case "redirect":
                if self._begun and not self._text.isdigit():
                    self._end()
                self._begin()
                self._is_target = True
            case "mark":
                self._turn(found)
            case "name":
                self._add(self._variables.get(found, f"${found}"))
            case _:
                self._add(found)
                if kind == "plain" and not self._quote and found in self._breaks:
                    self._kept = len(self._text)

    def _turn(self, mark: str) -> None:
        """Open or close a quote."""
        self._begun = True
        if self._quote:
            self._quote, self._kept = "", self._kept_outside
        else:
            self._quote, self._kept_outside = mark, self._kept
            self._kept = len(self._text)

    def _add(self, text: str) -> None:
        self._begun = True
        self._text += text


def arguments_of(words: list[ShellWord]) -> tuple[dict[str, str], list[str]]:
    """Return the assignments before the program's name, and the words after it."""
    texts = [word.text for word in words if not word.is_target]
    assigned = {}
    while texts and (found := _ASSIGNMENT.fullmatch(texts[0])):
        assigned[found[1]] = found[2]
        del texts[0]
    return assigned, texts[1:]
