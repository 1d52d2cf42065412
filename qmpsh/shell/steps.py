"""What running a line yields: answers while it runs, one Outcome at its end.

A line is run as a generator of steps, so that one and the same code serves a batch that blocks and
a screen that must not: the driver owns the waiting, the steps own the order of things. No threads,
no callbacks.
"""

from __future__ import annotations

import time

from qmpsh.errors import INTERRUPTED, QmpshError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import Modifiers, Redirect
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import TypeAlias

    from qmpsh.display.screen import Screen
    from qmpsh.schema.tools.report import SchemaReport
    from qmpsh.shell.overview.rows import OverviewRow
    from qmpsh.shell.plots.series import Plot
    from qmpsh.shell.trees.node import TreeNode
    from qmpsh.shell.work import Work

    Rows: TypeAlias = "tuple[OverviewRow, ...] | tuple[TreeNode, ...] | tuple[SchemaReport]"


class Answer(NamedTuple):
    """An answer to show.

    command:  the QMP command that was answered; "" for a verb's text
    failed:   the server answered with an error (or HMP with what looks like one)
    value:    the value of `return`; None for a failure or a text
    text:     lines of text to print unchanged (HMP output, a verb's text, an error), LF ends,
              no trailing newline, not yet made safe for a terminal; None when `value` is the answer
    reply:    the whole reply for --json, with the id that the user gave; None for a verb's text
              that has no such form
    seconds:  from sending to reply; size: bytes of the reply on the wire; 0 where nothing was sent
    modifiers, redirect: of the line, the front end obeys them
    one_line: one of many, JSON on a line of its own whatever the layout
    data:     bytes that a guest wrote, as they are, of which `text` is what a screen shows; None
              where the answer is none of a guest's
    aside:    the guest's command wrote it to its standard error
    error:    what a failure's text was made of; None for one from the server
    screen:   of the VM, to be drawn in the place of `text`
    plot:     to be drawn in place of the plot of the line's last answer; `text` is its newest
              sample, for a program
    rows:     the rows of an overview or the nodes of a tree, to be laid out for the width of the
              screen; `text` is the same, with nothing left out
    """

    command: str
    failed: bool = False
    value: Json = None
    text: str | None = None
    reply: JsonObject | None = None
    seconds: float = 0.0
    size: int = 0
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None
    one_line: bool = False
    data: bytes | None = None
    aside: bool = False
    error: QmpshError | None = None
    screen: Screen | None = None
    plot: Plot | None = None
    rows: Rows = ()


class Note(NamedTuple):
    """A remark of the shell, not an answer: dim on a screen, on stderr otherwise.

    bare: a word for programs that read along; nothing precedes it on its line
    """

    text: str
    bare: bool = False


class WaitingNote(Note):
    """A remark on a wait that goes on; of no use to those who no longer wait."""

    __slots__ = ()


class Outcome(NamedTuple):
    """The end of a line. error: not yet shown by an Answer; leave: the shell should end."""

    exit_code: int = 0
    error: QmpshError | None = None
    leave: bool = False


class WaitFor(NamedTuple):
    """A step's request to wait: go on when ready() holds or the deadline has passed.

    ready: holds once the connection has ended, too; else nothing would ever wake the step.
    deadline: a time of the same clock as `time.monotonic()`, None for no limit.
    works: gives what the VM works on meanwhile, for a front end that can show it
    endless: only the user ends it: Ctrl-C ends the line instead of letting go of it; the loss of
             stdout's reader ends it at once
    stops: detaching from the line ends it here, since nothing is left to be answered.
    shares: it may take long, and another qmpsh may use the monitor meanwhile
    left: says what goes on where the line is given up here, and how to end that; "" for nothing
    for_reply: the server has a command, and is to answer it at once or when it is done
    """

    ready: Callable[[], bool]
    deadline: float | None = None
    works: Callable[[], Sequence[Work]] | None = None
    endless: bool = False
    stops: bool = False
    left: Callable[[], str] = str
    for_reply: bool = False
    shares: bool = False

    @property
    def takes_long(self) -> bool:
        """Whether a front end should show progress or let others in meanwhile."""
        return bool(self.works) or self.endless or self.shares


