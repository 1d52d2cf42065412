"""Shows what the session reports and what lines produce, as far as both front ends agree.

The full screen puts it into panes (`ui.screen.output`), the line prompt prints it
(`ui.line.printer`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from qmpsh.advice import Advice
from qmpsh.errors import QmpshError
from qmpsh.language.syntax import prints_reply
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.render.answers import AnswerBody, BodyKind, answer_body, bare_body, text_body
from qmpsh.render.formats import compact
from qmpsh.render.theme import Glyphs
from qmpsh.shell.events import is_named
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.steps import Answer, Note
from qmpsh.ui.common.runner import ReplyHeading

if TYPE_CHECKING:
    from qmpsh.shell.steps import Rows

Key = TypeVar("Key")

STRAY_REPLY = "a reply that belongs to no command:"

TONES = {Tone.QUIET: BodyKind.DIM, Tone.ALARMING: BodyKind.WARNING, Tone.PRINTED: BodyKind.PRINTED}


def do_nothing() -> None:
    """Do nothing, until a front end has put its own callback in place of this."""


class Reporter(ABC, Generic[Key]):
    """The output of a front end: a `SessionListener`, and a `Presenter` for the runner.

    on_machine_change: called when more is known of the machine
    on_values:         called when values came that a completion lacked
    deliver:           takes an answer with a redirect; None if redirects are not supported
    machine:           set once there is a session; its shutdown reason says how the VM ended
    """

    def __init__(self, glyphs: Glyphs, advice: Advice) -> None:
        self.on_machine_change: Callable[[], None] = do_nothing
        self.on_values: Callable[[], None] = do_nothing
        self.deliver: Callable[[Answer], None] | None = None
        self.machine: Machine | None = None
        self.glyphs = glyphs
        self.advice = advice

    # ------------------------------------------------------------------ what a front end does

    @abstractmethod
    def columns(self) -> int:
        """Return the columns that a text may take."""

    @abstractmethod
    def _rows(self) -> int:
        """Return the rows that a picture may take."""

    @abstractmethod
    def note(self, text: str, kind: BodyKind = BodyKind.DIM) -> None:
        """Show a remark. text: any."""

    @abstractmethod
    def reply(self, body: AnswerBody, size_on_wire: int = 0) -> None:
        """Show the text of an answer, and keep it for the keys."""

    def draw(self, key: Key, answer: Answer, body: AnswerBody) -> None:
        """Show a drawing, in the place of the line's last one where that can be drawn over."""
        self.reply(body, answer.size)

    @abstractmethod
    def _show_event(self, event: Event) -> None:
        """Show an event."""

    @abstractmethod
    def _show_error(self, error: QmpshError) -> None:
        """Show an error."""

    @abstractmethod
    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """Show only events whose names match one of the patterns; all of them without one."""

    def open_jobs(self) -> bool:
        """Show the list of jobs with its keys; return False where there is no such list."""
        return False

    @abstractmethod
    def begin(self, prompt: str, line: str) -> Key:
        """Show a line that starts; return what identifies it."""

    def _head(self, key: Key, text: str) -> None:
        """Show which line the next answer belongs to."""
        self.note(text)

    def _stamp(self, key: Key, answer: Answer) -> None:
        """Show an answer's time and size, where there is room for them."""

    def _changed(self) -> None:
        """Draw soon: something was shown."""

    # ------------------------------------------------------------------ called by the session

    def event(self, event: Event) -> None:
        """Show an event, or its name alone if that fails."""
        name = partial(self.note, f"event {event.name}")
        self.advice.get("events", partial(self._show_event, event), name)
        self._changed()

    def stray(self, reply: Reply | ErrorReply) -> None:
        """Show a reply that belongs to no command."""
        self.note(STRAY_REPLY)
        self.reply(text_body(compact(reply.raw), BodyKind.JSON), reply.size)
        self._changed()

    def refresh(self) -> None:
        """Draw again what depends on the machine."""
        self.on_machine_change()
        self._changed()

    def facts(self) -> None:
        """Complete again, with the values that came."""
        self.on_values()
        self._changed()

    def connection_lost(self, error: QmpshError) -> None:
        """Show how the connection ended."""
        if self.machine is not None:
            self.note(farewell(self.machine, error), BodyKind.WARNING)
        self._changed()

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """Show something that no line asked for. text: any."""
        self.note(text, TONES[tone])
        self._changed()

    # ------------------------------------------------------------------ called by the runner

    def show(self, key: Key, item: Answer | Note) -> None:
        """Show what a line produces."""
        if isinstance(item, ReplyHeading):
            self._head(key, item.text)
        elif isinstance(item, Note):
            self.note(item.text)
        else:
            drawn = self._drawn(item)
            if drawn is not None:
                self.draw(key, item, drawn)
                self._changed()
                return
            self._stamp(key, item)
            if item.redirect is None or item.failed or self.deliver is None:
                self.reply(self._body(item), item.size)
            else:
                self.deliver(item)
        self._changed()

    def error(self, error: QmpshError) -> None:
        """Show an error that no answer has reported."""
        self._show_error(error)
        self._changed()

    def _drawn(self, item: Answer) -> AnswerBody | None:
        """Return the drawing of an answer; None for one that is shown otherwise."""
        if item.redirect is not None or prints_reply(item.modifiers.formats):
            return None
        plot, screen = item.plot, item.screen
        # Imported here, as below: few lines are drawn.
        if plot is not None:
            from qmpsh.render.plots import plot_body

            return self.advice.get("layout", lambda: plot_body(plot, self.glyphs), lambda: None)
        if screen is not None:
            from qmpsh.render.screens import screen_body

            size = self.columns(), self._rows()
            return self.advice.get(
                "layout",
                lambda: screen_body(screen, item.text or "", *size, self.glyphs),
                lambda: None,
            )
        return None

    def _body(self, item: Answer) -> AnswerBody:
        return self.advice.get(
            "layout",
            lambda: answer_body(item, more=self.glyphs.more, layout=self._laid_out),
            lambda: bare_body(item),
        )

    def _laid_out(self, rows: Rows) -> AnswerBody:
        # Imported here: rows are not the rule.
        from qmpsh.render.layouts import row_body

        return row_body(rows, self.columns(), self.glyphs)


def farewell(machine: Machine, error: QmpshError) -> str:
    """Return how the connection ended, in one line with text from the VM: not yet safe to show."""
    if machine.shutdown_reason:
        return f"{machine.shutdown_reason}: the VM has ended. {machine.connection_hint}"
    return f"connection lost: {error}. {machine.connection_hint}"


_MAX_KNOWN_NAMES = 1000
"""names whose answer is remembered: QEMU has some sixty, and what sends more makes them up"""


class EventFilter:
    """The filter of the events pane.

    patterns: like `BLOCK_*` or `stop`, case-insensitive; without any, all events are shown.
    """

    def __init__(self, patterns: tuple[str, ...] = ()) -> None:
        self.patterns = patterns
        self._known: dict[str, bool] = {}

    def matches(self, name: str) -> bool:
        """Whether events of this name are shown; each name is matched once."""
        if not self.patterns:
            return True
        shown = self._known.get(name)
        if shown is None:
            if len(self._known) >= _MAX_KNOWN_NAMES:
                self._known.clear()
            shown = self._known[name] = is_named(name, self.patterns)
        return shown

    def text(self) -> str:
        """Return the patterns as typed; not yet safe to show."""
        return " ".join(self.patterns)
