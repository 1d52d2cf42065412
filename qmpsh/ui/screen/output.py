"""The content of the output pane: commands, their answers, and the shell's remarks.

`Output` builds blocks and puts them into a store; it knows neither the session nor the application.
`Reporter` puts into the panes what the session reports, and the results of each line.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

from qmpsh.advice import UNGUARDED, Advice, nothing
from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.render.answers import (
    AnswerBody,
    BodyKind,
    answer_body,
    bare_body,
    cost,
    error_body,
    text_body,
)
from qmpsh.render.formats import compact, pretty
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.render.units import number, size
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.session.session import Session
from qmpsh.shell.steps import Answer, Note
from qmpsh.ui.common.runner import ReplyHeading
from qmpsh.ui.common.style import bare_echo_lines
from qmpsh.ui.screen.blocks import (
    Banner,
    BannerBlock,
    FixedLines,
    Fold,
    Foldable,
    Heading,
    MarkedLine,
    head_lines,
)
from qmpsh.ui.screen.events import EventBlock, EventPane
from qmpsh.ui.screen.store import Block, Store
from qmpsh.ui.screen.viewport import Viewport

LIMIT = 200_000
"""lines kept, folded ones included"""

TRANSCRIPT = 1000
"""lines printed to the normal screen when the shell ends"""

Highlight = Callable[[str, str], list[Line]]
"""Returns a line's physical lines styled, given prompt and line; the first includes the prompt."""


class Echo:
    """A command line in the output, with the answers that belong to it."""

    __slots__ = ("answered", "block", "line")

    def __init__(self, line: str, block: FixedLines) -> None:
        self.line = line
        self.block = block
        self.answered = False


class Output:
    """The output pane's blocks. highlight: styles a line as it was while typed."""

    def __init__(
        self,
        glyphs: Glyphs,
        highlight: Highlight,
        limit: int = LIMIT,
        advice: Advice = UNGUARDED,
    ) -> None:
        self.advice = advice
        self.store = Store(limit, "lines", advice=advice)
        self.view = Viewport(self.store)
        self.last_reply: Foldable | None = None
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
        # The first line as shown: the typed one may contain a secret.
        return Echo(plain(shown[0]).removeprefix(prompt), block)

    def head(self, echo: Echo, text: str) -> None:
        """Add a heading for answers to a line not right above. text: says whose they are."""
        echo.block = Heading(self._spaced([[("dim", visible_word(text))]]))
        echo.answered = False
        self.store.append(echo.block)

    def stamp(self, echo: Echo, answer: Answer) -> None:
        """Show an answer's time and size: beside its line, or on a separate line further down."""
        right: Line = [("dim", cost(answer))] if cost(answer) else []
        if not echo.answered:
            echo.block.finish(right)
        else:
            # The line already had an answer: say what this one belongs to.
            name = answer.command or echo.line
            title: Line = [("dim", visible_word(name))]
            self.store.append(Heading(self._spaced([title]), right))
        echo.answered = True

    def reply(self, body: AnswerBody, size_on_wire: int = 0) -> None:
        """Add the text of an answer, folded if longer than the screen."""
        if body.lines:
            self.last_reply = Foldable(body, self._fold(body, size_on_wire))
            self.store.append(self.last_reply)

    def event(self, block: EventBlock) -> None:
        """Add a whole event as the server sent it."""
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

    def _fold(self, body: AnswerBody, size_on_wire: int) -> Fold | None:
        # Leave room for the echo above the reply and the blank line before it.
        height = max(2, self.view.height - 2)
        head = head_lines(body, self.view.width, height)
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
        return Fold(head, height - 1, notices)


def transcript(store: Store, width: int, limit: int = TRANSCRIPT) -> list[Line]:
    """Return the last lines of a store, unwrapped, for the normal screen."""
    lines: list[Line] = []
    for block in reversed(store.blocks):
        for index in reversed(range(block.count)):
            lines.append(store.advice.get("transcript", partial(_line, block, index, width), list))
            if len(lines) >= limit:
                return lines[::-1]
    return lines[::-1]


_HOW_TO_LEAVE = re.compile(r"(\.?)[; ]+Ctrl-D leaves\.$")


