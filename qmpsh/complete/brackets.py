"""Inside brackets: what leads from one member or item to the next, and what closes.

With it a value of any depth can be built without typing a mark by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.line import line_of
from qmpsh.complete.members import key_candidates, value_candidates
from qmpsh.complete.place import Piece, Place, Where


def keys(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """The members that may follow; the closing mark where there is none."""
    found = list(key_candidates(place, catalog))
    if place.bracketed and not found and not place.prefix and line_of(place, catalog) is not None:
        found.append(Candidate("}", place.start, "end"))
    return found


def values(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """The values that may stand there; behind a word that is whole, what follows it."""
    found = list(value_candidates(place, catalog))
    is_whole = not found or any(candidate.text == place.prefix for candidate in found)
    if place.bracketed and place.prefix and not place.quote and is_whole:
        found += _behind_word(place, catalog)
    return found


def behind(place: Place, catalog: Catalog) -> Iterator[Candidate]:
    """Behind a value that is complete."""
    if line_of(place, catalog) is None:
        return
    is_item = place.where is Where.BEHIND_ITEM
    lacking = [] if is_item else list(key_candidates(place, catalog))
    if is_item or lacking:
        yield Candidate(", ", place.start, "next")
    if not any(member.required for member in lacking):
        yield Candidate("]" if is_item else "}", place.start, "end")


def _behind_word(place: Place, catalog: Catalog) -> Iterator[Candidate]:
    end = place.start + len(place.prefix)
    if not place.path:
        return iter(())  # `={: x`, which no name owns
    if place.path[-1].isdigit():
        return behind(place._replace(where=Where.BEHIND_ITEM, start=end), catalog)
    owner = place._replace(path=place.path[:-1], pieces=(Piece("", end),), start=end)
    return behind(owner._replace(where=Where.BEHIND_MEMBER), catalog)
