"""Numbers in readable form: times, sizes, counts, and the progress of a piece of work.

Pure: every number is an argument, so that tests of the screen can fix it. Progress reads
`backup j0 ███████░░░ 68 % 212 MB/s 0:04`, or shorter if there is less room, on the status line and
wherever else it is shown. Names come from the VM and go through `safe`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.shell.work import Work, WorkState


def number(count: int) -> str:
    """Return a count like `20,931`."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, like `1 command` or `20,931 commands`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


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


def brief(count: float) -> str:
    """Return a number in four characters or less: `0`, `56`, `1.2k`, `207k`, `3.4M`, `12G`."""
    value = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if value < 9.95 and unit:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
        value /= 1000
    return f"{min(value, 999):.0f}P"


def clock(seconds: float) -> str:
    """Return the local time of a Unix time, to the millisecond: `22:10:31.120`."""
    whole, millis = divmod(round(seconds * 1000), 1000)
    try:
        return f"{time.strftime('%H:%M:%S', time.localtime(whole))}.{millis:03}"
    except (OverflowError, ValueError, OSError):
        # The server sends the time; one outside the calendar is shown as dashes.
        return "--:--:--.---"


BAR_CELLS = 10
"""columns of a progress bar"""

_MAX_LABEL_COLUMNS = 32
"""characters of a label; QEMU's own ids may be 128 long"""


def progress_line(works: Sequence[Work], width: int, glyphs: Glyphs) -> Line:
    """Return the fullest form that fits `width` columns, or the barest if none does."""
    line: Line = []
    for line in progress_forms(works, glyphs, ""):
        if text_columns(plain(line)) <= width:
            break
    return line


def progress_forms(works: Sequence[Work], glyphs: Glyphs, role: str) -> Iterator[Line]:
    """Yield forms of the first work and how many more there are, from fullest to barest.

    Dropped one by one are the rate, the time left, the bar, and the label.
    role: of the text; the bar has its own
    """
    if not works:
        yield []
        return
    work, more = works[0], len(works) - 1
    label = _label(work.label, glyphs)
    share = "" if work.fraction is None else percent(work.fraction)
    state = "" if work.state is WorkState.RUNNING else work.state.value
    rate = "" if work.rate is None else f"{size(round(work.rate))}/s"
    left = "" if work.left is None else elapsed(work.left)
    others = f"+{number(more)}" if more else ""
    drawn = "" if work.fraction is None else bar(work.fraction, glyphs)
    yield _line(label, drawn, [share, state, rate, left, others], role)
    yield _line(label, drawn, [share, state, left, others], role)
    yield _line(label, drawn, [share, state, others], role)
    yield _line(label, "", [share, state, others], role)
    yield barest(works, role)


def barest(works: Sequence[Work], role: str) -> Line:
    """Return `68 %`, or one word if the progress is unknown."""
    if not works:
        return []
    fraction = works[0].fraction
    return [(role, works[0].state.value if fraction is None else percent(fraction))]


def percent(fraction: float) -> str:
    """Return `68 %`; 100 only when done."""
    return f"{int(fraction * 100)} %"


def bar(fraction: float, glyphs: Glyphs) -> str:
    """Return a bar of ten columns, full only when done."""
    full = BAR_CELLS if fraction >= 1 else min(round(fraction * BAR_CELLS), BAR_CELLS - 1)
    return glyphs.full * full + glyphs.empty * (BAR_CELLS - full)


def _line(label: str, drawn: str, words: list[str], role: str) -> Line:
    text = " ".join(word for word in words if word)
    line: Line = [(role, label)]
    if drawn:
        line += [(role, " "), ("progress", drawn)]
    if text:
        line.append((role, f" {text}"))
    return line


def _label(label: str, glyphs: Glyphs) -> str:
    safe = visible_word(label)
    return safe if len(safe) <= _MAX_LABEL_COLUMNS else f"{safe[:_MAX_LABEL_COLUMNS]}{glyphs.more}"
