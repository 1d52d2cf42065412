"""The words of a line that ends in paths into its reply: `query-blockstats [device=vda].stats.x/s`.

The paths are cut out before the language reads the rest, so that none of their marks needs quotes.
They begin at the first word after the name that starts with a bracket or has no `=`; modifiers and
a redirect may stand among and after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmpsh.errors import Span
from qmpsh.language.analysis import LineAnalysis
from qmpsh.language.arguments import split_words
from qmpsh.language.modifiers import VALUED_MODIFIERS
from qmpsh.language.scanner import Scanner
from qmpsh.language.tokens import ScanState, Token, TokenKind
from qmpsh.language.verbs import Takes, takes

_ENDS = (TokenKind.PIPE, TokenKind.REDIRECT)
_NOWHERE: Span = (1 << 62, 1 << 62)


def is_first_path(word: str) -> bool:
    """Whether the paths begin with a word. word: after the name, no modifier"""
    return unquoted(word).startswith("[") or "=" not in word


def unquoted(word: str) -> str:
    """Return a path without the quotes that it does not need, as copied from another shell."""
    mark = word[:1]
    return word[1:-1] if mark in ("'", '"') and len(word) > 1 and word.endswith(mark) else word


def cut_paths(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a line with blanks in place of the paths, and the paths. text: of what is repeated"""
    spans = [*_path_spans(text, Scanner(state=ScanState.LINE).feed(text))]
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += (text[position:start], " " * (end - start))
        position = end
    rest = "".join([*parts, text[position:]])
    return rest, tuple(unquoted(text[start:end]) for start, end in spans)


def cut_path_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words that are none, and the paths. words: of what is repeated, as of an argv"""
    rest: list[str] = []
    paths: list[str] = []
    is_value = False
    for place, word in enumerate(words):
        if is_value or place == 0 or word.startswith("--"):
            is_value = not is_value and word.startswith("--") and word[2:] in VALUED_MODIFIERS
            rest.append(word)
        elif paths or is_first_path(word):
            paths.append(word)
        else:
            rest.append(word)
    return tuple(rest), tuple(paths)


def path_spans(line: LineAnalysis) -> tuple[Span, ...]:
    """Return where the paths of a verb's line stand, for `LineAnalysis.reading`; () without any."""
    for verb in line.verbs:
        if not _has_paths(line.tokens[verb], line.text):
            continue
        for place, token in enumerate(line.tokens):
            if place > verb and token.kind is TokenKind.NAME:
                return tuple(_path_spans(line.text, line.tokens[place:]))
    return ()


def tokens_without_paths(line: LineAnalysis) -> Sequence[Token]:
    """Return the tokens that belong to no path, except one that may become a key."""
    paths = line.reading(path_spans)
    if not paths or may_be_key(line):
        return line.tokens
    return list(_outside(line.tokens, paths))


def _outside(tokens: Sequence[Token], spans: Sequence[Span]) -> Iterator[Token]:
    """Yield the tokens that begin in none of the spans. Both: in order, apart"""
    left = iter(spans)
    start, end = next(left)
    for token in tokens:
        while token.start >= end:
            start, end = next(left, _NOWHERE)
        if token.start < start:
            yield token


def may_be_key(line: LineAnalysis) -> bool:
    """Whether the only path is a word at the end that may become a key."""
    paths = line.reading(path_spans)
    is_last = len(paths) == 1 and paths[0][1] == len(line.text)
    return is_last and not line.text.startswith("[", paths[0][0])


def _has_paths(token: Token, text: str) -> bool:
    return takes(token.text(text).removeprefix(".")) is Takes.PATHS_LINE


def _path_spans(text: str, tokens: Sequence[Token]) -> Iterator[Span]:
    words = split_words(tokens)
    has_begun = False
    at = 1
    while at < len(words):
        first, last = words[at][0], words[at][-1]
        at += 1
        if first.kind in _ENDS:
            return
        if first.kind is TokenKind.MODIFIER:
            at += len(words[at - 1]) == 1 and first.text(text)[2:] in VALUED_MODIFIERS
        elif has_begun or is_first_path(text[first.start : last.end]):
            has_begun = True
            yield first.start, last.end
