"""A one-shot of several words: each is one argument, whatever blanks it holds.

No word is searched for blanks, comments, redirects or quotes: the user's shell has done that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.lang.arguments import option, word_argument
from qmpsh.lang.modifiers import LETTERS, VALUED_MODIFIERS, ModifierReader
from qmpsh.lang.names import HELP, check_name, check_verb, help_line
from qmpsh.lang.rules import TIME
from qmpsh.lang.syntax import Argument, CommandLine, Part, VerbLine
from qmpsh.lang.values import Source
from qmpsh.lang.verbs import WHOLE, Takes, takes

_KEY = r"[^\s=\"'{}\[\]]+"
_QUOTED_VALUE = (
    rf"(?P<key>{_KEY})=(?:\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"|'[^'\\]*+(?:\\.[^'\\]*+)*+')"
    rf"|(?P<mark>[\"'])(?P<inner>{_KEY})=.*(?P=mark)"
)
_SHELL_MARKS = ("|", ">", ">>")


class _Word:
    """text, and where it stands in the line that the words make."""

    __slots__ = ("span", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.span: Span = (start, start + len(text))


def parse_argv(words: Sequence[str], *, counted: bool = False) -> CommandLine | VerbLine:
    """The statement that two or more words make. counted: as in Mode. Raises LineSyntaxError."""
    line = " ".join(words)
    placed = _placed(words)
    if words[0].startswith("."):
        return _verb(line, placed)
    return _command(line, placed, counted=counted)


def argument_words(words: Sequence[str]) -> tuple[Argument, ...]:
    """The arguments that words are where no command is named; their source has a blank between two.

    Raises LineSyntaxError.
    """
    source = Source(" ".join(words))
    return tuple(word_argument(source, *word.span, "") for word in _placed(words))


def kept_quotes(words: Sequence[str]) -> str:
    """What to say of words that are quoted as in a line; "" for none."""
    first, *rest = words
    if first.startswith(".") and takes(first[1:]) in (Takes.HMP, Takes.PROGRAM):
        return ""
    for word in rest:
        match = re.fullmatch(_QUOTED_VALUE, word, re.DOTALL)
        if match:
            key = match["key"] or match["inner"]
            return (
                f"the quotes of {key} belong to its value: of several words each is taken as it"
                " stands; leave them out, or write the whole line as one word"
            )
    return ""


def _placed(words: Sequence[str]) -> list[_Word]:
    """The words, each at its place in the line."""
    placed: list[_Word] = []
    start = 0
    for text in words:
        placed.append(_Word(text, start))
        start += len(text) + 1
    return placed


def _command(line: str, words: Sequence[_Word], *, counted: bool) -> CommandLine | VerbLine:
    first = words[0]
    if first.text[:1] in ("{", "[") or first.text.startswith("transaction("):
        message = "expected one word: quote the line as a whole"
        raise LineSyntaxError(message, line, first.span)
    check_name(first.text, line, first.span)
    texts = [word.text for word in words]
    if any(text in HELP for text in texts):
        return help_line(line, texts, first.span, None)
    modifiers = ModifierReader(line)
    arguments: list[Argument] = []
    for word in _without_modifiers(line, words[1:], modifiers):
        arguments.append(word_argument(Source(line), *word.span, first.text))
    name = Part(first.text, False, first.span)
    return CommandLine(line, name, tuple(arguments), modifiers.for_command(counted=counted))


def _verb(line: str, words: Sequence[_Word]) -> VerbLine:
    first = words[0]
    name = first.text[1:]
    check_verb(name, line, first.span)
    modifiers = ModifierReader(line)
    behind = takes(name)
    head, rest = "", list(words[1:])
    if behind is Takes.NAME and rest and rest[0].text.startswith("--"):
        rest = [rest[0], *_without_modifiers(line, rest[1:], modifiers)]
    elif behind not in WHOLE and any(word.text in HELP for word in rest):
        return help_line(line, [f".{name}"], first.span, None)
    elif behind not in WHOLE:
        rest = _without_modifiers(line, rest, modifiers)
    elif behind is Takes.TIMED_LINE:
        head, rest = _timed(rest, modifiers)
    elif behind is Takes.TOOL_LINE and rest:
        head = rest.pop(0).text
    texts = tuple(word.text for word in rest)
    span = (rest[0].span[0], rest[-1].span[1]) if rest else (first.span[1], first.span[1])
    given = modifiers.for_verb(name)
    return VerbLine(line, name, first.span, " ".join(texts), span, given, words=texts, head=head)


def _timed(words: list[_Word], modifiers: ModifierReader) -> tuple[str, list[_Word]]:
    """The time before a line, "" for none, and the words of the line; modifiers are added."""
    head = ""
    while words:
        if words[0].text.startswith("--"):
            words = words[_add_modifier(words, modifiers) :]
        elif not head and re.fullmatch(TIME, words[0].text):
            head, words = words[0].text, words[1:]
        else:
            break
    return head, words


def _without_modifiers(line: str, words: Sequence[_Word], modifiers: ModifierReader) -> list[_Word]:
    """The words that are no modifiers; those are added to the reader."""
    rest: list[_Word] = []
    at = 0
    while at < len(words):
        text, taken = words[at].text, 1
        if text in _SHELL_MARKS:
            message = f"expected the line quoted as a whole, or {text} left to your shell"
            raise LineSyntaxError(message, line, words[at].span)
        if text == "-" or not text.startswith("-"):  # alone it stands for stdin
            rest.append(words[at])
        elif not text.startswith("--"):
            raise option(Source(line), words[at].span, words[0].text, _before(text))
        else:
            taken = _add_modifier(words[at : at + 2], modifiers)
        at += taken
    return rest


def _before(text: str) -> str:
    is_ours = text[1:2] != "" and text[1] in LETTERS
    return (
        f"write {text} before the command"
        if is_ours
        else f"{text} is not an option of qmpsh, and modifiers have two dashes, as in --json"
    )


def _add_modifier(words: Sequence[_Word], modifiers: ModifierReader) -> int:
    """Add the modifier that is the first of the words; how many words it took."""
    word = words[0]
    name, equals, value = word.text[2:].partition("=")
    if not equals and name in VALUED_MODIFIERS and len(words) > 1:
        modifiers.add(name, words[1].text, (word.span[0], words[1].span[1]))
        return 2
    modifiers.add(name, value if equals else None, word.span)
    return 1
