"""Progress as text: `backup j0 ███████░░░ 68 % 212 MB/s 0:04`, or shorter if there is less room.

For the status line and wherever else progress is shown on a line. Names come from the VM and go
through `safe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmpsh.shell.progress import State, Work
from qmpsh.view.columns import text_columns
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.safe import visible_word
from qmpsh.view.theme import Line, plain
from qmpsh.view.units import elapsed, number, size

CELLS = 10
"""columns of a progress bar"""

_LABEL = 32
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
    state = "" if work.state is State.RUNNING else work.state.value
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
    full = CELLS if fraction >= 1 else min(round(fraction * CELLS), CELLS - 1)
    return glyphs.full * full + glyphs.empty * (CELLS - full)


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
    return safe if len(safe) <= _LABEL else f"{safe[:_LABEL]}{glyphs.more}"
