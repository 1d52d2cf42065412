"""The lines above the table: how many VMs are in which state, and what all use together. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line, plain
from qmpsh.render.units import bar, brief, counted, number
from qmpsh.top.columns import ACCENT, DIM, Look, cpu_sparkline, state_role
from qmpsh.top.record import VmRecord
from qmpsh.top.usage import UsageNumbers, sum_usage

_SPARKS: Final = 20
_WIDE: Final = 100
"""columns from which on there is a bar"""


class Totals(NamedTuple):
    """What the VMs use together. states: how many are in each, the most frequent first"""

    vms: int = 0
    states: tuple[tuple[str, int], ...] = ()
    memory: int = 0
    works: int = 0
    used: UsageNumbers = UsageNumbers()


def totals_of(records: Sequence[VmRecord], now: float) -> Totals:
    """Return the sums over some VMs; what is not known of one counts nothing."""
    states = Counter([record.state(now) for record in records])
    return Totals(
        len(records),
        tuple(states.most_common()),
        sum([record.memory or 0 for record in records if not record.has_ended]),
        sum([record.progress.count for record in records]),
        sum_usage([record.usage for record in records]),
    )


def title_line(totals: Totals, notes: Sequence[str], look: Look, width: int) -> Line:
    """Return `qmpsh top  100 VMs  97 running  2 paused`, and notes at the right edge."""
    line: Line = [("prompt", " qmpsh top"), ("", "  "), ("event.name", counted(totals.vms, "VM"))]
    right = f" {look.glyphs.dot} ".join(notes)
    for word, count in totals.states:
        part: Line = [("", "  "), (state_role(word), f"{number(count)} {word}")]
        if _columns([*line, *part]) > width - 1:
            break
        line += part
    gap = width - _columns(line) - text_columns(right) - 1
    return [*line, ("", " " * gap), (DIM, right)] if gap >= 2 else line


def usage_line(
    totals: Totals, history: Sequence[int], look: Look, width: int, cpus: int = 0
) -> Line:
    """Return what all VMs use together, as much of it as there is room for.

    cpus: of this host, for a bar of those that are in use; 0 for no bar
    """
    line: Line = [("", " ")]
    for part in _parts(totals, look, cpus if width >= _WIDE else 0):
        if _columns([*line, *part]) > width:
            break
        line += part
    spark = cpu_sparkline([*history][-_SPARKS:], look.glyphs)
    gap = width - _columns(line) - len(spark) - 1
    return [*line, ("", " " * gap), (ACCENT, spark)] if gap >= 2 else line


def _parts(totals: Totals, look: Look, cpus: int) -> list[Line]:
    """Return `CPU 104%`, `MEM 4.2G of 8.6G` and so on."""
    used = totals.used
    bar_of_cpus = f"{bar(min(1.0, used.cpu / 100 / cpus), look.glyphs)} " if cpus else ""
    memory = f" of {brief(totals.memory)}" if totals.memory else ""
    texts = [
        ("MEM", f"{brief(used.resident)}{memory}"),
        ("DISK", f"{brief(used.read)}/s read {brief(used.written)}/s written"),
        ("NET", f"{brief(used.received)}/s in {brief(used.sent)}/s out"),
    ]
    if totals.works:
        texts.insert(1, ("JOBS", number(totals.works)))
    cpu: Line = [(DIM, "CPU "), ("progress", bar_of_cpus), ("", f"{used.cpu:.0f}%   ")]
    return [cpu, *([(DIM, f"{label} "), ("", f"{text}   ")] for label, text in texts)]


def _columns(line: Line) -> int:
    return text_columns(plain(line))
