"""Asks for the overview of the first screen, once the prompt is there and the schema is loaded.

One question at a time through the queue of background queries, and none after the user's first
line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from qmpsh.client.client import Client
from qmpsh.jsontypes import Json
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.machine import Machine

if TYPE_CHECKING:
    from qmpsh.shell.overview.first import FirstOverview
    from qmpsh.shell.overview.survey import Question

AskQuery = Callable[[Command, Callable[[Json], None], Callable[[str], None]], None]
"""Queues a command, with what takes the value of its reply or the words of its refusal."""


class OverviewQueries:
    """The questions of the first overview, of the first connection alone.

    on_news: called when there is more to show

    shown:    the overview, None before it begins
    is_ended: no more is to be shown, as after the first line
    """

    def __init__(self, context: Context, machine: Machine, on_news: Callable[[], None]) -> None:
        self.shown: FirstOverview | None = None
        self._context = context
        self._machine = machine
        self._on_news = on_news
        self._is_asking = False
        self.is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return not self.is_ended and (self.shown is None or not self.shown.is_over)

    def freeze(self) -> None:
        """Show no more than is shown now."""
        self.is_ended = True
        if self.shown is not None:
            self.shown.freeze()

    def poll(self, client: Client, ask: AskQuery) -> None:
        """Begin, put the next question, or end because the time is over."""
        if not self._is_wanted:
            self.freeze()
            return
        if self.shown is None:
            self.shown = self._begin(client)
            self._after_reply(self.shown)  # there may be nothing to ask
        if self.shown.on_time(time.monotonic()):
            self._on_news()
        elif not self._is_asking and (question := self.shown.next_question()) is not None:
            self._is_asking = True
            on_value = partial(self._on_value, question)
            ask(question.command, on_value, partial(self._on_refusal, question))

    def due(self, now: float) -> float | None:
        """Return the seconds until the time is over; None where none runs."""
        if self.shown is None or not self.is_open:
            return None
        return max(0.0, self.shown.deadline - now)

    @property
    def _is_wanted(self) -> bool:
        preferences = self._context.preferences
        wanted = preferences is None or preferences.values.overview
        return wanted and self._context.introspection.live and self._context.speaks_qmp

    def _begin(self, client: Client) -> FirstOverview:
        # Imported here: nothing of it is needed before the prompt is there.
        from qmpsh.shell.overview.asking import MAX_SECONDS, server_facts
        from qmpsh.shell.overview.first import FirstOverview
        from qmpsh.shell.overview.seen import read_sums
        from qmpsh.shell.overview.survey import Survey

        machine = self._machine
        return FirstOverview(
            server_facts(machine, client.dialect),
            Survey(client.dialect, machine.commands, machine.disabled),
            time.monotonic() + MAX_SECONDS,
            read_sums(machine.uuid),
        )

    def _on_value(self, question: Question, value: Json) -> None:
        self._is_asking = False
        if self.shown is not None:
            self.shown.on_value(question, value)
            self._after_reply(self.shown)

    def _on_refusal(self, question: Question, said: str) -> None:
        self._is_asking = False
        if self.shown is not None:
            self.shown.on_refusal(question, said)
            self._after_reply(self.shown)

    def _after_reply(self, shown: FirstOverview) -> None:
        if shown.is_whole:
            # Imported here, as above.
            from qmpsh.shell.overview.seen import store_sums

            store_sums(self._machine.uuid, shown.sums)
        self._on_news()
