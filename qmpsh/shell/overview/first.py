"""The overview on the first screen: rows that come one section after the other, and lines to try.

A plain state object: who asks the questions hands in the replies. It ends when all sections have
come, when the time is over, or when the user sends a line, below which nothing must move any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell.overview.facts import facts_of
from qmpsh.shell.overview.rows import OverviewRow, RowPart, rows_of
from qmpsh.shell.overview.seen import Sums, sums_of
from qmpsh.shell.overview.survey import Question, Survey
from qmpsh.shell.overview.tries import lines_to_try

MAX_OF_A_SECTION: Final = 3
"""rows of a section that are shown before the others are only counted"""


class FirstOverview:
    """The overview of a machine while it comes in.

    server: facts about the program that answers; deadline: for all questions, as
    `time.monotonic()`; before: what was shown the last time, None to compare with nothing

    rows:      as far as they have come
    is_over:   no more rows come
    is_whole:  all came
    is_frozen: the user sent a line before
    changes:   how often the rows have become others
    """

    def __init__(
        self, server: JsonObject, survey: Survey, deadline: float, before: Sums | None
    ) -> None:
        self.rows: list[OverviewRow] = []
        self.is_over = False
        self.is_whole = False
        self.is_frozen = False
        self.changes = 0
        self.deadline = deadline
        self._server = server
        self._survey = survey
        self._before = before
        self._facts: JsonObject = {}
        self._late: list[str] | None = None
        self._update()

    def next_question(self) -> Question | None:
        """Return the question to put next; None while there is none."""
        return None if self.is_over else self._survey.next_question()

    def on_value(self, question: Question, value: Json) -> None:
        """Take the value of a reply."""
        if not self.is_over:
            self._survey.on_value(question, value)
            self._update()

    def on_refusal(self, question: Question, said: str) -> None:
        """Note that a question will not be answered. said: the server's words"""
        if not self.is_over:
            self._survey.on_refusal(question, said)
            self._update()

    def on_time(self, now: float) -> bool:
        """End it if the time is over; return whether that is so."""
        if self.is_over or now < self.deadline:
            return False
        self.is_over = True
        # The questions are put one after the other: the others were not asked yet.
        late = self._survey.unanswered[:1]
        self._facts = facts_of(self._server, self._survey.replies, late)
        self.rows = rows_of(self._facts)
        self.changes += 1
        return True

    def freeze(self) -> None:
        """End it now, with the rows that have come."""
        if not self.is_over:
            self.is_frozen = self.is_over = True

    @property
    def tries(self) -> list[str]:
        """Lines to try, once all is known."""
        return lines_to_try(self._facts) if self.is_whole else []

    @property
    def sums(self) -> Sums:
        """What to compare with the next time."""
        return sums_of(self.rows)

    def changed(self) -> set[str]:
        """Return the keys of the rows that are not as they were the last time."""
        if self._before is None:
            return set()
        return {key for key, value in self.sums.items() if self._before.get(key) != value}

    def _update(self) -> None:
        """Show what has been answered; a section at a time, so that no row changes again."""
        late = self._survey.unanswered
        if late == self._late:
            return
        self._late = late
        self.is_whole = self.is_over = not late
        self._facts = facts_of(self._server, self._survey.replies)
        self.rows = [row for row in rows_of(self._facts) if row.section not in late]
        self.changes += 1


def shortened_rows(rows: Sequence[OverviewRow]) -> list[OverviewRow]:
    """Return the rows for the first screen: of many in a section, some and how many more."""
    shown: list[OverviewRow] = []
    for section, found in groupby(rows, lambda row: row.section):
        those = list(found)
        more = len(those) - MAX_OF_A_SECTION
        if more <= 1:
            shown += those
        else:
            shown += those[:MAX_OF_A_SECTION]
            part = RowPart(f"{more:,} more; .status shows all")
            shown.append(those[0]._replace(label=section, parts=(part,)))
    return shown


def try_rows(lines: Sequence[str]) -> list[OverviewRow]:
    """Return lines to try as rows."""
    return [
        OverviewRow("try", "" if place else "try", (RowPart(line),), is_main=True)
        for place, line in enumerate(lines)
    ]
