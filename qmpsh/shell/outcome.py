"""What running a line yields: answers while it runs, one Outcome at its end.

A line is run as a generator of steps, so that one and the same code serves a batch that blocks and
a screen that must not: the driver owns the waiting, the steps own the order of things. No threads,
no callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from qmpsh.errors import QmpshError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.lang.syntax import Modifiers, Redirect


class Answer(NamedTuple):
    """One thing to show.

    command:  the QMP command that was answered; "" for a verb's text
    failed:   the server answered with an error (or HMP with what looks like one)
    value:    the value of `return`; None for a failure or a text
    text:     lines of text to print as they stand (HMP output, a verb's text, an error), LF ends,
              no trailing newline; None when `value` is the answer
    reply:    the whole reply for --json, with the id that the user gave; None for a verb's text
    seconds:  from sending to reply; size: bytes of the reply on the wire; 0 where nothing was sent
    modifiers, redirect: of the line, the front end obeys them
    """

    command: str
    failed: bool
    value: Json
    text: str | None
    reply: JsonObject | None
    seconds: float
    size: int
    modifiers: Modifiers
    redirect: Redirect | None


class Outcome(NamedTuple):
    """How a line ended. error: not yet shown by an Answer; leave: the shell should end."""

    exit_code: int = 0
    error: QmpshError | None = None
    leave: bool = False


class Until(NamedTuple):
    """A step's wish to wait: go on when ready() holds or the deadline has passed.

    deadline: a time of the same clock as `time.monotonic()`, None for no limit.
    """

    ready: Callable[[], bool]
    deadline: float | None = None


Steps = Generator[Until | Answer, None, Outcome]


class Task:
    """One line being run.

    steps: what it does; show: takes each answer as it comes. The driver calls advance() whenever
    the client may have news, and sleeps at most timeout() in between.
    """

    __slots__ = ("_show", "_steps", "_until", "outcome")

    def __init__(self, steps: Steps, show: Callable[[Answer], None]) -> None:
        self._steps = steps
        self._show = show
        self._until: Until | None = None
        self.outcome: Outcome | None = None

    def advance(self, now: float) -> bool:
        """Go as far as possible without waiting; True when the line has ended."""
        while self.outcome is None:
            until = self._until
            if until is not None and not until.ready():
                if until.deadline is None or now < until.deadline:
                    return False
            self._step()
        return True

    def _step(self) -> None:
        self._until = None
        try:
            wish = next(self._steps)
        except StopIteration as end:
            self.outcome = end.value
        except QmpshError as error:
            self.outcome = Outcome(error.exit_code, error)
        else:
            if isinstance(wish, Until):
                self._until = wish
            else:
                self._show(wish)

    def timeout(self, now: float) -> float | None:
        """Seconds until the deadline of what is waited for; None for no limit."""
        if self._until is None or self._until.deadline is None:
            return None
        return max(0.0, self._until.deadline - now)

    def cancel(self) -> None:
        """End the line where it stands; what it has sent stays sent."""
        self._steps.close()
        self.outcome = Outcome(130)
