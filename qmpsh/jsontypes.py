"""The types of JSON, its decoder, the bounds of its integers in QMP, and words read as numbers.

Reads a bare word as an int, a number or a boolean, as the schema declares. Integer widths are
invisible in the schema (wire.md section 5), so the bounds are those of the wire: -2^63 to 2^64-1.
Source: docs/language.md, "Values".
"""

from __future__ import annotations

import json
import math
import re

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
    JsonObject = dict[str, Json]
else:
    # Building the union that refers to itself costs a one-shot 1.4 ms; no reader needs it.
    Json = object
    JsonObject = dict

INT_MIN, INT_MAX = -(2**63), 2**64 - 1
"""What QAPI's integers can hold, signed and unsigned taken together."""


class NumberRefused(ValueError):
    """A number that Python would not take, or take and print again as what is not JSON."""


def finite_number(text: str) -> float:
    """Return a number of JSON that is not an integer. Raises NumberRefused for infinity."""
    number = float(text)
    if math.isinf(number):
        raise NumberRefused("a number that is too large")
    return number


def refuse_constant(name: str) -> float:
    """Raise NumberRefused: Python's decoder takes NaN and Infinity, which JSON does not have."""
    raise NumberRefused(f"{name}, which is not a JSON number")


DECODER: Final = json.JSONDecoder(parse_float=finite_number, parse_constant=refuse_constant)
"""Decodes JSON, and nothing that cannot be printed as JSON again."""


def nests_within(value: Json, limit: int) -> bool:
    """Whether the brackets of an object or a list nest no deeper. Not recursive itself."""
    level: list[JsonObject | list[Json]] = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return not level


def as_dict(value: Json) -> JsonObject:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_str(value: Json) -> str:
    """Return the value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def as_dicts(value: Json) -> list[JsonObject]:
    """Return the objects in a list; [] for a value that is not a list."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def get_dict(value: Json, key: str) -> JsonObject:
    """Return a member of an object that is an object itself, else an empty one."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def get_list(value: Json, key: str) -> list[Json]:
    """Return a member of an object that is a list, else an empty one."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def get_str(value: Json, key: str) -> str:
    """Return a member of an object that is a string, else ""."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def get_dicts(value: Json, key: str) -> list[JsonObject]:
    """Return the objects in a member of an object that is a list; else []."""
    return as_dicts(get_list(value, key))


def get_strs(value: Json, key: str) -> tuple[str, ...]:
    """Return the strings in a member of an object that is a list; else ()."""
    return tuple([item for item in get_list(value, key) if isinstance(item, str)])


# Compiled by `re` when first used: most lines have no number.
_INT = (
    r"(?P<sign>-?)(?:0[xX](?P<hex>[0-9a-fA-F]+)"
    r"|(?P<whole>0|[1-9][0-9]*)(?:\.(?P<fraction>[0-9]+)(?=[a-zA-Z]))?(?P<suffix>[kKmMgGtTpPeE]?))"
)
_FLOAT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SUFFIXES = "kmgtpe"
_BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}

BOOLEAN_WORDS = ("true", "false", "on", "off", "yes", "no")
_MAX_NUMBER_CHARACTERS = 64


def read_int(text: str) -> int | None:
    """Read `-5`, `0x10`, `64M` or `1.5G`; None if not an integer or out of the wire's bounds."""
    # No integer within the bounds is longer; Python refuses to convert thousands of digits.
    match = re.fullmatch(_INT, text) if len(text) <= _MAX_NUMBER_CHARACTERS else None
    if match is None:
        return None
    value = int(match["hex"], 16) if match["hex"] else _scaled(match)
    if value is None:
        return None
    value = -value if match["sign"] else value
    return value if INT_MIN <= value <= INT_MAX else None


def is_broken_size(text: str) -> bool:
    """Return whether the text is a size such as `1.3K`, which is not a whole number of bytes."""
    match = re.fullmatch(_INT, text) if len(text) <= _MAX_NUMBER_CHARACTERS else None
    return match is not None and not match["hex"] and _scaled(match) is None


def read_number(text: str) -> int | float | None:
    """Read what read_int takes, or `1.5`, `1e3`; None for anything else."""
    value = read_int(text)
    if value is not None or not re.fullmatch(_FLOAT, text):
        return value
    number = float(text)
    return number if abs(number) != float("inf") else None


def read_boolean(text: str) -> bool | None:
    """Read `true` and `false` in any case, `on`, `off`, `yes` or `no`; None for anything else."""
    folded = text.lower() if len(text) <= len("false") else text
    return _BOOLEANS.get(folded if folded in ("true", "false") else text)


def _scaled(match: re.Match[str]) -> int | None:
    """Scale a number by its suffix, a power of 1024; None if the result is not an integer."""
    suffix = match["suffix"].lower()
    factor = 1024 ** (_SUFFIXES.index(suffix) + 1) if suffix else 1
    fraction = match["fraction"] or ""
    scaled, rest = divmod(int(match["whole"] + fraction) * factor, 10 ** len(fraction))
    return None if rest else scaled
