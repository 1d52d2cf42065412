"""Reading the replies to a survey: members of any shape, of which the expected ones are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qmpsh.jsontypes import INT_MAX, Json, JsonObject, as_dict, as_dicts

Replies = Mapping[str, Json]
"""The values of the replies, by the keys of their questions."""


def each(replies: Replies, key: str, read: Callable[[JsonObject], JsonObject]) -> Json:
    """Return what is read from each object of a list; None without a reply."""
    return [read(item) for item in as_dicts(replies[key])] if key in replies else None


def known(members: JsonObject) -> JsonObject:
    """Return the members that say something."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def number(value: Json, key: str) -> int | None:
    """Return a member that is a whole number, within the wire's bounds, not negative; else None."""
    found = as_dict(value).get(key)
    return found if type(found) is int and 0 <= found <= INT_MAX else None


def flag(value: Json, key: str) -> bool | None:
    """Return a member that is a boolean, else None."""
    found = as_dict(value).get(key)
    return found if isinstance(found, bool) else None
