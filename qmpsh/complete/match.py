"""Which candidates fit what is typed, and in which order.

Those that begin with the typed word; where none does, those that hold it; where none does that,
those that hold its letters in order. So one Tab finishes a word that only one candidate begins
with, and a half-remembered name is found all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmpsh.complete.begun import begun_word
from qmpsh.complete.candidates import Candidate
from qmpsh.lang.rules import State
from qmpsh.lang.scan import Scanner


def rank(candidates: Iterable[Candidate], text: str, cursor: int) -> list[Candidate]:
    """The fitting ones, best first. text, cursor: the line; a candidate replaces from its start."""
    scored = []
    for place, candidate in enumerate(candidates):
        score = _fit(text[candidate.start : cursor], candidate)
        if score is not None:
            scored.append((score, place, candidate))
    scored.sort(key=lambda entry: entry[:2])
    best = scored[0][0][0] if scored else 0
    return [candidate for score, _, candidate in scored if score[0] == best]


def _fit(typed: str, candidate: Candidate) -> tuple[int, int] | None:
    """As it is written, or as what it says where that needs quotes."""
    score = _score(typed, candidate.text)
    is_quoted = candidate.text[:1] in ("'", '"') and candidate.value != ""
    if score == (0, 0) or not is_quoted:
        return score
    begun = typed
    if typed[:1] in ("'", '"'):
        tokens = Scanner(state=State.VALUE).feed(typed)
        begun = begun_word(typed, tokens[0]) if len(tokens) == 1 else typed
    said = _score(begun, candidate.value)
    return min((found for found in (score, said) if found is not None), default=None)


def _score(typed: str, candidate: str) -> tuple[int, int] | None:
    """Lower is better: (kind of match, spread of the letters); None where it does not fit."""
    if candidate.startswith(typed):
        return (0, 0)
    typed, candidate = typed.lower(), candidate.lower()
    if candidate.startswith(typed):
        return (0, 1)
    at = candidate.find(typed)
    if at >= 0:
        return (1, 0 if candidate[at - 1] in "-_." else 1)
    first = end = -1
    for letter in typed:
        end = candidate.find(letter, end + 1)
        if end < 0:
            return None
        first = end if first < 0 else first
    return (2, end - first)
