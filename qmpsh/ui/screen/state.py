"""What the screen shows and what its keys act on; does not know the application.

Holds the user's choices (events pane, zoom, key sheet) and makes the one-line parts: status, hint,
title of the events pane.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prompt_toolkit.buffer import Buffer

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line, plain
from qmpsh.render.units import elapsed, number
from qmpsh.shell.machine import ConnectionState
from qmpsh.shell.preferences import MIN_EVENTS_COLUMNS
from qmpsh.shell.session.session import Session
from qmpsh.shell.steps import Ask, AskSecret
from qmpsh.shell.work import MIGRATION
from qmpsh.ui.common.hint import help_at_cursor, hint_line, tip_at
from qmpsh.ui.common.keys import KEYS, KeyBinding, key_sheet
from qmpsh.ui.common.runner import SHOW_RUNNING_SECONDS, LineRunner, first_word
from qmpsh.ui.common.style import echo_lines
from qmpsh.ui.common.wrap import cut, line_width
from qmpsh.ui.screen.entries import EntryRow, SearchMode
from qmpsh.ui.screen.events import EventPane
from qmpsh.ui.screen.job_view import JobView
from qmpsh.ui.screen.output import Echo, Output
from qmpsh.ui.screen.status import NARROW_COLUMNS, StatusFacts, status_line
from qmpsh.ui.screen.store import FixedLines, Store
from qmpsh.ui.screen.tips import TipFacts, tip
from qmpsh.ui.screen.viewport import Viewport

if TYPE_CHECKING:
    from qmpsh.system.peer import Peer


HELP_TITLE = "Help; F1 or Esc goes back"

REPLY_COLUMNS = 80
"""columns that a wide screen leaves to the replies: what QEMU's monitor prints is made for them"""

AUTO_EVENTS_COLUMNS, MAX_AUTO_EVENTS_COLUMNS = 24, 60
"""of an events pane whose width was not set: the usual, and the most on a wide screen"""
RULE_COLUMNS = 2

WIDE_COLUMNS = REPLY_COLUMNS + RULE_COLUMNS + AUTO_EVENTS_COLUMNS
"""columns from which on the events pane is there without events"""

MAX_QUEUED_ROWS = 3
"""most waiting lines shown"""

LEAVES = "; Ctrl-D leaves"
RECONNECTING_TIP = "the VM is gone; waiting for it to come back; Ctrl-D leaves"
DISCONNECTED_TIPS = {
    ConnectionState.WAITING: RECONNECTING_TIP,
    ConnectionState.CONNECTING: RECONNECTING_TIP,
    ConnectionState.IDLE: ".reconnect connects again; Ctrl-D leaves",
    ConnectionState.ENDED: "the VM has ended; Ctrl-D leaves",
    ConnectionState.DISCONNECTED: (
        "the monitor is free for others; .reconnect connects again; Ctrl-D leaves"
    ),
}
"""tips while there is no connection"""


