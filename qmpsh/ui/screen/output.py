"""The content of the output pane: commands, their answers, and the shell's remarks.

`Output` builds blocks and puts them into a store; it knows neither the session nor the application.
`ScreenReporter` puts into the panes what the session reports, and the results of each line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qmpsh.advice import UNGUARDED, Advice, nothing
from qmpsh.errors import QmpshError
from qmpsh.patterns import LatePattern
from qmpsh.protocol.messages import Event
from qmpsh.render.answers import AnswerBody, BodyKind, cost, error_body, text_body
from qmpsh.render.formats import pretty
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.render.units import number, size
from qmpsh.shell.session.session import Session
from qmpsh.shell.steps import Answer, Note
from qmpsh.ui.common.banner import Banner
from qmpsh.ui.common.reporter import Reporter, do_nothing
from qmpsh.ui.common.runner import first_word
from qmpsh.ui.common.style import bare_echo_lines
from qmpsh.ui.screen.events import EventBlock, EventPane
from qmpsh.ui.screen.replies import (
    Aim,
    DrawingBlock,
    ReplyBlock,
    folded_head,
    rows_below_heading,
    short_replies,
)
from qmpsh.ui.screen.store import (
    BannerBlock,
    Block,
    FixedLines,
    Fold,
    Foldable,
    Heading,
    MarkedLine,
    OverviewBlock,
    Store,
)
from qmpsh.ui.screen.tips import Happened
from qmpsh.ui.screen.viewport import Viewport

MAX_OUTPUT_LINES = 200_000
"""lines kept, folded ones included"""

LOST = ("disconnected", "the VM ended")
BACK = ("connected", "the VM is back")
"""what the events pane says of the connection, by whether the VM has ended"""

MAX_TRANSCRIPT_LINES = 1000
"""lines printed to the normal screen when the shell ends"""

Highlight = Callable[[str, str], list[Line]]
"""Returns a line's physical lines styled, given prompt and line; the first includes the prompt."""


class Echo:
    """A command line in the output, with the answers that belong to it.

    shown: its first row, which begins with the prompt
    drawing: what the next drawing of the line replaces, None for nothing
    """

    __slots__ = ("_prompt", "_shown", "answered", "block", "drawing")

    def __init__(self, prompt: str, shown: Line, block: FixedLines) -> None:
        self._prompt = prompt
        self._shown = shown
        self.block = block
        self.answered = False
        self.drawing: DrawingBlock | None = None

    @property
    def line(self) -> str:
        """Its first row as shown, without the prompt: the typed one may contain a secret."""
        return plain(self._shown).removeprefix(self._prompt)


