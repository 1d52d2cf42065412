"""The entry point of the language: a line, or the words of a one-shot, to statements.

Most lines are one bare word, a command without arguments. They need no grammar, and none is loaded
for them; everything else goes to `parser`.
"""

from __future__ import annotations

from qmpsh.language.syntax import PLAIN, CommandLine, Mode, Part, Statement
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_line(text: str, mode: Mode = PLAIN) -> list[Statement]:
    """Return the statements of one logical line; none for a blank, a comment or a transcript's
    reply.

    Raises LineSyntaxError where the text is not in the language.
    """
    if is_bare_word(text) and not mode.hmp and text not in mode.bare_verbs:
        return [CommandLine(text, Part(text, False, (0, len(text))))]
    from qmpsh.language import parser

    return parser.parse_line(text, mode)


def parse_words(
    words: Sequence[str], *, hmp: bool = False, counted: bool = False
) -> list[Statement]:
    """Return the statements of a one-shot: one word is a whole line, of several each is an
    argument.

    hmp, counted: as in Mode
    Raises LineSyntaxError; its source is the words with a blank between them.
    """
    if len(words) == 1 and not hmp:
        return parse_line(words[0], PLAIN._replace(counted=counted, helps=True))
    from qmpsh.language import parser

    return parser.parse_words(words, hmp=hmp, counted=counted)


def is_bare_word(text: str) -> bool:
    """Return whether the text is letters, digits, `-` and `_`, not beginning with a dash."""
    letters = text.replace("-", "").replace("_", "")
    return letters.isalnum() and text.isascii() and not text.startswith("-")
