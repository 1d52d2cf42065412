"""The list of jobs in place of the output: what it shows of the session, and what its keys run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout.controls import UIContent, UIControl
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.render.theme import Glyphs, Line
from qmpsh.render.units import elapsed
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import HMP_PROMPTS
from qmpsh.ui.common.runner import first_word
from qmpsh.ui.screen.job_rows import job_hint, job_keys, job_rows
from qmpsh.ui.screen.jobs import JobList, ListPolicy
from qmpsh.ui.screen.panes import content

if TYPE_CHECKING:
    from prompt_toolkit.key_binding.key_bindings import NotImplementedOrNone

NOT_CONNECTED = "there is no connection to the VM"
NO_ANSWER = "no answer yet to {}; Ctrl-C detaches from it"
IN_HMP = "these keys send QMP commands: q goes back, F7 leaves HMP mode"
IN_TRANSACTION = "a transaction is open: q goes back, ) runs it, Ctrl-C abandons it"

SILENCE_SECONDS = 2.0
"""without an answer, after which the list says that it is not up to date"""


class JobView:
    """The list of jobs on the screen, open or not.

    busy: returns the command that has no answer yet and since when; "" for none
    on_toggle: called when it opens or closes, to move the focus
    """

    def __init__(self, session: Session, busy: Callable[[], str], glyphs: Glyphs) -> None:
        self.on_toggle: Callable[[], None] = _nothing
        self._session = session
        self._busy = busy
        self._glyphs = glyphs
        self._list: JobList | None = None
        self._height = 1

    @property
    def is_open(self) -> bool:
        """Whether it is shown in place of the output."""
        return self._list is not None

    @property
    def shown(self) -> JobList:
        """What it shows, brought up to date."""
        jobs = self._list or self._new_list()
        jobs.update(self._session.jobs.entries(), self._session.jobs.allowance)
        return jobs

    def open(self) -> None:
        """Show the list."""
        if self._list is None:
            self._session.jobs.open()
            self._list = self._new_list()
            self.on_toggle()

    def close(self) -> None:
        """Show the output again, and forget what has ended."""
        if self._list is not None:
            self._session.jobs.close()
            self._list = None
            self.on_toggle()

    def page(self, direction: int) -> None:
        """Select a screen further down (1) or up (-1)."""
        self.shown.move(direction * max(1, self._height - 2))

    def say(self, text: str) -> None:
        """Show what went wrong with a line while the list hides the output. text: any"""
        if self._list is not None:
            self._list.message = text.partition("\n")[0]

    def rows(self, width: int, height: int) -> list[Line]:
        """Return the header and the rows in view."""
        self._height = height
        return job_rows(self.shown, width, height, self._glyphs)

    def keys(self, width: int) -> Line:
        """Return the row of keys, or the question."""
        return job_keys(self.shown, width)

    def hint(self) -> Line:
        """Return the row below the keys."""
        busy = self._busy()
        silence = self._session.jobs.silence
        if not busy and silence >= SILENCE_SECONDS:
            busy = f"the query for jobs for {elapsed(silence)}"
        return job_hint(self.shown, busy, self._glyphs)

    def _new_list(self) -> JobList:
        settings = self._session.jobs.settings
        policy = ListPolicy(
            dict(settings.confirm), asks=not settings.yes, read_only=settings.read_only
        )
        return JobList(policy, self._refusal)

    def _refusal(self) -> str:
        """Return why no line can run now."""
        session = self._session
        if not session.machine.connected:
            return NOT_CONNECTED
        if session.running is not None:
            return NO_ANSWER.format(first_word(session.running.line))
        if session.prompt in HMP_PROMPTS:
            return IN_HMP
        return IN_TRANSACTION if session.mode.in_transaction else ""


class JobsControl(UIControl):
    """The control that draws the list and has the keys while it is open."""

    def __init__(self, view: JobView, keys: KeyBindings, advice: Advice = UNGUARDED) -> None:
        self._view = view
        self._keys = keys
        self._advice = advice

    def is_focusable(self) -> bool:
        return True

    def get_key_bindings(self) -> KeyBindings:
        return self._keys

    def create_content(self, width: int, height: int) -> UIContent:
        return content(self._advice.get("jobs", lambda: self._view.rows(width, height), list))

    def mouse_handler(self, mouse_event: MouseEvent) -> NotImplementedOrNone:
        """Select with the wheel; other events are not handled."""
        steps = {MouseEventType.SCROLL_UP: -1, MouseEventType.SCROLL_DOWN: 1}
        step = steps.get(mouse_event.event_type)
        if step is None:
            return NotImplemented
        self._view.shown.move(step)
        return None


def _nothing() -> None:
    """Do nothing until the layout exists."""
