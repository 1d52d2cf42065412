"""Known texts, changed at random places: very many inputs for readers that take microseconds.

Hypothesis spends a millisecond on an example, most of it on its own book-keeping, and knows how to
search and to shrink; here a text of a corpus is cut, doubled, joined and sprinkled with the pieces
that mean something to its reader. All follows from a seed, which a failure names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Generic, NamedTuple, TypeVar

LONGEST = 300
"""characters or bytes of one input; the corpus is cut to that too"""
MOST_CHANGES = 4

Text = TypeVar("Text", str, bytes)
Change = Callable[[Random, Text, Sequence[Text]], Text]
Check = Callable[[Text], object]
"""Fails with whatever exception. What else it needs, as cuts and modes, follows from the text."""


class Reader(NamedTuple, Generic[Text]):
    """What reads text, as the mutations need it.

    corpus: texts that it reads
    pieces: what means something to it, in any order
    times:  how many inputs it is given, beside those of others: few, if it is slow
    """

    check: Check[Text]
    corpus: Sequence[Text]
    pieces: Sequence[Text]
    times: float = 1.0


def mutated(dice: Random, corpus: Sequence[Text], pieces: Sequence[Text]) -> Iterator[Text]:
    """Return inputs without end."""
    corpus = [text[at : at + LONGEST] for text in corpus for at in range(0, len(text), LONGEST)]
    while True:
        text = dice.choice(corpus)
        for _ in range(int(dice.random() * (MOST_CHANGES + 1))):
            text = dice.choice(CHANGES)(dice, text, pieces)
        yield text[:LONGEST]


def _place(dice: Random, text: Text) -> int:
    return int(dice.random() * (len(text) + 1))


def _stretch(dice: Random, text: Text) -> tuple[int, int]:
    """A start and an end, near each other."""
    start = _place(dice, text)
    return start, start + 1 + int(dice.random() ** 3 * 20)


def _remove(dice: Random, text: Text, pieces: Sequence[Text]) -> Text:
    start, end = _stretch(dice, text)
    return text[:start] + text[end:]


def _double(dice: Random, text: Text, pieces: Sequence[Text]) -> Text:
    start, end = _stretch(dice, text)
    return text[:end] + text[start:end] * int(1 + dice.random() * 3) + text[end:]


def _insert(dice: Random, text: Text, pieces: Sequence[Text]) -> Text:
    at = _place(dice, text)
    return text[:at] + dice.choice(pieces) + text[at:]


def _replace(dice: Random, text: Text, pieces: Sequence[Text]) -> Text:
    at = _place(dice, text)
    return text[:at] + dice.choice(pieces) + text[at + 1 :]


def _cut_off(dice: Random, text: Text, pieces: Sequence[Text]) -> Text:
    return text[: _place(dice, text)]


def _swap(dice: Random, text: Text, pieces: Sequence[Text]) -> Text:
    at = _place(dice, text)
    return text[at:] + text[:at]


CHANGES = (_remove, _double, _insert, _insert, _replace, _replace, _cut_off, _swap)


# ------------------------------------------------------------------------ trying


class Fault(NamedTuple, Generic[Text]):
    """An input that fails, made small. tried: how many inputs came up to it"""

    text: Text
    error: BaseException
    tried: int


def find_fault(reader: Reader[Text], seed: str, inputs: int) -> Fault[Text] | None:
    """Try so many inputs; None if none of them fails."""
    texts = mutated(Random(seed), reader.corpus, reader.pieces)
    for tried, text in zip(range(1, inputs + 1), texts, strict=False):
        error = _error_of(reader.check, text)
        if error is not None:
            small = shrunk(text, lambda one: _error_of(reader.check, one) is not None)
            return Fault(small, _error_of(reader.check, small) or error, tried)
    return None


LONG = 20_000
"""characters or bytes of a text that is one piece again and again"""
SECONDS = 5.0
"""of CPU time that a reader may take for that: where the work is quadratic it takes far more"""


def find_slow(reader: Reader[Text], pieces: Sequence[Text]) -> Text | None:
    """Return a piece that takes too long when it is repeated; None for none."""
    for piece in pieces:
        text = piece * (LONG // max(1, len(piece)))
        before = time.process_time()
        _error_of(reader.check, text)
        if time.process_time() - before > SECONDS:
            return piece
    return None


def _error_of(check: Check[Text], text: Text) -> BaseException | None:
    try:
        check(text)
    except Exception as error:  # whatever it raises is what is looked for
        return error
    return None


def shrunk(text: Text, fails: Callable[[Text], bool]) -> Text:
    """Return what is left of a text that fails when no stretch of it can be left out."""
    size = max(1, len(text) // 2)
    while size:
        start = 0
        while start < len(text):
            shorter = text[:start] + text[start + size :]
            if fails(shorter):
                text = shorter
            else:
                start += size
        size //= 2
    return text
