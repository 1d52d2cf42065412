"""What an object has: its children and properties, with their values if wanted. Pure.

The value of a secret is never asked for. A property that cannot be read has no value: some are
write-only. Source: QEMU 7.2 and 10.0; qom-list-get is QEMU 10.1's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Final

from qmpsh.complete.buses import child_kind
from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_dicts, get_str
from qmpsh.language.values import quote
from qmpsh.protocol.messages import Command
from qmpsh.secrets.rules import is_secret_property, mask_json
from qmpsh.secrets.text import MASK
from qmpsh.shell.trees.node import AskedRound
from qmpsh.shell.trees.qom import HIDDEN, NO_OBJECT, qom_listing, qom_value

NO_QOM = "this server has no object model: it does not know qom-list"

LIST_GET: Final = "qom-list-get"
_MACHINE: Final = "/machine/"
"""Below it no object holds a secret, so that all values can be asked for at once."""

ListingQuestions = Generator[Sequence[Command], AskedRound, list[JsonObject]]


def ask_members(path: str, *, has_values: bool) -> ListingQuestions:
    """Ask for the members of an object: name, type, and with values the value of each property.

    Raises LineFailed for a path that is not there.
    """
    if has_values and path.startswith(_MACHINE):
        (found,) = (yield [Command(LIST_GET, {"paths": [path]})]).values
        if found is not None:
            return _sorted(
                _member(item) for one in as_dicts(found) for item in get_dicts(one, "properties")
            )
    members = yield from _list(path)
    return (yield from _read(path, members)) if has_values else members


def ask_place(paths: Sequence[str]) -> Generator[Sequence[Command], AskedRound, str]:
    """Ask which of the paths is there; return the first. Raises LineFailed where none is."""
    asked = yield [qom_listing(path) for path in paths]
    for path, listed in zip(paths, asked.values, strict=True):
        if isinstance(listed, list):
            return path
    raise LineFailed(NO_OBJECT.format(path=paths[0]) if any(asked.errors) else NO_QOM)


def _list(path: str) -> ListingQuestions:
    asked = yield [qom_listing(path)]
    listed = asked.values[0]
    if not isinstance(listed, list):
        raise LineFailed(NO_OBJECT.format(path=path) if any(asked.errors) else NO_QOM)
    return _sorted(
        {"name": get_str(item, "name"), "type": get_str(item, "type")} for item in as_dicts(listed)
    )


def _read(path: str, members: Sequence[JsonObject]) -> ListingQuestions:
    """Ask for the value of each property that is no secret."""
    names = [get_str(item, "name") for item in members if not child_kind(item)]
    open_ = [name for name in names if not is_secret_property(name)]
    values: list[Json] = (yield [qom_value(path, name) for name in open_]).values if open_ else []
    found = dict(zip(open_, values, strict=True))
    return [_valued(item, found.get(get_str(item, "name"))) for item in members]


def _member(item: JsonObject) -> JsonObject:
    """Return an item of qom-list-get."""
    kept: JsonObject = {"name": get_str(item, "name"), "type": get_str(item, "type")}
    return _valued(kept, item.get("value"))


def _valued(item: JsonObject, value: Json) -> JsonObject:
    """Return a member with its value, if it has one that can be read."""
    if child_kind(item):
        return item
    if is_secret_property(item["name"]):
        return {**item, "value": MASK}
    return item if value is None else {**item, "value": mask_json(value)}


def _sorted(members: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the members by their names, the children first."""
    return sorted(members, key=lambda item: (not child_kind(item), get_str(item, "name")))


def without_regions(members: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the members without memory regions, of which a device has many."""
    return [item for item in members if child_kind(item) != HIDDEN]


def names_of(members: Iterable[JsonObject]) -> list[str]:
    """Return the names as they can be typed, those of children with a slash at the end."""
    return [_typed(f"{get_str(item, 'name')}{'/' if child_kind(item) else ''}") for item in members]


def _typed(name: str) -> str:
    return quote(name) if any(char in name for char in " '\"") else name
