"""What a list of jobs sees of a session: the work and its ends, what is allowed, the settings."""

from __future__ import annotations

import time
from collections.abc import Sequence

from qmpsh.shell.context import Context
from qmpsh.shell.jobs import Allowance
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.queries import BackgroundQueries
from qmpsh.shell.settings import Settings
from qmpsh.shell.work import JobEntry

INCOMING_STATUS = "inmigrate"


class JobWatch:
    """The jobs of a session for a list, which shares the polling of the status line."""

    def __init__(self, context: Context, machine: Machine, queries: BackgroundQueries) -> None:
        self._context = context
        self._machine = machine
        self._queries = queries

    def open(self) -> None:
        """Keep what ends from now on, and ask how all of it is."""
        self._queries.works()
        self._queries.progress.watch()

    def close(self) -> None:
        """Forget what has ended."""
        self._queries.progress.unwatch()

    def entries(self) -> Sequence[JobEntry]:
        """Return the jobs and the migration, the oldest first."""
        return self._queries.progress.entries()

    @property
    def allowance(self) -> Allowance:
        """What the server allows now."""
        return Allowance(
            self._context.introspection.commands,
            self._queries.progress.can_switch,
            self._machine.status == INCOMING_STATUS,
        )

    @property
    def silence(self) -> float:
        """For how many seconds a query has had no answer; 0.0 while none is out."""
        return self._queries.progress.silence(time.monotonic())

    @property
    def settings(self) -> Settings:
        """The settings of the session's lines."""
        return self._context.settings
