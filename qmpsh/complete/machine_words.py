"""The words of verbs that look into the running VM: the nodes of a tree, objects of QOM and their
properties.

Pure: what the VM has comes through `LiveValues`, as for the members of commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from qmpsh.complete.buses import child_kind
from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.live import LiveQuery, live_values_of
from qmpsh.jsontypes import as_dicts, get_str
from qmpsh.language.cursor import CursorContext, last_word

_TREE_NODES: Final = {
    "block": ("node", "export", "job"),
    "pci": ("device",),
    "devices": ("device", "bus"),
    "usb": ("device",),
}
"""The sources of the nodes of each kind of tree."""

_HOMES: Final = ("/machine/peripheral", "/objects")
"""Where objects with an id are, which is all that is needed of them at the root."""
_FILTERS: Final = ("type=", "name=")


def tree_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the kinds of trees, and after one its nodes. typed: the line up to the cursor"""
    start, begun, words = _words(typed)
    if not words and context.verb is not None:
        for kind in context.verb.words:
            yield Candidate(kind, context.start)
    elif words == ["qom"]:
        yield from _members(start, begun, catalog, has_properties=False)
    elif len(words) == 1:
        names = _TREE_NODES.get(words[0], ())
        for node in live_values_of(names, context._replace(prefix=begun), catalog.live):
            yield Candidate(node.value, start, node.kind, form=Form.PATH)


def path_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the paths of objects."""
    start, begun, words = _words(typed)
    if not words:
        yield from _members(start, begun, catalog, has_properties=False)


def property_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield properties, and objects on the way to one."""
    start, begun, words = _words(typed)
    if not words:
        yield from _members(start, begun, catalog, has_properties=True)


def setting_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield properties, and after a boolean one its two values."""
    start, _, words = _words(typed)
    yield from property_words(typed, context, catalog)
    if len(words) == 1 and _type_of(words[0], catalog) == "bool":
        yield Candidate("true", start, "bool")
        yield Candidate("false", start, "bool")


def property_hint(typed: str, catalog: Catalog) -> str:
    """Return `NAME: TYPE` of the property that a line has, "" where it is not known."""
    _, begun, words = _words(typed)
    word = words[0] if words else begun
    kind = _type_of(word, catalog) if word else ""
    return f"{word}: {kind}" if kind else ""


def _type_of(word: str, catalog: Catalog) -> str:
    """Return the type of a property as it was typed; "" where it is not known."""
    owner = re.fullmatch(r"(.*[./])?([^./]*)", word)
    path, name = (owner[1] or "", owner[2]) if owner is not None else ("", "")
    members = _listed(catalog, path.removesuffix("."))
    return next((kind for member, kind, is_child in members if member == name and not is_child), "")


def filter_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the two filters that have a name of their own."""
    for name in _FILTERS:
        yield Candidate(name, context.start)


def _words(typed: str) -> tuple[int, str, list[str]]:
    """Return where the word at the cursor begins, its text, and the words before it after the verb,
    without options.
    """
    start, begun = last_word(typed)
    before = typed[:start].split()[1:]
    return start, begun, [word for word in before if not word.startswith("-")]


def _members(
    start: int, begun: str, catalog: Catalog, *, has_properties: bool
) -> Iterator[Candidate]:
    """Yield what may continue a path: children, with a slash, and if wanted properties; those of an
    object after its dot, too.
    """
    folder, slash, last = begun.rpartition("/")
    head = folder + slash
    at_root = not head and catalog.resolve_path("") == "/"
    for path in (head, *(_HOMES if at_root else ())):
        for name, kind, is_child in _listed(catalog, path):
            if is_child:
                yield Candidate(f"{head}{name}/", start, kind, form=Form.PATH)
            elif has_properties and path == head:
                yield Candidate(f"{head}{name}", start, kind, form=Form.PATH)
    owner, dot, _ = last.rpartition(".")
    if has_properties and owner:
        for name, kind, is_child in _listed(catalog, head + owner):
            if not is_child:
                yield Candidate(f"{head}{owner}{dot}{name}", start, kind, form=Form.PATH)


def _listed(catalog: Catalog, path: str) -> list[tuple[str, str, bool]]:
    """Return name and type of what an object has, and whether it is a child; memory regions last,
    since there are many.
    """
    query = LiveQuery("qom-list", (("path", catalog.resolve_path(path)),))
    found = []
    for item in as_dicts(catalog.live.answer(query)):
        child = child_kind(item)
        found.append((get_str(item, "name"), child or get_str(item, "type"), bool(child)))
    return sorted(found, key=lambda member: (member[1] == "memory-region", member[0]))
