"""Running the lines of a script: in order, up to the first error.

Queries overlap: while the server works on one, the next lines that only ask something are on their
way already, which halves the time of a script of queries. Whatever may change the machine waits
until all before it has succeeded; answers are shown in the order of the lines.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque

from qmpsh.batch.batch import Batch
from qmpsh.errors import QmpshError, UsageError
from qmpsh.language.lines import is_bare_word
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.shell.script import ScriptLine, read_lines, script_lines
from qmpsh.shell.steps import Outcome, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PROGRAM = "qmpsh"
_STDIN = 0


def run_script(batch: Batch, names: Sequence[str]) -> int:
    """Run files one after the other, "-" is stdin; return the exit code of the first failure."""
    batch.context.keep_events()  # a line may wait for what an earlier one did
    exit_code = 0
    for name in names:
        outcome = _run_file(batch, name)
        exit_code = exit_code or outcome.exit_code
        if outcome.leave or (exit_code and not batch.context.settings.keep_going):
            break
    return exit_code


def _run_file(batch: Batch, name: str) -> Outcome:
    try:
        fd = _STDIN if name == "-" else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return batch.report(_PROGRAM, UsageError(f"cannot read {name}: {error.strerror}"))
    shown = "stdin" if name == "-" else name
    batch.front_end.stdin = None if name == "-" else _STDIN
    try:
        outcome = Script(batch, fd, shown, sys.stdout.flush).run()
        return outcome if outcome.exit_code else batch.end_of_input(shown)
    finally:
        if fd:
            os.close(fd)


def asks_only(line: str) -> bool:
    """Whether a line changes nothing, whatever the server: `query-NAME` without arguments."""
    return line.startswith("query-") and is_bare_word(line)


class Script:
    """The lines of a script.

    fd: what to read; name: what to call it in errors; flush: called before waiting for input.
    """

    def __init__(self, batch: Batch, fd: int, name: str, flush: Callable[[], None]) -> None:
        self._batch = batch
        self._fd = fd
        self._name = name
        self._flush = flush
        self._flight: deque[tuple[str, Task]] = deque()
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Run to the end or the first error; the exit code is that of the first failure."""
        batch = self._batch
        lines = read_lines(self._fd, lambda: batch.client, self._catch_up)
        try:
            for line in script_lines(lines, lambda: batch.context.mode):
                if not self._take(line):
                    return self._outcome
            self._settle(0)
        except QmpshError as error:  # of reading
            self._settle(0)
            self._note(batch.report(self._name, error))
        return self._outcome

    def _take(self, line: ScriptLine) -> bool:
        """Begin a line once those that must end before it have; False if the script ends."""
        ahead = self._batch.ahead if line.error is None and asks_only(line.text) else 1
        if not self._settle(ahead - 1):
            return False
        place = f"{self._name}:{line.number}"
        if line.error is not None:
            return self._note(self._batch.report(place, line.error))
        if line.note:
            self._batch.note(place, line.note)
        task = self._batch.start(place, line.text)
        self._flight.append((place, task))
        task.advance(time.monotonic())
        return self._settle(ahead - 1)

    def _catch_up(self) -> bool:
        """Before waiting for more input, finish and show the lines in flight."""
        goes_on = self._settle(0)
        self._flush()
        return goes_on

    def _settle(self, leave: int) -> bool:
        """Finish lines, oldest first, until so many are left; False if one ended the script."""
        while len(self._flight) > leave:
            if not self._note(self._batch.finish(*self._flight.popleft())):
                self._flight.clear()
                return False
        return True

    def _note(self, outcome: Outcome) -> bool:
        exit_code = self._outcome.exit_code or outcome.exit_code
        self._outcome = outcome._replace(exit_code=exit_code)
        return not (outcome.leave or self._batch.is_final(outcome))
