"""Lengths of time as they are typed: `5`, `500ms`, `1.5s`, `2m`, `1h`."""

from __future__ import annotations

import re

from qmpsh.errors import UsageError

_DURATION = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)?"
_SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds. Raises UsageError for anything else than digits and one of the four units."""
    match = re.fullmatch(_DURATION, text)
    if match is None:
        raise UsageError(f"expected a time such as 5, 500ms, 2m or 1h, not {text or 'nothing'}")
    return float(match[1]) * _SECONDS[match[2]]


def parse_limit(text: str) -> float:
    """The same of something that takes its time. Raises UsageError for no time at all."""
    seconds = parse_duration(text)
    if seconds <= 0:
        raise UsageError(f"expected more time than {text}, as in 500ms")
    return seconds
