"""Candidates where an event is named: behind `.wait`, `.events` and `--wait=`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.place import Place
from qmpsh.lang.verbs import Takes
from qmpsh.schema.model import Member, ObjectType, Schema
from qmpsh.schema.words import type_words


def event_words(before: str, place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """Events, and behind one of them the members of its data.

    before: the line up to the word at the cursor
    """
    words = [word for word in before.split()[1:] if not word.startswith("-")]
    named = [word for word in words if "=" not in word]
    if words and catalog.schema is not None:
        for member in _members(named, catalog.schema):
            kind = type_words(catalog.schema, member.type)
            yield Candidate(member.name, place.start, kind, form=Form.KEY, tail="=")
    if not words and place.takes is Takes.EVENT:
        yield Candidate("job=", place.start, "job")
    if not words or (place.takes is Takes.EVENTS and words == named):
        for name in catalog.events:
            yield Candidate(name, place.start, "event", form=Form.NAME)


def awaited_events(place: Place, catalog: Catalog) -> Iterator[Candidate]:
    """What `--wait=` may name."""
    for name in catalog.events:
        yield Candidate(name, place.start, "event", form=Form.NAME)


def _members(events: Iterable[str], schema: Schema) -> Iterable[Member]:
    """The members of the events' data, each once."""
    found: dict[str, Member] = {}
    for name in events:
        event = schema.event(name.upper())
        kind = schema.type(event.arg_type) if event is not None else None
        if isinstance(kind, ObjectType):
            found.update({member.name: member for member in kind.members})
    return found.values()
