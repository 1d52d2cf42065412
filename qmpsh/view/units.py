"""Numbers as a person reads them: times, sizes, counts.

Pure; every number comes as an argument, so that a drawing of a screen can fix it.
"""

from __future__ import annotations

import time


def number(count: int) -> str:
    """`20,931`."""
    return f"{count:,}"


def duration(seconds: float) -> str:
    """How long something took: `0.4 ms`, `120 ms`, `3.1 s`, `2:05`."""
    millis = seconds * 1000
    if millis < 9.95:
        return f"{millis:.1f} ms"
    if millis < 999.5:
        return f"{millis:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return elapsed(seconds)


def elapsed(seconds: float) -> str:
    """How long something has been going on: `0:04`, `2:05`, `1:02:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Bytes: `56 B`, `1.2 kB`, `207 kB`, `3.4 MB`; a kB is 1000 B."""
    value = float(count)
    if value < 1000:
        return f"{count} B"
    for unit in ("kB", "MB"):
        value /= 1000
        if value < 9.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} GB"


def clock(seconds: float) -> str:
    """The local time of day of a Unix time, to the millisecond: `22:10:31.120`."""
    whole, millis = divmod(round(seconds * 1000), 1000)
    try:
        return f"{time.strftime('%H:%M:%S', time.localtime(whole))}.{millis:03}"
    except (OverflowError, ValueError, OSError):
        # The server names the time; what no calendar holds is shown as a gap.
        return "--:--:--.---"