class ScreenState:
    """The state of the screen.

    keeps_events: the user has opened the events pane, though there may be no events
    elapsed: how long the running line has been running, in seconds; called for each frame
    columns: of the terminal, called for each frame
    """

    def __init__(
        self,
        session: Session,
        output: Output,
        events: EventPane,
        *,
        columns: Callable[[], int],
        elapsed: Callable[[], float],
    ) -> None:
        self.session = session
        self.output = output
        self.events = events
        self.glyphs = output.glyphs
        self.keys: tuple[KeyBinding, ...] = KEYS
        self.mode: Callable[[], str] = str
        self.message = ""
        self.is_zoomed = False
        self.keeps_events = False
        self.is_paging = False
        self.entry_row = EntryRow()
        self.search: SearchMode | None = None
        self.key_sheet: Viewport | None = None
        self.jobs = JobView(session, lambda: self._busy_for, output.glyphs)
        self.columns = columns
        self._elapsed = elapsed
        self._hint: tuple[tuple[str, str, int], Line] | None = None
        self._status: tuple[tuple[StatusFacts, int], Line] | None = None

    # ------------------------------------------------------------------ what is where

    @property
    def question(self) -> Ask | None:
        """The question waiting for a key."""
        running = self.session.running
        return running.task.asking if running else None

    @property
    def events_shown(self) -> bool:
        """Whether the events pane is shown. One without events takes no room from the replies,
        unless there is enough for both or the user has opened it.
        """
        if self.is_zoomed:
            return True
        wanted = self.session.preferences.values.events and self.session.machine.has_events
        if not wanted or self.is_narrow or self.jobs.is_open:
            return False
        return self.columns() >= WIDE_COLUMNS or self.events.total > 0 or self.keeps_events

    @property
    def is_narrow(self) -> bool:
        """Whether the screen is too narrow for events beside the output."""
        return self.columns() < NARROW_COLUMNS

    @property
    def main_view(self) -> Viewport:
        """The viewport of the left pane, which the paging keys move."""
        return self.key_sheet or self.output.view

    @property
    def events_width(self) -> int:
        """Columns of the events pane beside the output: as preferred, else three eighths of a wide
        screen, which leave the replies their 80 columns, up to 60; 24 of another.
        """
        wanted = self.session.preferences.values.events_width
        if wanted:
            return min(wanted, max(MIN_EVENTS_COLUMNS, self.columns() - 24))
        if self.columns() < WIDE_COLUMNS:
            return AUTO_EVENTS_COLUMNS
        left = self.columns() - REPLY_COLUMNS - RULE_COLUMNS
        return min(MAX_AUTO_EVENTS_COLUMNS, left, self.columns() * 3 // 8)

    def toggle_sheet(self) -> None:
        """Show the key sheet instead of the output, or the output again."""
        if self.key_sheet is None:
            self._cover(key_sheet(self.keys))
        else:
            self.key_sheet = None

    def show_help(self, buffer: Buffer) -> bool:
        """Show the help on what the cursor is on in the place of the key sheet, if there is any."""
        width = self.output.view.width
        lines = help_at_cursor(self.session, buffer.text, buffer.cursor_position, width)
        if lines:
            self._cover([[("dim", HELP_TITLE)], *lines])
        return bool(lines)

    def _cover(self, lines: list[Line]) -> None:
        """Show lines instead of the output, from the first one on."""
        self.is_zoomed = False
        store = Store(10_000, "lines")
        store.append(FixedLines(lines))
        self.key_sheet = Viewport(store)
        more = self.glyphs.more
        self.key_sheet.foot = lambda lines: [("dim", f"{more} {lines} more: PageDown")]
        self.key_sheet.to_start()

    def open_jobs(self) -> None:
        """Show the list of jobs instead of the output."""
        self.key_sheet, self.is_zoomed = None, False
        self.jobs.open()

    def forget_hint(self) -> None:
        """Forget the cached hint, since what is known of the machine has changed."""
        self._hint = None

    # ------------------------------------------------------------------ lines of their own

    def status(self, runner: LineRunner[Echo], width: int) -> Line:
        """Return the status line."""
        machine = self.session.machine
        facts = StatusFacts(
            name=machine.name,
            state=machine.state,
            status=machine.status,
            outlook=machine.connection.outlook,
            server=machine.server,
            version=machine.version,
            address=machine.address,
            works=tuple(self.session.works),
            running=self._busy_with,
            seconds=self._elapsed(),
            waiting=len(runner.waiting),
            position=self.output.view.position,
            unseen=self.output.view.unseen,
            events=self.events.total if machine.has_events else None,
            last="" if self.events_shown else self.events.last_name,
            is_replay=machine.is_replay,
            read_only=self.session.read_only,
            through=_through(self.session.client.holder),
            sharing=self.session.share.count,
        )
        if self._status is None or self._status[0] != (facts, width):  # most keys change nothing
            self._status = (facts, width), status_line(facts, width, self.glyphs)
        return self._status[1]

    def hint(self, buffer: Buffer) -> Line:
        """Return the row below the prompt, preceded by vi's mode unless it inserts letters."""
        mode = "" if self.question or self.jobs.is_open else self.mode()
        line = self._hint_line(buffer)
        return [("hint.current", mode), ("hint", "  "), *line] if mode else line

    def _hint_line(self, buffer: Buffer) -> Line:
        text, cursor = buffer.text, buffer.cursor_position
        if isinstance(self.question, AskSecret):
            return [("hint", "what you type is not shown; Enter accepts, Esc cancels")]
        if self.question is not None:
            return [("hint", f"Enter: {self.question.choices[0][1]}; Esc cancels")]
        if self.jobs.is_open and (self.session.machine.connected or self.jobs.shown.message):
            return self.jobs.hint()
        if not self.session.machine.connected:
            tip = DISCONNECTED_TIPS[self.session.machine.connection]
            return [("hint", tip.removesuffix(LEAVES) if self.jobs.is_open else tip)]
        if not text or self.message:
            return [("hint", self.message or self._tip())]
        key = (self.session.prompt, text, cursor)
        if self._hint is None or self._hint[0] != key:
            self._hint = (key, hint_line(self.session, text, cursor))
        return self._hint[1]

    @property
    def _busy_with(self) -> str:
        """The command that has been running for a moment; "" if none."""
        running = self.session.running
        if running is None or running.task.asking is not None:
            return ""
        return first_word(running.line) if self._elapsed() >= SHOW_RUNNING_SECONDS else ""

    @property
    def _busy_for(self) -> str:
        """The same, and for how long it has been running."""
        name = self._busy_with
        return f"{name} for {elapsed(self._elapsed())}" if name else ""

    def _tip(self) -> str:
        view, works = self.output.view, self.session.works
        is_back = not view.is_following or view.focus is not None
        target = self.output.aim.target if is_back else None
        facts = TipFacts(
            busy=self._busy_with,
            target=target.name if target is not None else "",
            is_folded=target is not None and target.folded,
            happened=self.output.happened,
            works=len(works),
            migrating=any(work.label == MIGRATION for work in works),
            usual=tip_at(self.session.prompt),
        )
        return tip(facts)

    def queue(self, runner: LineRunner[Echo], width: int) -> list[Line]:
        """Return the waiting lines, once the running one has taken a moment."""
        if not runner.waiting or not self._busy_with:
            return []
        prompt = self.session.prompt
        typed = list(runner.waiting)[:MAX_QUEUED_ROWS]
        rows = [
            cut(_quiet(prompt, runner.expanded(line.text)), width, self.glyphs.more)
            for line in typed
        ]
        left_out = len(runner.waiting) - len(typed)
        if left_out:
            rows.append([("dim", f"{self.glyphs.more} {number(left_out)} more")])
        drops = "it" if len(runner.waiting) == 1 else "them"
        behind = f"queued after {visible_word(self._busy_with)}"
        for right in (f"{behind}; Ctrl-C drops {drops}", behind, "queued"):
            gap = width - line_width(rows[0]) - text_columns(right)
            if gap >= 2:
                rows[0] = [*rows[0], ("dim", f"{' ' * gap}{right}")]
                break
        return rows

    def title(self, width: int) -> Line:
        """Return the first row of the events pane."""
        line: Line = [("dim", "events")]
        if self.events.total:
            line.append(("dim", f" {number(self.events.total)}"))
        if self.events.filter.patterns:
            line.append(("warning", f"  only {visible_word(self.events.filter.text())}"))
        unseen = self.events.view.unseen
        if unseen:
            line.append(("warning", f"  {number(unseen)} new {self.glyphs.down}"))
        return cut(line, width, self.glyphs.more)


def _quiet(prompt: str, line: str) -> Line:
    """Return the first row of a line as it will be echoed, but dim."""
    return [("dim", plain(echo_lines(prompt, line)[0]))]


@cache
def _through(holder: Peer | None) -> str:
    """Return the qmpsh that holds the monitor and shares it with us, "" for none."""
    if holder is None:
        return ""
    # Imported here: few shells go through another one.
    from qmpsh.client.sharing import holder_text

    return holder_text(holder)
