"""The numbers in an event's data as people read them: `len=300M`, `speed=10M/s`, `offset=1:00:00`.

The schema says only `int`; the unit is in QAPI's text, so it is a table by member, and by event
where a member of this name is something else there.
"""

from __future__ import annotations

from qmpsh.render.units import elapsed

_SIZES = frozenset(
    {
        "actual",
        "amount-exceeded",
        "available",
        "commited",
        "completed",
        "len",
        "offset",
        "size",
        "total",
        "write-threshold",
    }
)
"""Members that are bytes. Source: QAPI, the events of QEMU 7.2 and 10.0; `commited` is QAPI's"""

_SPEEDS = frozenset({"speed"})
"""Members that are bytes a second, 0 for no limit"""

_TIMES = frozenset({("RTC_CHANGE", "offset")})
"""Members that are seconds, by their events"""

_UNITS = "KMGTPE"
_NEXT_UNIT = 1023.95
"""what would be shown as 1024"""

_LARGEST = 2**64
"""a larger number is none of QEMU's, and stays as it is"""


def number_in_event(event: str, member: str, value: int) -> str:
    """Return a number of an event's data as shown. member: its own name, without those around it"""
    if not -_LARGEST < value < _LARGEST:
        return str(value)
    if (event, member) in _TIMES:
        return _time(value)
    if member in _SIZES:
        return short_size(value)
    if member in _SPEEDS:
        return f"{short_size(value)}/s" if value else "0"
    return str(value)


def short_size(count: int) -> str:
    """Return a size in bytes as a line of the shell takes it: `512`, `64K`, `300M`, `1.5G`; one
    that is not a round number has one decimal.
    """
    if abs(count) < 1024:
        return str(count)
    value, power = count / 1024, 0
    while abs(value) >= _NEXT_UNIT and power < len(_UNITS) - 1:
        value /= 1024
        power += 1
    return f"{value:.1f}".removesuffix(".0") + _UNITS[power]


def _time(seconds: int) -> str:
    return f"{'-' if seconds < 0 else ''}{elapsed(abs(seconds))}"