class Output:
    """The output pane's blocks. highlight: styles a line as it was while typed."""

    def __init__(
        self,
        glyphs: Glyphs,
        highlight: Highlight,
        limit: int = MAX_OUTPUT_LINES,
        advice: Advice = UNGUARDED,
    ) -> None:
        self.advice = advice
        self.store = Store(limit, "lines", advice=advice)
        self.view = Viewport(self.store)
        self.aim = Aim(self.view)
        self.view.on_draw = self._before_drawing
        self._size = (0, 0)
        self._named: Echo | str = ""
        self.happened = Happened.NOTHING
        self.glyphs = glyphs
        self._highlight = highlight

    def echo(self, prompt: str, line: str) -> Echo:
        """Add a command line as typed; what follows belongs to it."""
        shown = self.advice.get(
            "colours",
            lambda: self._highlight(prompt, line),
            lambda: bare_echo_lines(prompt, line),
        )
        block = Heading(self._spaced(shown))
        self.store.append(block)
        self._named = Echo(prompt, shown[0], block)
        self.happened = Happened.NOTHING
        return self._named

    def add_heading(self, echo: Echo, text: str) -> None:
        """Add a heading for answers to a line not right above. text: says whose they are."""
        echo.block = Heading(self._spaced([[("dim", visible_word(text))]]))
        self._named = echo
        echo.answered = False
        echo.drawing = None
        self.store.append(echo.block)

    def show_cost(self, echo: Echo, answer: Answer) -> None:
        """Show an answer's time and size: beside its line, or on a separate line further down."""
        right: Line = [("dim", cost(answer))] if cost(answer) else []
        if not echo.answered:
            echo.block.set_right_end(right)
        else:
            # The line already had an answer: say what this one belongs to.
            name = answer.command or echo.line
            title: Line = [("dim", visible_word(name))]
            self._named = name
            self.store.append(Heading(self._spaced([title]), right))
        echo.answered = True

    def reply(self, body: AnswerBody, size_on_wire: int = 0) -> None:
        """Add the text of an answer, folded if much longer than the screen."""
        if body.lines:
            named = self._named
            name = first_word(named if isinstance(named, str) else named.line)
            self.aim.last = ReplyBlock(body, self._fold(body, size_on_wire), name)
            self.store.append(self.aim.last)
            if body.kind is BodyKind.ERROR:
                self.happened = Happened.ERROR
            elif self.aim.last.folded:
                self.happened = Happened.FOLD

    def draw(self, echo: Echo, body: AnswerBody) -> None:
        """Show a drawing in the place of the last one of its line, or add the first."""
        if echo.drawing is not None and self.store.index_of(echo.drawing) >= 0:
            echo.drawing.redraw(body)
            self.store.renumber(echo.drawing)
            return

        def rows() -> int:
            return rows_below_heading(self.view.height)

        echo.drawing = self.aim.last = DrawingBlock(body, first_word(echo.line), rows)
        self.store.append(echo.drawing)

    def event(self, block: EventBlock) -> None:
        """Add a whole event as the server sent it."""
        self._named = block.event.name
        self.store.append(Heading(self._spaced([[("dim", "event "), *block.head()]])))
        self.reply(AnswerBody(pretty(block.event.raw).split("\n"), BodyKind.JSON))

    def note(self, text: str, kind: BodyKind = BodyKind.DIM) -> None:
        """Add a remark by the shell. text: any."""
        self._add(text_body(text, kind))

    def error(self, error: QmpshError) -> None:
        """Add an error."""
        body = error_body(error)
        if body.kind is BodyKind.MARKED:
            self.store.append(MarkedLine(body))
        else:
            self._add(body)

    def _add(self, body: AnswerBody) -> None:
        if body.lines:
            self.store.append(Foldable(body))

    def _spaced(self, lines: list[Line]) -> list[Line]:
        """Return the lines with a blank line before them, unless they are the first."""
        return [[], *lines] if self.store.blocks else lines

    def _before_drawing(self) -> None:
        size = (self.view.width, self.view.height)
        if size != self._size:
            self._size = size
            self._open_short()
        self.aim.show()

    def _open_short(self) -> None:
        """Open the folds that hide little since the window has grown."""
        view = self.view
        was_following = view.is_following
        for reply in short_replies(self.store, view.width, view.height):
            view.toggle(reply)
            reply.fold = None
        if was_following:
            view.to_tail()

    def _fold(self, body: AnswerBody, size_on_wire: int) -> Fold | None:
        head = folded_head(body, self.view.width, self.view.height)
        if head is None:
            return None
        hidden = len(body.lines) - head
        # A single line may by itself be longer than the screen.
        what = f"{self.glyphs.more} {number(hidden)} more lines" if hidden else "a long line"
        if size_on_wire:
            what += f", {size(size_on_wire)}"
        between = f" {self.glyphs.dot} "
        words = [what, "F4 unfolds", "F5 pager"]
        notices = tuple([("dim", between.join(words[:count]))] for count in (3, 2, 1))
        return Fold(head, rows_below_heading(self.view.height) - 1, notices)


def transcript(store: Store, width: int, limit: int = MAX_TRANSCRIPT_LINES) -> list[Line]:
    """Return the last lines of a store, unwrapped, for the normal screen."""
    lines: list[Line] = []
    for block in reversed(store.blocks):
        for index in reversed(range(block.count)):
            lines.append(store.advice.get("transcript", partial(_line, block, index, width), list))
            if len(lines) >= limit:
                return lines[::-1]
    return lines[::-1]


_HOW_TO_LEAVE = LatePattern(r"(\.?)[; ]+Ctrl-D leaves\.$")


def _after_leaving(line: Line) -> Line:
    """Return a line without its invitation to leave: there, Ctrl-D ends the user's shell.

    A reply, which is styled as JSON or not at all, keeps its words.
    """
    if not line or not line[-1][0] or line[-1][0].startswith("json."):
        return line
    role, text = line[-1]
    return [*line[:-1], (role, _HOW_TO_LEAVE.sub(".", text))]


def _line(block: Block, index: int, width: int) -> Line:
    return _beside(_after_leaving(block.unwrapped(index, width)), block.right(index), width)


def _beside(left: Line, right: Line, width: int) -> Line:
    if not right:
        return left
    used = sum(len(text) for _, text in left + right)
    return [*left, ("", " " * max(2, width - used)), *right]


def _ignore(text: str) -> None:
    """Do nothing until there is a list of jobs."""


