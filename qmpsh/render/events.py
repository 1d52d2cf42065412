"""Events as styled lines: their text, their severity, and which ones are repeats.

Names and data come from the VM, some of them from the guest: all of it goes through `safe`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.render.event_values import number_in_event
from qmpsh.render.formats import compact
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.render.units import clock, number

SEVERE = frozenset(
    {
        "BLOCK_IMAGE_CORRUPTED",
        "BLOCK_IO_ERROR",
        "BLOCK_JOB_ERROR",
        "DEVICE_UNPLUG_GUEST_ERROR",
        "GUEST_CRASHLOADED",
        "GUEST_PANICKED",
        "MEMORY_FAILURE",
        "MEM_UNPLUG_ERROR",
        "QUORUM_FAILURE",
        "QUORUM_REPORT_BAD",
        "WATCHDOG",
    }
)
"""Events after which the user should look at the VM"""

STATE = frozenset(
    {
        "POWERDOWN",
        "RESET",
        "RESUME",
        "SHUTDOWN",
        "STOP",
        "SUSPEND",
        "SUSPEND_DISK",
        "WAKEUP",
    }
)
"""Events that change the run state"""

_DATA_LINES = 3

MAX_INLINE_MEMBERS = 12
"""of an event's data, that stand on its own line"""

TIME_COLUMNS = len("22:10:31")
"""columns of a time without its milliseconds"""

_VALUE_LIMIT = 500


def role(name: str) -> str:
    """Return the theme's role for an event's name."""
    if name in SEVERE:
        return "event.severe"
    return "event.state" if name in STATE else "event.name"


def fold_key(event: Event) -> str:
    """Return a key that is equal for events with the same name and data."""
    return f"{event.name} {event.data!r}"


def head(name: str, seconds: float, count: int, glyphs: Glyphs, until: float | None = None) -> Line:
    """Return `22:10:31.120 STOP x3`, or `22:10:31-22:14:02 RTC_CHANGE x37`.

    seconds: Unix time
    count:   how many events are folded into this line
    until:   Unix time of the last one if that was later; None for the same moment
    """
    when = clock(seconds)
    if until is not None:
        when = f"{when[:TIME_COLUMNS]}-{clock(until)[:TIME_COLUMNS]}"
    line: Line = [("event.time", when), ("", " "), (role(name), visible_word(name))]
    if count > 1:
        line.append(("dim", f" {glyphs.times}{number(count)}"))
    return line


def details(name: str, data: JsonObject, most: int = _DATA_LINES) -> list[str]:
    """Return at most so many `key=value` texts; the last one says how many more there are.

    name: of the event, on which the unit of a number depends
    """
    shown: list[str] = []
    left_out = 0
    for key, value in _leaves(data):
        if len(shown) < most:
            shown.append(f"{visible_word(key)}={_text(name, key, value)}")
        else:
            left_out += 1
    if left_out:
        shown[-1] += f"  +{left_out}"
    return shown


def one_line(name: str, data: JsonObject, first: Line) -> Line:
    """Return an event with its data on one line, for a pane with room for it.

    first: its head
    """
    texts = details(name, data, MAX_INLINE_MEMBERS)
    return [*first, ("event.data", f" {' '.join(texts)}")] if texts else first


def details_count(data: JsonObject) -> int:
    """Return how many texts `details` returns, without making them."""
    return sum(1 for _ in islice(_leaves(data), _DATA_LINES))


def event_line(name: str, data: JsonObject, seconds: float, count: int, glyphs: Glyphs) -> Line:
    """Return the whole event on one dim line, for a front end without panes."""
    first = plain(head(name, seconds, count, glyphs))
    return [("error" if name in SEVERE else "dim", " ".join([first, *details(name, data)]))]


def _leaves(data: JsonObject, prefix: str = "") -> Iterator[tuple[str, Json]]:
    # An object's members become dotted keys, as typed; a list stays one value.
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _text(name: str, key: str, value: Json) -> str:
    if isinstance(value, str) and value:
        return visible_word(value[:_VALUE_LIMIT])
    if type(value) is int:
        return number_in_event(name, key.rpartition(".")[2], value)[:_VALUE_LIMIT]
    return visible_word(compact(value))[:_VALUE_LIMIT]
