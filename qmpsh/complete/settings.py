"""Candidates behind `.set`: the options, and the words that one of them takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qmpsh.complete.candidates import Candidate, Form, Setting
from qmpsh.complete.place import Place


def set_candidates(
    before: str, place: Place, settings: Mapping[str, Setting]
) -> Iterable[Candidate]:
    """before: the line up to the word at the cursor."""
    words = before.split()[1:]
    if not words:
        for name, setting in settings.items():
            yield Candidate(name, place.start, setting.value(), setting.summary)
    elif len(words) == 1 and words[0] in settings:
        for choice in settings[words[0]].choices():
            yield Candidate(choice, place.start, form=Form.NAME)