def _after_leaving(line: Line) -> Line:
    """A line without its invitation to leave: on the normal screen Ctrl-D ends the user's shell.

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


TONES = {Tone.QUIET: BodyKind.DIM, Tone.ALARMING: BodyKind.WARNING, Tone.PRINTED: BodyKind.PRINTED}

Redirect = Callable[[Answer], Awaitable[str]]
"""Sends an answer to its redirect; returns the text to show for it. Raises QmpshError."""


class Reporter:
    """The output of the full screen: a `SessionListener`, and a `Presenter` for the runner.

    changed:   called after each piece of news
    learned:   called when more is known of the machine
    completed: called when values came that a completion lacked
    deliver:   takes an answer with a redirect
    """

    def __init__(self, output: Output, events: EventPane, glyphs: Glyphs) -> None:
        self.changed: Callable[[], None] = _nothing
        self.learned: Callable[[], None] = _nothing
        self.completed: Callable[[], None] = _nothing
        self.deliver: Callable[[Answer], None] = _ignore
        self.advice = output.advice
        self._output = output
        self._events = events
        self._glyphs = glyphs
        self._banner: BannerBlock | None = None
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """Take the new session and show the banner."""
        self._session = session
        self.advice.get("banner", lambda: self._greet(session), nothing)

    def _greet(self, session: Session) -> None:
        banner = BannerBlock(Banner(session.machine, session.catalog, self._glyphs))
        self._output.store.append(banner)
        self._banner = banner

    # ------------------------------------------------------------------ called by the session

    def event(self, event: Event) -> None:
        """See SessionListener."""
        self.advice.get(
            "events",
            lambda: self._events.add(event),
            lambda: self._output.note(f"event {event.name}"),
        )
        self.changed()

    def stray(self, reply: Reply | ErrorReply) -> None:
        """See SessionListener."""
        self._output.note("a reply that belongs to no command:")
        self._output.reply(text_body(compact(reply.raw), BodyKind.JSON), reply.size)
        self.changed()

    def refresh(self) -> None:
        """See SessionListener."""
        if self._banner is not None:
            self.advice.get("banner", self._banner.renew, nothing)
        self.learned()
        self.changed()

    def facts(self) -> None:
        """See SessionListener."""
        self.learned()
        self.completed()
        self.changed()

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """See SessionListener."""
        self._events.only(patterns)
        self.changed()

    def lost(self, error: QmpshError) -> None:
        """See SessionListener."""
        if self._session is not None:
            self._output.note(farewell(self._session.machine, error), BodyKind.WARNING)
        # The banner describes the connection that has ended.
        self._banner = None
        self.changed()

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """See SessionListener."""
        self._output.note(text, TONES[tone])
        self.changed()

    def columns(self) -> int:
        """See SessionListener."""
        return self._output.view.width

    # ------------------------------------------------------------------ called by the runner

    def begin(self, prompt: str, line: str) -> Echo:
        """See Presenter."""
        self._output.view.to_tail()
        return self._output.echo(prompt, line)

    def show(self, key: Echo, item: Answer | Note) -> None:
        """See Presenter."""
        if isinstance(item, ReplyHeading):
            self._output.head(key, item.text)
        elif isinstance(item, Note):
            self._output.note(item.text)
        else:
            self.advice.get("time and size", lambda: self._output.stamp(key, item), nothing)
            if item.redirect is None or item.failed:
                self._output.reply(self._body(item), item.size)
            else:
                self.deliver(item)
        self.changed()

    def _body(self, item: Answer) -> AnswerBody:
        def make() -> AnswerBody:
            return answer_body(item, more=self._glyphs.more)

        return self.advice.get("layout", make, lambda: bare_body(item))

    def error(self, error: QmpshError) -> None:
        """See Presenter."""
        self._output.error(error)
        self.changed()


def farewell(machine: Machine, error: QmpshError) -> str:
    """Return how the connection ended, in one line with text from the VM: not yet safe to show."""
    if machine.shutdown_reason:
        return f"{machine.shutdown_reason}: the VM has ended. {machine.connection_hint}"
    return f"connection lost: {error}. {machine.connection_hint}"


def _nothing() -> None:
    """Do nothing until the application exists."""


def _ignore(answer: Answer) -> None:
    """Ignore the answer: redirects are not supported here."""
