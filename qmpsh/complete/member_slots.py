"""The members of commands and their values: what the slots of a command's arguments offer.

With the brackets here a value of any depth can be built without typing a mark by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.line import typed_arguments
from qmpsh.complete.members import key_candidates, value_candidates
from qmpsh.language.cursor import CursorContext, KeyPart, Slot


def bracket_keys(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the members that may follow; the closing mark where there is none."""
    found = list(key_candidates(context, catalog))
    is_end = context.bracketed and not found and not context.prefix
    if is_end and typed_arguments(context, catalog) is not None:
        found.append(Candidate("}", context.start, "end"))
    return found


def bracket_values(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the values that may stand there; after a complete word, what follows it."""
    found = list(value_candidates(context, catalog))
    is_whole = not found or any(candidate.text == context.prefix for candidate in found)
    if context.bracketed and context.prefix and not context.quote and is_whole:
        found += _after_word(context, catalog)
    return found


def after_value(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield what may follow a complete value."""
    if typed_arguments(context, catalog) is None:
        return
    is_item = context.slot is Slot.AFTER_ITEM
    lacking = [] if is_item else list(key_candidates(context, catalog))
    if is_item or lacking:
        yield Candidate(", ", context.start, "next")
    if not any(member.required for member in lacking):
        yield Candidate("]" if is_item else "}", context.start, "end")


def _after_word(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    end = context.start + len(context.prefix)
    if not context.path:
        return iter(())  # `={: x`, which no name owns
    if context.path[-1].isdigit():
        return after_value(context._replace(slot=Slot.AFTER_ITEM, start=end), catalog)
    owner = context._replace(path=context.path[:-1], pieces=(KeyPart("", end),), start=end)
    return after_value(owner._replace(slot=Slot.AFTER_MEMBER), catalog)


def prefetch_members(context: CursorContext, catalog: Catalog) -> None:
    """Have `catalog.live` note the queries that members or values here would miss."""
    candidates = key_candidates if context.slot is Slot.KEY else value_candidates
    candidates(context, catalog.without_files())
