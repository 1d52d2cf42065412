"""One row of the table, and how it is printed. Knows nothing of how a value was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

COLUMNS = "{:<42} {:>12}   {:<36} {:>12} {:>7}  {:<8} {}"
TITLES = ("what", "qmpsh", "beside", "", "ratio", "goal", "")


class Unit(Enum):
    """What is measured: the suffix, the factor from seconds, bytes or a count, whether less is
    better.
    """

    MICROSECONDS = (" µs", 1e6, True)
    MILLISECONDS = (" ms", 1e3, True)
    PER_SECOND = (" /s", 1.0, False)
    MEGABYTES = (" MB", 1e-6, True)
    THOUSANDS = (" k", 1e-3, True)
    MILLIONS = (" M", 1e-6, True)
    COUNT = ("", 1.0, False)

    @property
    def less_is_better(self) -> bool:
        return self.value[2]

    def text(self, value: float) -> str:
        suffix, factor, less_is_better = self.value
        return f"{value * factor:,.{1 if less_is_better else 0}f}{suffix}"


class Row(NamedTuple):
    """One comparison.

    value, reference_value: medians, in seconds, in turns a second, in bytes
    goal: the ratio to reach, or None where the reference is there to be seen
    """

    what: str
    unit: Unit
    value: float
    reference: str
    reference_value: float
    goal: float | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.reference_value

    @property
    def is_met(self) -> bool:
        if self.goal is None:
            return True
        return self.ratio <= self.goal if self.unit.less_is_better else self.ratio >= self.goal


class Layout(NamedTuple):
    """How a table is printed: its header, and each row by its cells."""

    header: str
    line: Callable[[Sequence[str]], str]


def _plain(cells: Sequence[str]) -> str:
    return COLUMNS.format(*cells).rstrip()


def _markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


PLAIN = Layout(_plain(TITLES), _plain)
MARKDOWN = Layout(f"{_markdown(TITLES)}\n|---|--:|---|--:|--:|---|---|", _markdown)


def format_row(row: Row, layout: Layout = PLAIN) -> str:
    """A row as one line of text.

    >>> row = Row("one-shot", Unit.MILLISECONDS, 0.03, "qmp-shell", 0.06, goal=0.6)
    >>> format_row(row).split()
    ['one-shot', '30.0', 'ms', 'qmp-shell', '60.0', 'ms', '0.50', '<=', '0.60', 'met']
    """
    goal = verdict = ""
    if row.goal is not None:
        goal = f"{'<=' if row.unit.less_is_better else '>='} {row.goal:.2f}"
        verdict = "met" if row.is_met else "missed"
    values = row.unit.text(row.value), row.unit.text(row.reference_value)
    return layout.line(
        [row.what, values[0], row.reference, values[1], f"{row.ratio:.2f}", goal, verdict]
    )
