"""Numbers in readable form: times, sizes, counts.

Pure: every number is an argument, so that tests of the screen can fix it.
"""

from __future__ import annotations

import time


def number(count: int) -> str:
    """Return a count like `20,931`."""
    return f"{count:,}"


def duration(seconds: float) -> str:
    """Return how long something took: `0.4 ms`, `120 ms`, `3.1 s`, `2:05`."""
    millis = seconds * 1000
    if millis < 9.95:
        return f"{millis:.1f} ms"
    if millis < 999.5:
        return f"{millis:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return elapsed(seconds)


def elapsed(seconds: float) -> str:
    """Return how long something has been running: `0:04`, `2:05`, `1:02:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Return a size in bytes: `56 B`, `1.2 kB`, `207 kB`, `3.4 MB`; a kB is 1000 B."""
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
    """Return the local time of a Unix time, to the millisecond: `22:10:31.120`."""
    whole, millis = divmod(round(seconds * 1000), 1000)
    try:
        return f"{time.strftime('%H:%M:%S', time.localtime(whole))}.{millis:03}"
    except (OverflowError, ValueError, OSError):
        # The server sends the time; one outside the calendar is shown as dashes.
        return "--:--:--.---"
