"""Paths to the numbers in a reply: `ram.mbps`, `[device=vda].stats.rd_bytes/s`.

A path goes through members and items as `.watch` prints them; `[member=value]` is the item whose
member has that value, and a final `/s` means the rate of a counter. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import NamedTuple
from qmpsh.suggest import did_you_mean

RATE = "/s"
"""what ends the path of a rate"""
ROOT = "it"
"""the path of a reply that is a number itself"""
MAX_NUMBERS = 10_000
"""numbers of a reply that are looked at; a server may send any number of them"""
MAX_SHOWN_MEMBERS = 12
"""members that a message names"""
IDENTIFIERS = ("device", "node-name", "qdev", "id", "name", "label", "qom-path", "cpu-index")
"""members that an item of a list is known by, the best first"""

_NO_PATH = (
    "expected a path like ram.mbps, [0].stats.rd_bytes or [device=vda].stats.rd_bytes/s, not {path}"
)
_NOT_THERE = "nothing at {path} in the reply{hint}"
_NO_NUMBER = "{path} is {kind}, not a number{holds}"
_KINDS = {str: "a text", list: "a list", dict: "an object", type(None): "null"}

_LARGEST = 1e300
"""larger numbers are none that could be drawn"""
_MEMBER = r"(?P<member>[^\s.\[\]\"'=]+)|\"(?P<quoted>[^\"]*)\""
_PLAIN = r"[^\s.\[\]\"'=/]+"
_ITEM = (
    r"\[(?:(?P<index>[0-9]{1,9})|(?P<key>[^\]=\"']+)="
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\]\"']*)))\]"
)
_STEP = rf"\.?(?:{_MEMBER})|{_ITEM}"

Number = int | float


class ItemSelector(NamedTuple):
    """A choice of the item of a list whose member has a value, compared as text."""

    member: str
    value: str


PathStep = str | int | ItemSelector


class ReplyPath(NamedTuple):
    """A path to a number. text: as typed, with the `/s` of a rate; steps: from the reply down"""

    text: str
    steps: tuple[PathStep, ...]
    is_rate: bool = False

    @property
    def name(self) -> str:
        """The member that it ends in, "" if in none."""
        return next((step for step in reversed(self.steps) if isinstance(step, str)), "")


class FoundNumber(NamedTuple):
    """A number in a reply, and the path to it."""

    path: str
    value: Number


def read_path(text: str) -> ReplyPath:
    """Return a path. Raises UsageError for what is none."""
    is_rate = text.endswith(RATE)
    rest = text.removesuffix(RATE)
    if rest == ROOT:
        return ReplyPath(text, (), is_rate)
    steps: list[PathStep] = []
    at = 0
    step = re.compile(_STEP)
    # Each where the one before ended: looking for the next one may take a quadratic time.
    while match := step.match(rest, at):
        has_dot = match[0].startswith(".")
        is_item = match[0].startswith("[")
        if not is_item and has_dot != bool(steps):
            break
        steps.append(_step(match))
        at = match.end()
    if at != len(rest) or not steps:
        raise UsageError(_NO_PATH.format(path=text or '""'))
    return ReplyPath(text, tuple(steps), is_rate)


def _step(match: re.Match[str]) -> PathStep:
    if match["index"] is not None:
        return int(match["index"])
    if match["key"] is not None:
        values = (match["double"], match["single"], match["bare"])
        return ItemSelector(match["key"], next(value for value in values if value is not None))
    return match["member"] if match["member"] is not None else match["quoted"]


def number_at(reply: Json, path: ReplyPath) -> Number | None:
    """Return the number at a path, None where there is none; a boolean is 0 or 1."""
    value: Json = reply
    for step in path.steps:
        value = _below(value, step)
    return _number(value)


def why_no_number(reply: Json, path: ReplyPath) -> str:
    """Return a sentence on what there is instead of a number, "" if there is nothing so far."""
    value: Json = reply
    for step in path.steps:
        value = _below(value, step)
    if value is None or _number(value) is not None:
        return ""
    return _NO_NUMBER.format(path=path.text, kind=_KINDS.get(type(value), "no"), holds=_hold(value))


def nothing_at(reply: Json, path: ReplyPath) -> str:
    """Return a sentence on a path that leads to nothing, and on what was perhaps meant."""
    meant = [found.path for found in numbers(reply)]
    hint = did_you_mean(path.text.removesuffix(RATE), meant)
    return _NOT_THERE.format(path=path.text, hint=hint)


def _hold(value: Json) -> str:
    if not isinstance(value, dict) or not value:
        return ""
    more = ", ..." if len(value) > MAX_SHOWN_MEMBERS else ""
    return f"; it has {', '.join([*value][:MAX_SHOWN_MEMBERS])}{more}"


def _below(value: Json, step: PathStep) -> Json:
    """Return what is one step below a value, None for nothing."""
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    if isinstance(step, int):
        return value[step] if step < len(value) else None
    matching = (item for item in value if _text_of(item, step.member) == step.value)
    return next(matching, None)


def _text_of(item: Json, member: str) -> str | None:
    value = item.get(member) if isinstance(item, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _number(value: Json) -> Number | None:
    if not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
        return None
    return int(value) if isinstance(value, bool) else value


# ---------------------------------------------------------------------------- all numbers


def numbers(reply: Json) -> Iterator[FoundNumber]:
    """Yield the numbers of a reply in its order, no more than MAX_NUMBERS; booleans are none."""
    for _, found in zip(range(MAX_NUMBERS), _numbers(reply, ""), strict=False):
        yield found


def moved(before: Json, after: Json) -> list[tuple[FoundNumber, Number]]:
    """Return the numbers that differ between two replies, each with what it was before."""
    old = {found.path: found.value for found in numbers(before)}
    return [
        (found, old[found.path])
        for found in numbers(after)
        if found.path in old and old[found.path] != found.value
    ]


def _numbers(value: Json, place: str) -> Iterator[FoundNumber]:
    if isinstance(value, dict):
        for key, item in value.items():
            is_plain = re.fullmatch(_PLAIN, key) and (place or key != ROOT)
            member = key if is_plain else f'"{key}"'
            if '"' not in key:
                yield from _numbers(item, f"{place}.{member}" if place else member)
    elif isinstance(value, list):
        for item, selector in zip(value, _selectors(value), strict=True):
            yield from _numbers(item, place + selector)
    elif not isinstance(value, bool) and (number := _number(value)) is not None:
        yield FoundNumber(place or ROOT, number)


def _selectors(items: list[Json]) -> Iterator[str]:
    """Yield how each item of a list is written: by what it is known by, else by its index."""
    rows: list[JsonObject] = [item if isinstance(item, dict) else {} for item in items]
    names = {key: Counter(_text_of(row, key) for row in rows) for key in IDENTIFIERS}
    for index, row in enumerate(rows):
        for key in IDENTIFIERS:
            text = _text_of(row, key)
            if text and names[key][text] == 1 and re.fullmatch(r"[^\s\]\"'=|>#]+", text):
                yield f"[{key}={text}]"
                break
        else:
            yield f"[{index}]"
