"""The history of the numbers that a line follows: samples, rates, and what of them is drawn. Pure.

A counter that falls has begun again: that step has no rate.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.reply_paths import Number, ReplyPath, number_at
from qmpsh.light_typing import NamedTuple

MAX_SAMPLES: Final = 1000
"""samples of a path that are kept: more than any terminal has columns"""
_DECIMALS: Final = 3
"""of a rate"""


class PlottedSeries(NamedTuple):
    """The samples of one path, as they are drawn.

    path:   as typed; name: the member that it ends in; is_rate: per second
    values: the newest last, None where there was no number
    least, most: of all samples, also those that are no longer kept; None without any
    """

    path: str
    name: str
    is_rate: bool
    values: tuple[Number | None, ...]
    least: Number | None
    most: Number | None


Plot = tuple[PlottedSeries, ...]


class Series:
    """The samples of one path.

    was_found: whether a reply had a number there
    """

    def __init__(self, path: ReplyPath) -> None:
        self.path = path
        self.was_found = False
        self._values: deque[Number | None] = deque(maxlen=MAX_SAMPLES)
        self._last: tuple[float, Number | None] = (0.0, None)
        self._least: Number | None = None
        self._most: Number | None = None

    def begin(self, reply: Json, at: float) -> None:
        """Take a counter's first state, from which its first rate counts. at: seconds"""
        if self.path.is_rate:
            self._next(reply, at)

    def add(self, reply: Json, at: float) -> Number | None:
        """Take a sample and return it; None where the reply has no number, or no rate so far."""
        value = self._next(reply, at)
        self._values.append(value)
        if value is not None:
            self._least = value if self._least is None else min(self._least, value)
            self._most = value if self._most is None else max(self._most, value)
        return value

    def plotted(self) -> PlottedSeries:
        """Return what is drawn of it."""
        path, values = self.path, tuple(self._values)
        return PlottedSeries(path.text, path.name, path.is_rate, values, self._least, self._most)

    def _next(self, reply: Json, at: float) -> Number | None:
        value = number_at(reply, self.path)
        self.was_found = self.was_found or value is not None
        if not self.path.is_rate:
            return value
        (since, before), self._last = self._last, (at, value)
        if value is None or before is None or value < before or at <= since:
            return None
        return round((value - before) / (at - since), _DECIMALS)


def tab_separated(time: float, values: tuple[Number | None, ...]) -> str:
    """Return a sample as a line for programs: Unix time and values, nothing for one that lacks."""
    return "\t".join([f"{time:.3f}", *map(_exact, values)])


def sample_object(time: float, paths: tuple[str, ...], values: tuple[Number | None, ...]) -> Json:
    """Return a sample as an object; docs/machine.md names the keys."""
    by_path: JsonObject = dict(zip(paths, values, strict=True))
    return {"time": round(time, 3), "values": by_path}


def _exact(value: Number | None) -> str:
    if value is None:
        return ""
    return (
        str(value) if isinstance(value, int) else f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    )