class Ask(NamedTuple):
    """A question that only a person can answer; the step is resumed with the chosen key.

    choices: (key, label) pairs, the first is what Enter means. Only an interactive front end is
    ever asked.
    """

    question: str
    choices: tuple[tuple[str, str], ...]


class AskSecret(Ask):
    """A question whose answer is typed and not shown: the step is resumed with what was typed.

    choices: (); unlike the other questions it is asked wherever there is a terminal.
    """

    __slots__ = ()


Wish = WaitFor | Answer | Note | Ask
Steps: TypeAlias = "Generator[Wish, str, Outcome]"
Show: TypeAlias = "Callable[[Answer | Note], None]"


def adapted(steps: Steps, adapt: Callable[[Wish], Generator[Wish, str, str | None]]) -> Steps:
    """Run the steps, each wish passed through `adapt`: it yields what the driver sees instead, and
    returns the choice to continue with.
    """
    choice: str | None = None
    try:
        while True:
            try:
                wish = next(steps) if choice is None else steps.send(choice)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            choice = yield from adapt(wish)
    finally:
        steps.close()


def drive(
    task: Task, ask: Callable[[Ask], str], wait: Callable[[WaitFor, float | None], object]
) -> None:
    """Drive a line to its end, for a front end that may block.

    ask: returns the answer to a question
    wait: lets the client work for at most so many seconds, None for no limit
    """
    while not task.advance(time.monotonic()):
        if task.asking is not None:
            task.reply(ask(task.asking))
        elif task.until is not None:
            wait(task.until, task.timeout(time.monotonic()))


class Task:
    """A line being run.

    steps: what it does; show: takes each answer as it comes. The driver calls advance() whenever
    the client may have news, and sleeps at most timeout() in between.
    """

    __slots__ = ("_choice", "_show", "_steps", "asking", "outcome", "until")

    def __init__(self, steps: Steps, show: Show) -> None:
        self._steps = steps
        self._show = show
        self.until: WaitFor | None = None
        self._choice: str | None = None
        self.asking: Ask | None = None
        self.outcome: Outcome | None = None

    def advance(self, now: float) -> bool:
        """Go as far as possible without waiting; True when the line has ended."""
        while self.outcome is None and not self._must_wait(now):
            self._step()
        return self.outcome is not None

    def reply(self, key: str) -> None:
        """Answer the question in `asking`; the next advance() goes on."""
        self.asking = None
        self._choice = key

    def timeout(self, now: float) -> float | None:
        """Return the seconds until the deadline of the present wait; None for no limit."""
        if self.until is None or self.until.deadline is None:
            return None
        return max(0.0, self.until.deadline - now)

    @property
    def stops(self) -> bool:
        """Whether letting go of the line ends it, rather than leaving it to its end."""
        until = self.until
        return self.asking is not None or (until is not None and (until.stops or until.endless))

    def interrupt(self) -> None:
        """End the line now, and say how far it has come."""
        left = self.until.left() if self.until is not None else ""
        self.cancel()
        if left:
            self._show(Note(left))

    def cancel(self) -> None:
        """End the line now; what it has sent stays sent."""
        self._steps.close()
        self.asking = None
        self.outcome = Outcome(INTERRUPTED)

    def _must_wait(self, now: float) -> bool:
        if self.asking is not None:
            return True
        until = self.until
        if until is None or until.ready():
            return False
        return until.deadline is None or now < until.deadline

    def _step(self) -> None:
        until, self.until = self.until, None
        choice, self._choice = self._choice, None
        try:
            wish = next(self._steps) if choice is None else self._steps.send(choice)
        except StopIteration as end:
            self.outcome = end.value
        except QmpshError as error:
            self.outcome = Outcome(error.exit_code, error)
        except BaseException:
            # A fault of ours, or an interrupt: the driver must not go on with it, but may say what
            # the line leaves running.
            self.until = until
            self.outcome = Outcome(1)
            raise
        else:
            match wish:
                case WaitFor():
                    self.until = wish
                case Ask():
                    self.asking = wish
                case _:
                    self._show(wish)
