"""The line below the prompt: the signature of the command that is being typed.

    blockdev-add  driver=qcow2  [file*: …]  node-name: str  cache: {direct, no-flush}

The members of the object in which the cursor stands: what is given with its value, then what is
required with a star, then the rest; the one at the cursor in brackets.
"""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.feeds import sources_of
from qmpsh.complete.line import Line, line_of
from qmpsh.complete.place import Path, Place, Where, find_place
from qmpsh.complete.sources import LOADS_MODULES, SOURCES
from qmpsh.lang.syntax import Mode
from qmpsh.schema.model import Member
from qmpsh.schema.walk import object_of
from qmpsh.schema.words import member_words

Fragment = tuple[str, str]
"""(role, text), as everywhere a styled line goes to the screen"""

MOST_MEMBERS = 12
_DANGER = "not asked: {}; loading modules of another build can end the VM"


def hint(text: str, cursor: int, catalog: Catalog, mode: Mode) -> list[Fragment]:
    """The hint as fragments; [] where there is nothing to say."""
    place = find_place(text, cursor, mode)
    if _loads_modules(place) and (why := catalog.replaced()):
        return [("hint.error", _DANGER.format(why))]
    behind_verb = place.where is Where.COMMAND and place.name and not place.prefix
    if behind_verb or place.where in (Where.VERB, Where.VERB_WORD):
        summary = place.verb.summary if place.verb is not None else ""
        return [("hint", f".{place.name}  {summary}")] if summary else []
    name = place.name or text.strip()
    catalog = catalog.inside(transaction=place.in_transaction)
    line = line_of(place._replace(name=name), catalog)
    if line is None:
        return []
    return [("hint", name), *_signature(line, place)]


def _loads_modules(place: Place) -> bool:
    """Whether a candidate here, or the line itself, costs the server the loading of its modules."""
    if place.where is Where.HMP:
        return place.prefix.split()[:2] in (["device_add", "help"], ["device_add", "?"])
    if place.where is not Where.VALUE:
        return place.name in LOADS_MODULES
    queries = (SOURCES[name].query(place) for name in sources_of(place.name, place.path))
    return any(query is not None and query.command in LOADS_MODULES for query in queries)


def _signature(line: Line, place: Place) -> Iterator[Fragment]:
    owner_path, current = _at_cursor(line, place)
    kind = line.type_at(owner_path)
    owner = object_of(line.schema, kind) if kind is not None else None
    if owner is None:
        return
    members = line.members(owner, owner_path)
    shown = sorted(members, key=lambda m: (not line.is_begun((*owner_path, m.name)), m.optional))
    for member in shown[:MOST_MEMBERS]:
        yield ("hint", "  ")
        words = _words(line, member, (*owner_path, member.name))
        if member.name == current:
            yield ("hint.current", f"[{words}]")
        else:
            yield ("hint", words)
    if len(members) > MOST_MEMBERS:
        yield ("hint", f"  +{len(members) - MOST_MEMBERS}")


def _words(line: Line, member: Member, path: Path) -> str:
    value = line.tag(path)
    return f"{member.name}={value}" if value is not None else member_words(line.schema, member)


def _at_cursor(line: Line, place: Place) -> tuple[Path, str]:
    """The path of the object whose members are shown, and the name of the member at the cursor."""
    if place.where is Where.KEY:
        typed = tuple(piece.text for piece in place.pieces)
        return (*place.path, *typed[:-1]), typed[-1]
    if place.where is Where.VALUE:
        path = place.path
        while path and path[-1].isdigit():
            path = path[:-1]
        return path[:-1], path[-1] if path else ""
    return (), ""
