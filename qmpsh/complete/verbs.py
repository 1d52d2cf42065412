"""Candidates behind a verb: one function for each kind of words, one table of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from qmpsh.complete.begun import word_at_end
from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.events import event_words
from qmpsh.complete.line import line_of
from qmpsh.complete.members import key_candidates, value_candidates
from qmpsh.complete.place import Place, Where, find_place
from qmpsh.complete.settings import set_candidates
from qmpsh.lang.syntax import PLAIN
from qmpsh.lang.verbs import VERBS, Takes

_VERB = re.compile(r"\s*\S+\s+")


def verb_words(typed: str, place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """typed: the line up to the cursor."""
    find = _few if place.takes is None else _WORDS_OF.get(place.takes, _few)
    return find(typed, place, catalog)


def _help(typed: str, place: Place, catalog: Catalog) -> Iterator[Candidate]:
    """A name; behind a command's the tag whose branch is to be told of, and its values."""
    verb = _VERB.match(typed)
    start = verb.end() if verb is not None else len(typed)
    inner = find_place(typed[start:], len(typed) - start, PLAIN)
    if inner.where is Where.COMMAND:
        for name in (*catalog.commands, *catalog.events, *VERBS, "exit-codes", "keys"):
            yield Candidate(name, place.start, form=Form.NAME)
    line = line_of(inner, catalog)
    tag = line.help_tag(inner.name) if line is not None else None
    found: Iterable[Candidate] = ()
    if inner.where is Where.KEY:
        found = (
            key for key in key_candidates(inner, catalog) if key.text == tag and key.tail == "="
        )
    elif inner.where is Where.VALUE and inner.path == (tag,):
        found = value_candidates(inner, catalog)
    for candidate in found:
        # What is explained is read without quotes.
        yield candidate._replace(start=candidate.start + start, form=Form.NAME)


def _set(typed: str, place: Place, catalog: Catalog) -> Iterable[Candidate]:
    return set_candidates(typed[: place.start], place, catalog.settings)


def _events(typed: str, place: Place, catalog: Catalog) -> Iterable[Candidate]:
    return event_words(typed[: place.start], place, catalog)


def _file(typed: str, place: Place, catalog: Catalog) -> Iterator[Candidate]:
    """A file of this host: all of the word, the parts that the scanner makes of it are a key's."""
    start, begun = word_at_end(typed)
    for path in catalog.paths(begun):
        yield Candidate(path, start, "path", form=Form.PATH)


def _files(typed: str, place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """The first of two files: the second is the guest's, which nobody can list."""
    return _file(typed, place, catalog) if len(typed[: place.start].split()) == 1 else ()


def _few(typed: str, place: Place, catalog: Catalog) -> Iterator[Candidate]:
    """The words that a verb takes first, where they are few."""
    if place.verb is not None and len(typed[: place.start].split()) == 1:
        for word in place.verb.words:
            yield Candidate(word, place.start)


_WORDS_OF: dict[Takes, Callable[[str, Place, Catalog], Iterable[Candidate]]] = {
    Takes.NAME: _help,
    Takes.OPTION: _set,
    Takes.EVENT: _events,
    Takes.EVENTS: _events,
    Takes.FILE: _file,
    Takes.FILES: _files,
}
