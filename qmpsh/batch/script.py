"""Running the lines of a script: in order, up to the first error.

Queries overlap: while the server works on one, the next lines that only ask something are on their
way already, which halves the time of a script of queries. Whatever may change the machine waits
until all before it has succeeded; answers are shown in the order of the lines.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from qmpsh.client.client import Client
from qmpsh.errors import QmpshError
from qmpsh.language.lines import is_bare_word
from qmpsh.language.syntax import Mode
from qmpsh.shell.script import ScriptLine, read_lines, script_lines
from qmpsh.shell.steps import Outcome, Task


class ScriptRunner(Protocol):
    """The part of `Batch` that runs lines for a script."""

    @property
    def client(self) -> Client | None:
        """The connection as it is now."""

    @property
    def mode(self) -> Mode:
        """How the next line is read."""

    @property
    def ahead(self) -> int:
        """How many queries may be on their way."""

    def start(self, place: str, line: str) -> Task:
        """Begin a line. place: what is said of it begins with"""

    def finish(self, place: str, task: Task) -> Outcome:
        """Drive a line to its end, show its answers, report what went wrong."""

    def report(self, place: str, error: QmpshError) -> Outcome:
        """Report an error of a place."""

    def note(self, place: str, text: str) -> None:
        """Say what is to be known of a place."""

    def is_final(self, outcome: Outcome) -> bool:
        """Whether a script ends with this outcome."""


def asks_only(line: str) -> bool:
    """Whether a line changes nothing, whatever the server: `query-NAME` without arguments."""
    return line.startswith("query-") and is_bare_word(line)


class Script:
    """The lines of a script.

    fd: what to read; name: what to call it in errors; flush: called before waiting for input.
    """

    def __init__(self, runner: ScriptRunner, fd: int, name: str, flush: Callable[[], None]) -> None:
        self._runner = runner
        self._fd = fd
        self._name = name
        self._flush = flush
        self._flight: deque[tuple[str, Task]] = deque()
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Run to the end or the first error; the exit code is that of the first failure."""
        runner = self._runner
        lines = read_lines(self._fd, lambda: runner.client, self._catch_up)
        try:
            for line in script_lines(lines, lambda: runner.mode):
                if not self._take(line):
                    return self._outcome
            self._settle(0)
        except QmpshError as error:  # of reading
            self._settle(0)
            self._note(runner.report(self._name, error))
        return self._outcome

    def _take(self, line: ScriptLine) -> bool:
        """Begin a line once what must end before it has; False when the script ends."""
        ahead = self._runner.ahead if line.error is None and asks_only(line.text) else 1
        if not self._settle(ahead - 1):
            return False
        place = f"{self._name}:{line.number}"
        if line.error is not None:
            return self._note(self._runner.report(place, line.error))
        if line.note:
            self._runner.note(place, line.note)
        task = self._runner.start(place, line.text)
        self._flight.append((place, task))
        task.advance(time.monotonic())
        return self._settle(ahead - 1)

    def _catch_up(self) -> bool:
        """Before waiting for more input: end and show what is on its way."""
        goes_on = self._settle(0)
        self._flush()
        return goes_on

    def _settle(self, leave: int) -> bool:
        """End lines, oldest first, until so many are left; False when one ended the script."""
        while len(self._flight) > leave:
            if not self._note(self._runner.finish(*self._flight.popleft())):
                self._flight.clear()
                return False
        return True

    def _note(self, outcome: Outcome) -> bool:
        exit_code = self._outcome.exit_code or outcome.exit_code
        self._outcome = outcome._replace(exit_code=exit_code)
        return not (outcome.leave or self._runner.is_final(outcome))