class ScreenReporter(Reporter[Echo]):
    """The output of the full screen.

    on_change:    called after each piece of news
    on_open_jobs: opens the list of jobs
    on_failure:   called with the text of an error that a line ended with
    """

    def __init__(self, output: Output, events: EventPane) -> None:
        super().__init__(output.glyphs, output.advice)
        self.on_change: Callable[[], None] = do_nothing
        self.on_open_jobs: Callable[[], None] = do_nothing
        self.on_failure: Callable[[str], None] = _ignore
        self._output = output
        self._events = events
        self._banner: BannerBlock | None = None
        self._is_lost = self._has_ended = False
        self._overview: OverviewBlock | None = None
        self._shown: tuple[int, bool] | None = None
        self._session: Session | None = None

    def greet(self, session: Session) -> None:
        """Show the banner of a new session, and with it what becomes known of the machine."""
        self._session = session
        session.preferences.subscribe(lambda name: self._update_overview())
        self.advice.get("banner", partial(self._show_banner, session), nothing)

    def _show_banner(self, session: Session) -> None:
        self._banner = BannerBlock(Banner(session.machine, session.catalog, self.glyphs))
        self._output.store.append(self._banner)

    def columns(self) -> int:
        return self._output.view.width

    def _rows(self) -> int:
        return rows_below_heading(self._output.view.height)

    def note(self, text: str, kind: BodyKind = BodyKind.DIM) -> None:
        self._output.note(text, kind)

    def reply(self, body: AnswerBody, size_on_wire: int = 0) -> None:
        self._output.reply(body, size_on_wire)

    def draw(self, key: Echo, answer: Answer, body: AnswerBody) -> None:
        if key.drawing is None:
            self._stamp(key, answer)
        self._output.draw(key, body)

    def _show_event(self, event: Event) -> None:
        self._events.add(event)

    def _show_error(self, error: QmpshError) -> None:
        self._output.error(error)

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        self._events.set_filter(patterns)
        self._changed()

    def open_jobs(self) -> bool:
        self.on_open_jobs()
        return True

    def show(self, key: Echo, item: Answer | Note) -> None:
        super().show(key, item)
        if isinstance(item, Answer) and item.failed:
            self.on_failure(item.text or "")

    def error(self, error: QmpshError) -> None:
        super().error(error)
        self._output.happened = Happened.ERROR
        self.on_failure(str(error))

    def begin(self, prompt: str, line: str) -> Echo:
        self._output.view.to_tail()
        return self._output.echo(prompt, line)

    def _head(self, key: Echo, text: str) -> None:
        self._output.add_heading(key, text)

    def _stamp(self, key: Echo, answer: Answer) -> None:
        self.advice.get("time and size", lambda: self._output.show_cost(key, answer), nothing)

    def _changed(self) -> None:
        self.on_change()

    def refresh(self) -> None:
        if self._banner is not None:
            self.advice.get("banner", self._banner.update, nothing)
        self._update_overview()
        if self._is_lost and self.machine is not None and self.machine.connected:
            self._is_lost = False
            self._events.mark(BACK[self._has_ended])
        super().refresh()

    def _update_overview(self) -> None:
        if self._session is not None:
            self.advice.get("overview", partial(self._show_overview, self._session), nothing)

    def _show_overview(self, session: Session) -> None:
        if session.overview is None:
            return
        shown = (session.overview.changes, session.preferences.values.overview)
        if shown == self._shown:
            return
        self._shown = shown
        store = self._output.store
        if self._overview is None:
            lines = partial(self._overview_lines, session)
            self._overview = OverviewBlock(lines, self._rows_below_banner)
            self._overview.update()
            store.append(self._overview)
        elif self._overview.update():
            store.recount()

    def _overview_lines(self, session: Session, width: int | None, most: int | None) -> list[Line]:
        if session.overview is None or not session.preferences.values.overview:
            return []
        # Imported here: the prompt is there before any of it.
        from qmpsh.ui.common.overview import first_lines

        return first_lines(session.overview, width, self.glyphs, most)

    def _rows_below_banner(self) -> int:
        """Return how many rows the overview may take."""
        view = self._output.view
        above = range(self._overview.start if self._overview is not None else 0)
        return view.height - sum(len(view.store.rows(line, view.width)) for line in above)

    def facts(self) -> None:
        self.on_machine_change()
        super().facts()

    def connection_lost(self, error: QmpshError) -> None:
        super().connection_lost(error)
        self._is_lost = True
        self._has_ended = self.machine is not None and bool(self.machine.shutdown_reason)
        self._events.mark(LOST[self._has_ended])
        # The banner describes the connection that has ended.
        self._banner = None
