"""The words after a verb that takes its own: unquoted, and its options of one letter apart."""

from __future__ import annotations

from qmpsh.errors import LineSyntaxError
from qmpsh.language.arguments import words_and_redirect
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import UNKNOWN, VERBS

_NO_LETTER = "no option {word} here; .{verb} takes {letters}"


def words_of(line: VerbLine) -> list[str]:
    """Return the words of a verb's line. Raises LineSyntaxError."""
    return list(words_and_redirect(line.rest)[0] if line.words is None else line.words)


def letters_and_words(line: VerbLine) -> tuple[frozenset[str], list[str]]:
    """Return the letters of a line, and its other words. Raises LineSyntaxError for another letter.

    A dash alone is a word.
    """
    known = VERBS.get(line.name, UNKNOWN).letters
    given: set[str] = set()
    words: list[str] = []
    for word in words_of(line):
        if len(word) < 2 or not word.startswith("-"):
            words.append(word)
        elif set(word[1:]) <= set(known):
            given |= set(word[1:])
        else:
            letters = ", ".join(f"-{letter}" for letter in known)
            message = _NO_LETTER.format(word=word, verb=line.name, letters=letters or "none")
            raise LineSyntaxError(message, line.source, line.rest_span)
    return frozenset(given), words
