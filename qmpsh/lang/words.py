"""A one-shot of several words: each is one argument, whatever blanks it holds.

No word is searched for blanks, comments, redirects or quotes: the user's shell has done that.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.lang.arguments import word_argument
from qmpsh.lang.modifiers import VALUED_MODIFIERS, ModifierReader
from qmpsh.lang.names import check_name, check_verb
from qmpsh.lang.rules import LINE_VERBS
from qmpsh.lang.syntax import Argument, CommandLine, Part, VerbLine
from qmpsh.lang.values import Source

_SHELL_MARKS = ("|", ">", ">>")


class _Word:
    """text, and where it stands in the line that the words make."""

    __slots__ = ("span", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.span: Span = (start, start + len(text))


def parse_argv(words: Sequence[str]) -> CommandLine | VerbLine:
    """The statement that two or more words make. Raises LineSyntaxError."""
    line = " ".join(words)
    placed: list[_Word] = []
    start = 0
    for text in words:
        placed.append(_Word(text, start))
        start += len(text) + 1
    if words[0].startswith("."):
        return _verb(line, placed)
    return _command(line, placed)


def _command(line: str, words: Sequence[_Word]) -> CommandLine:
    first = words[0]
    if first.text[:1] in ("{", "[") or first.text.startswith("transaction("):
        message = "expected one word: quote the line as a whole"
        raise LineSyntaxError(message, line, first.span)
    check_name(first.text, line, first.span)
    modifiers = ModifierReader(line)
    arguments: list[Argument] = []
    for word in _without_modifiers(line, words[1:], modifiers):
        arguments.append(word_argument(Source(line), *word.span, first.text))
    name = Part(first.text, False, first.span)
    return CommandLine(line, name, tuple(arguments), modifiers.for_command())


def _verb(line: str, words: Sequence[_Word]) -> VerbLine:
    first = words[0]
    name = first.text[1:]
    check_verb(name, line, first.span)
    modifiers = ModifierReader(line)
    rest = words[1:] if name in LINE_VERBS else _without_modifiers(line, words[1:], modifiers)
    texts = tuple(word.text for word in rest)
    span = (rest[0].span[0], rest[-1].span[1]) if rest else (first.span[1], first.span[1])
    return VerbLine(line, name, first.span, " ".join(texts), span, modifiers.value, words=texts)


def _without_modifiers(line: str, words: Sequence[_Word], modifiers: ModifierReader) -> list[_Word]:
    """The words that are no modifiers; those are added to the reader."""
    rest: list[_Word] = []
    remaining = iter(words)
    for word in remaining:
        text = word.text
        if text in _SHELL_MARKS:
            message = f"expected the line quoted as a whole, or {text} left to your shell"
            raise LineSyntaxError(message, line, word.span)
        if not text.startswith("-"):
            rest.append(word)
        elif not text.startswith("--"):
            raise LineSyntaxError(f"write {text} before the command", line, word.span)
        else:
            name, equals, value = text[2:].partition("=")
            operand = None
            if not equals and name in VALUED_MODIFIERS:
                operand = next(remaining, None)
            if operand is not None:
                modifiers.add(name, operand.text, (word.span[0], operand.span[1]))
            else:
                modifiers.add(name, value if equals else None, word.span)
    return rest
