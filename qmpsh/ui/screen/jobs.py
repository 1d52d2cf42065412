"""The list of jobs: what is selected, what a key does, and what is asked before. Pure.

It takes the place of the output, and has the keys. The selection follows the job, not the row, and
what has ended stays until the list is left. A key that would be refused does nothing but say why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qmpsh.errors import UsageError
from qmpsh.shell.jobs import (
    ACTION_KEYS,
    Allowance,
    JobAction,
    action_command,
    action_line,
    offered_actions,
    subject,
    wait_line,
    why_not,
)
from qmpsh.shell.policy import NO_YES, question_before, refuse_unless_reading
from qmpsh.shell.steps import Ask
from qmpsh.shell.work import JobEntry

NO_SELECTION = "there is no job"
NO_WAIT = "only a job under way can be waited for"

Refusal = Callable[[], str]
"""Returns why no line can run now; "" if one can."""


class ListPolicy:
    """What the settings say about the keys of the list.

    asks: whether to ask at all; confirm: commands that ask, or do not, whatever the table says
    """

    def __init__(
        self, confirm: Mapping[str, bool], *, asks: bool = True, read_only: bool = False
    ) -> None:
        self._confirm = confirm
        self._asks = asks
        self._read_only = read_only

    def refusal(self, entry: JobEntry, action: JobAction) -> str:
        """Return why an action is refused whatever the state; "" if it is not."""
        if self._read_only:
            try:
                refuse_unless_reading(action_command(entry, action))
            except UsageError as error:
                return str(error)
        return ""

    def question(self, entry: JobEntry, action: JobAction) -> Ask | None:
        """Return what to ask before an action; None for nothing."""
        if not self._asks or self._confirm.get(action.command) is False:
            return None
        if action.asks:
            return Ask(action.asks.format(subject(entry)), NO_YES)
        return question_before(action_command(entry, action), self._confirm)

    def line(self, entry: JobEntry, action: JobAction) -> str:
        """Return the line of an action; what was asked here is not asked again."""
        line = action_line(entry, action)
        again = question_before(action_command(entry, action), self._confirm)
        return f"{line} --yes" if again is not None and self._asks else line


class JobList:
    """The list of jobs. refusal: see Refusal

    entries: what it shows; question: what is asked now; message: what to say of the last key
    """

    def __init__(self, policy: ListPolicy, refusal: Refusal = str) -> None:
        self.entries: Sequence[JobEntry] = ()
        self.question: Ask | None = None
        self.message = ""
        self.allowance = Allowance()
        self._policy = policy
        self._refusal = refusal
        self._serial = -1
        self._place = 0
        self._top = 0
        self._asked: tuple[JobEntry, JobAction] | None = None

    def update(self, entries: Sequence[JobEntry], allowance: Allowance) -> None:
        """Show other entries; the same one stays selected, or the one in its place."""
        self.entries = entries
        self.allowance = allowance
        places = [place for place, entry in enumerate(entries) if entry.serial == self._serial]
        self._select(places[0] if places else self._place)
        self._check_question()

    @property
    def selected(self) -> JobEntry | None:
        """The selected entry; None where there is none."""
        return self.entries[self._place] if self.entries else None

    @property
    def place(self) -> int:
        """The place of the selected entry, from 0."""
        return self._place

    @property
    def actions(self) -> list[JobAction]:
        """What can be done with the selected entry now."""
        selected = self.selected
        return offered_actions(selected, self.allowance) if selected is not None else []

    @property
    def can_wait(self) -> bool:
        """Whether the selected entry is a job that can be waited for."""
        return self.selected is not None and bool(wait_line(self.selected))

    def move(self, step: int) -> None:
        """Select the entry so many rows below, or above; the first or last if there is none."""
        if self.question is None:
            self.message = ""
            self._select(self._place + step)

    def first_row(self, height: int) -> int:
        """Return the entry to show first on so many rows, so that the selected one is in view."""
        rows = max(1, height)
        self._top = min(self._top, max(0, len(self.entries) - rows), self._place)
        self._top = max(self._top, self._place - rows + 1)
        return self._top

    def press(self, key: str) -> str:
        """Do what the key of an action does; return the line to run, "" for none."""
        self.message = ""
        entry = self.selected
        if self.question is not None or key not in ACTION_KEYS:
            return ""
        if entry is None:
            self.message = NO_SELECTION
            return ""
        action = next((each for each in self.actions if each.key == key), None)
        if action is None:
            self.message = why_not(entry, key, self.allowance)
            return ""
        self.message = self._refusal() or self._policy.refusal(entry, action)
        if self.message:
            return ""
        self.question = self._policy.question(entry, action)
        if self.question is None:
            return self._policy.line(entry, action)
        self._asked = (entry, action)
        return ""

    def answer(self, key: str) -> str:
        """Answer the question; return the line to run, "" for none. A key that is none of the
        choices does nothing.
        """
        if self.question is None or self._asked is None or key not in dict(self.question.choices):
            return ""
        entry, action = self._asked
        self.forget_question()
        if key != "y":
            return ""
        self.message = self._refusal()
        return "" if self.message else self._policy.line(entry, action)

    def forget_question(self) -> None:
        """Take the question back."""
        self.question = self._asked = None

    def wait(self) -> str:
        """Return the line that waits for the selected job; "" with a message where it cannot."""
        entry = self.selected
        line = wait_line(entry) if entry is not None else ""
        self.message = (self._refusal() if line else NO_WAIT) if entry is not None else NO_SELECTION
        return "" if self.message else line

    def _select(self, place: int) -> None:
        self._place = max(0, min(place, len(self.entries) - 1))
        self._serial = self.entries[self._place].serial if self.entries else -1

    def _check_question(self) -> None:
        """Take the question back if what it asks for is not possible any more."""
        if self._asked is None:
            return
        asked, action = self._asked
        now = [entry for entry in self.entries if entry.serial == asked.serial]
        if now and action in offered_actions(now[0], self.allowance):
            return
        self.forget_question()
        self.message = why_not(now[0] if now else asked, action.key, self.allowance)
