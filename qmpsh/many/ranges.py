"""Names with numbers as ranges: `web[1-3,7]`, and texts with choices: `host{1..3}`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from qmpsh.errors import UsageError, shortened
from qmpsh.light_typing import NamedTuple

MOST: Final = 10_000
"""texts that one may stand for"""
_MAX_DIGITS: Final = 9
"""digits of a number in a range: int() takes any, a terminal does not"""

_TOO_MANY: Final = "{text} stands for more than {most} targets"

_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_STEPS: Final = re.compile(rf"([0-9]{{1,{_MAX_DIGITS}}})\.\.([0-9]{{1,{_MAX_DIGITS}}})")
_NODES: Final = re.compile(r"(?<=[^\[\]])\[([0-9][0-9,-]*)\]")
_SPAN: Final = re.compile(rf"([0-9]{{1,{_MAX_DIGITS}}})(?:-([0-9]{{1,{_MAX_DIGITS}}}))?")
_NUMBERED: Final = re.compile(rf"([^\[\]]+?)([0-9]{{1,{_MAX_DIGITS}}})([^0-9\[\]]*)")


# ---------------------------------------------------------------------------- from short to long


def expand_braces(text: str) -> list[str]:
    """Return what a text with `{a,b}` or `{1..3}` stands for, as a shell does; any other brace
    stays. Raises UsageError for too many.
    """
    return _expand(text, _BRACES, _choices)


def expand_nodes(text: str) -> list[str]:
    """Return what a text with `[1-3,7]` stands for, not at its start: `[::1]` is a host.

    Raises UsageError for too many.
    """
    return _expand(text, _NODES, _nodes)


def _expand(text: str, pattern: re.Pattern[str], read: Callable[[str], list[str]]) -> list[str]:
    """Return all texts in the order of their choices."""
    found = [""]
    at = 0
    for match in pattern.finditer(text):
        choices = read(match[1]) or [match[0]]
        if len(found) * len(choices) > MOST:
            raise UsageError(_TOO_MANY.format(text=shortened(text), most=MOST))
        before = text[at : match.start()]
        found = [f"{one}{before}{choice}" for one in found for choice in choices]
        at = match.end()
    return [one + text[at:] for one in found]


def _choices(inside: str) -> list[str]:
    """Return the choices between braces; none if they are not choices."""
    steps = _STEPS.fullmatch(inside)
    if steps:
        return _counted(steps[1], steps[2])
    return inside.split(",") if "," in inside else []


def _nodes(inside: str) -> list[str]:
    """Return the numbers between brackets; none if they are no ranges."""
    spans = [_SPAN.fullmatch(piece) for piece in inside.split(",")]
    counted = [_counted(span[1], span[2] or span[1]) for span in spans if span]
    return [one for numbers in counted for one in numbers] if None not in spans else []


def _counted(first: str, last: str) -> list[str]:
    """Return the numbers from one to the other, as wide as the first where that begins with 0."""
    start, end = int(first), int(last)
    if abs(end - start) >= MOST:
        raise UsageError(_TOO_MANY.format(text=f"{first}..{last}", most=MOST))
    width = len(first) if first.startswith("0") else 0
    step = 1 if end >= start else -1
    return [f"{number:0{width}}" for number in range(start, end + step, step)]


# ---------------------------------------------------------------------------- from long to short


def natural_key(name: str) -> tuple[tuple[str, int, str], ...]:
    """Return a sort key in which `web2` comes before `web10`."""
    pieces = re.findall(rf"([^0-9]*)([0-9]{{1,{_MAX_DIGITS}}}|\Z)", name)
    return (*((text, int(number or -1), number) for text, number in pieces),)


class _Numbered(NamedTuple):
    """A name as its last number and what stands around it."""

    before: str
    digits: str
    after: str


def fold_names(names: Iterable[str]) -> list[str]:
    """Return the names in their natural order, those that differ in their last number as one:
    `db1`, `web[1-37]`. `expand_nodes` gives them again.
    """
    groups: dict[tuple[str, str, int], list[str]] = {}
    folded: dict[tuple[str, str, int], str] = {}
    for name, key, digits in _keyed(sorted({*names}, key=natural_key)):
        groups.setdefault(key, []).append(digits)
        folded[key] = name if len(groups[key]) == 1 else _range_text(key, groups[key])
    return [*folded.values()]


def _keyed(names: list[str]) -> Iterator[tuple[str, tuple[str, str, int], str]]:
    """Yield each name, the group that it may be folded into, and its number there.

    The last of a group's key is the width of its numbers, 0 if they have no leading zeros, -1 for
    a name without one.
    """
    split = {name: _Numbered(*found.groups()) for name in names
             if (found := _NUMBERED.fullmatch(name))}  # fmt: skip
    padded = {
        (one.before, one.after, len(one.digits))
        for one in split.values()
        if one.digits.startswith("0") and len(one.digits) > 1
    }
    for name in names:
        one = split.get(name)
        if one is None:
            yield name, (name, "", -1), ""
            continue
        key = one.before, one.after, len(one.digits)
        yield name, key if key in padded else (one.before, one.after, 0), one.digits


def _range_text(key: tuple[str, str, int], digits: list[str]) -> str:
    before, after, width = key
    return f"{before}[{','.join(_spans(sorted(map(int, digits)), width))}]{after}"


def _spans(numbers: list[int], width: int) -> Iterator[str]:
    """Yield `1-3`, `7` of numbers in order."""
    start = last = numbers[0]
    for number in [*numbers[1:], -1]:
        if number == last + 1:
            last = number
            continue
        yield f"{start:0{width}}" if start == last else f"{start:0{width}}-{last:0{width}}"
        start = last = number
