"""The values of a property that `qom-set` names: those of booleans, enums and links."""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.complete.candidates import Candidate, Form
from qmpsh.complete.live import Facts
from qmpsh.complete.place import Place
from qmpsh.complete.sources import Query
from qmpsh.schema.qom import choices_of, is_enum, property_member

_LINK = "link<"


def qom_values(place: Place, facts: Facts) -> Iterator[Candidate]:
    """The values at `value=` of a line that has path and property."""
    if place.name != "qom-set" or place.path != ("value",):
        return
    texts = {given.path: given.text for given in place.given}
    path, name = texts.get(("path",)), texts.get(("property",))
    if not path or not name:
        return
    listed = facts.answer(Query("qom-list", (("path", path),)))
    kind = str(property_member(listed, name, "type") or "")
    if kind == "bool" and not place.quote:
        yield Candidate("true", place.start, kind)
        yield Candidate("false", place.start, kind)
    elif kind.startswith(_LINK):
        yield from _objects(kind[len(_LINK) : -1], place, facts)
    elif is_enum(kind):
        for word in _choices(path, name, facts):
            yield Candidate(word, place.start, kind, form=Form.WORD)


def _choices(path: str, name: str, facts: Facts) -> tuple[str, ...]:
    """The words of an enum, as far as the description in the object's type lists them."""
    owner = facts.answer(Query("qom-get", (("path", path), ("property", "type"))))
    if not isinstance(owner, str):
        return ()
    listed = facts.answer(Query("qom-list-properties", (("typename", owner),)))
    return choices_of(property_member(listed, name, "description"))


def _objects(kind: str, place: Place, facts: Facts) -> Iterator[Candidate]:
    """The paths of the objects that a link may lead to, from HMP `info qom-tree /`.

    A subtype is called after its type as a rule: `memory-backend-ram` is a `memory-backend`.
    """
    tree = facts.answer(Query("human-monitor-command", (("command-line", "info qom-tree /"),)))
    for path, found in _tree(tree if isinstance(tree, str) else ""):
        if found == kind or found.startswith(f"{kind}-"):
            yield Candidate(path, place.start, found, form=Form.TEXT)


def _tree(text: str) -> Iterator[tuple[str, str]]:
    """Path and type of each line, `    /nic0 (virtio-net-pci)`, two blanks a level."""
    above: list[str] = []
    for line in text.splitlines():
        head, bracket, kind = line.rstrip().removesuffix(")").rpartition(" (")
        name = head.lstrip(" ")
        if not bracket or not name.startswith("/"):
            continue
        depth = (len(head) - len(name)) // 2
        above[depth:] = [name]
        yield "".join(above).replace("//", "/", 1), kind
