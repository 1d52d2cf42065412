"""The base of both front ends: their terminal, and how they start, take their turns and end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Generic, TextIO, TypeVar

from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.input import Input
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.styles import BaseStyle

from qmpsh.advice import Advice, nothing
from qmpsh.errors import QmpshError
from qmpsh.language.reader import LogicalLine, Split
from qmpsh.light_typing import NamedTuple
from qmpsh.render.theme import (
    Depth,
    Glyphs,
    Line,
    TerminalColours,
    find_theme,
    glyphs_for,
    painter,
    plain,
)
from qmpsh.secrets.masker import mask_fault
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.session.session import Connect
from qmpsh.shell.settings import HMP_PROMPTS
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.driver import Driver, FrameCleaner, TerminalLoop
from qmpsh.ui.common.first_frame import after_first_frame
from qmpsh.ui.common.history import Failures, HistorySwitch, SuggestLine
from qmpsh.ui.common.keys import ALT_SECONDS, EDITING_MODES, KEYS, KeyBinding
from qmpsh.ui.common.reporter import Reporter
from qmpsh.ui.common.runner import LineRunner
from qmpsh.ui.common.style import NO_ROLES, color_depth, make_style, suggester
from qmpsh.ui.common.suspend import Suspender
from qmpsh.ui.common.terminal_input import TerminalInput

Key = TypeVar("Key")
Result = TypeVar("Result")

RedirectAnswer = Callable[[Answer], Awaitable[str]]
"""Sends an answer to its redirect; returns the text to show for it. Raises QmpshError."""


class TerminalEnv(NamedTuple):
    """The terminal, the clocks, the looks and the keys of a front end.

    theme:    its name
    colour:   False with NO_COLOR and the like
    keys:     the key table, as rebound
    roles:    styles that replace the theme's own
    terminal: what is known of its colours
    input, output, glyphs, stream: None for the process's own
    stream:   the transcript of the full screen is written to it
    clock:    like `time.monotonic()`
    wall:     Unix time
    """

    theme: str = "dark"
    colour: bool = True
    keys: tuple[KeyBinding, ...] = KEYS
    roles: Mapping[str, str] = NO_ROLES
    terminal: TerminalColours = TerminalColours()
    input: Input | None = None
    output: Terminal | None = None
    glyphs: Glyphs | None = None
    stream: TextIO | None = None
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    def heard(self) -> TerminalEnv:
        """Return it with what the terminal has answered so far; nothing waits for it."""
        background = self.input.background() if isinstance(self.input, TerminalInput) else ""
        if not background:
            return self
        return self._replace(terminal=self.terminal._replace(background=background))

    def style(self) -> BaseStyle:
        """Return the style to start with. Raises UsageError for an unknown theme."""
        return self.style_of(self.theme) if self.colour else make_style("none", self.terminal)

    def style_of(self, theme: str) -> BaseStyle:
        """Return the style of a theme. Raises UsageError for an unknown one."""
        return make_style(theme, self.terminal, self.roles)

    def painter(self, theme: str) -> Callable[[Line], str]:
        """Return what gives the colours of a theme to lines that stay on the terminal."""
        if not self.colour:
            return plain
        terminal = self.terminal._replace(fills=False)
        exact = terminal.depth is Depth.ALL
        return painter({**find_theme(theme, terminal), **self.roles}, exact=exact)

    def picture_form(self, preferred: str) -> str:
        """Return the form in which pictures are shown outside the screen.

        preferred: of `.set pictures`
        """
        # Imported here: few lines show a picture.
        from qmpsh.render.picture_form import picture_form

        found = self.input.found if isinstance(self.input, TerminalInput) else {}
        return picture_form(preferred, os.environ, found)

    @property
    def depth(self) -> ColorDepth:
        """The number of colours, as prompt_toolkit names it."""
        return color_depth(self.terminal.depth)

    def shown_glyphs(self) -> Glyphs:
        """Return the symbols that the terminal can show."""
        return self.glyphs or glyphs_for(sys.stdout.encoding)


OWN = TerminalEnv()


class TerminalFrontEnd(ABC, Generic[Key]):
    """A session with its driver and its runner, for a user at a terminal.

    connect:  makes the session, which reports to the listener it is given
    redirect: handles `| command` and `> file`; if None, such answers are shown like others
    """

    def __init__(self, connect: Connect, redirect: RedirectAnswer | None, env: TerminalEnv) -> None:
        self._env = env
        self._redirect = redirect
        self._splits: dict[str, Split] = {}
        self._advice = guard(
            lambda text: self._reporter.remark(text, Tone.ALARMING), lambda: self._typed_text()
        )
        self._reporter = self._make_reporter(self._advice)
        if redirect is not None:
            self._reporter.deliver = self._deliver
        self.session = connect(self._reporter)
        self._reporter.machine = self.session.machine
        self._driver = Driver(self.session, self._after_turn)
        self._runner = LineRunner(self.session, self._reporter, self._leave, env.clock)

    def _attach(self, app: Application[Result], buffer: Buffer) -> None:
        """Connect the application and the buffer of the typed line, which are made last."""
        # How long to wait to distinguish Escape alone from the start of an escape sequence.
        app.ttimeoutlen = ALT_SECONDS
        # A hint or a completion may have asked the VM for something.
        app.after_render += lambda _: self._driver.arm()
        app.after_render += FrameCleaner().on_frame
        app.key_processor.before_key_press += lambda _: self._splits.clear()
        failures = Failures(buffer.history)
        self._runner.judge = failures.judge
        self._suggestions = suggester(SuggestLine(failures), lambda: app)
        buffer.auto_suggest = None
        buffer.on_text_insert += self._suggest
        self._switch = HistorySwitch(buffer, self._is_hmp)
        self._suspender = Suspender(self.session, lambda: app, self._driver.turn)
        self._apply("editing")
        self.session.preferences.subscribe(self._apply)

    def _hold_back(self, app: Application[Result], make_bindings: Callable[[], object]) -> None:
        """Let what the first frame of an application does not need wait for it.

        make_bindings: makes prompt_toolkit's own key bindings, which the first key needs
        """
        self.session.is_held_back = True

        def go_on() -> None:
            # Imported here: the first key needs them, and the first frame does not.
            from qmpsh.complete import complete, hints  # noqa: F401 - to be there

            self.session.is_held_back = False
            self._driver.turn()
            make_bindings()

        after_first_frame(app, go_on)

    async def run(self) -> int:
        """Run until the user leaves; return the exit code. The terminal is always restored."""
        with create_app_session(self._env.input):
            return await self._run()

    async def _run(self) -> int:
        self._suspender.watch(asyncio.get_running_loop(), self._has_terminal)
        self._hear_terminal()
        try:
            return await TerminalLoop(self._leave, self._reporter.remark).run(self._serve)
        finally:
            self._suspender.stop()
            self._driver.stop()
            self._close()

    def _hear_terminal(self) -> None:
        heard = self._env.heard()
        if heard is not self._env:
            self._env = heard
            self._set_style(heard.style())

    # ------------------------------------------------------------------ what a front end does

    @abstractmethod
    def _make_reporter(self, advice: Advice) -> Reporter[Key]:
        """Make what shows the session's reports."""

    @abstractmethod
    async def _serve(self) -> int:
        """Start the driver and serve the user; return the exit code."""

    @abstractmethod
    def _leave(self, exit_code: int) -> None:
        """End with this exit code, soon; harmless if repeated."""

    @abstractmethod
    def _has_terminal(self) -> bool:
        """Whether the application has the terminal, which no other program uses."""

    @abstractmethod
    def _typed_text(self) -> str:
        """Return the line being typed."""

    @abstractmethod
    def _show_turn(self) -> None:
        """Show what a turn of the session has changed."""

    @abstractmethod
    def _deliver(self, answer: Answer) -> None:
        """Send an answer to its redirect, in the background."""

    @abstractmethod
    def _set_style(self, style: BaseStyle) -> None:
        """Change the looks."""

    @abstractmethod
    def _application(self) -> Application[str] | Application[int]:
        """Return the application."""

    def _close(self) -> None:
        """Clean up at the end."""

    # ------------------------------------------------------------------ what happens

    def _is_hmp(self) -> bool:
        return self.session.prompt in HMP_PROMPTS

    def _goes_on(self) -> bool:
        """Return whether Enter continues the line; several bindings of the key ask for it."""
        text = self._typed_text()
        if text not in self._splits:
            self._splits[text] = self._advice.get(
                "rows", lambda: self.session.split(text), lambda: Split([LogicalLine(text, 1)], "")
            )
        return self._splits[text].rest != ""

    def _suggest(self, buffer: Buffer) -> None:
        """Suggest the rest of the line, for the frame of the key. prompt_toolkit's own
        `auto_suggest` may draw a key twice, without the rest and with it.
        """
        buffer.suggestion = self._advice.get(
            "suggestion",
            lambda: self._suggestions.get_suggestion(buffer, buffer.document),
            nothing,
        )

    def _submit(self, line: str) -> None:
        self._runner.submit(line, self._splits.pop(line, None))
        self._driver.turn()

    def _painter(self) -> Callable[[Line], str]:
        """Return what gives the colours of the theme to lines that leave the screen."""
        return self._env.painter(self.session.preferences.values.theme)

    def _picture_form(self) -> str:
        """Return the form in which the terminal shows pictures."""
        return self._env.picture_form(self.session.preferences.values.pictures)

    def _after_turn(self) -> None:
        self._runner.start_next()
        self._switch.on_turn()
        self._show_turn()

    def _apply(self, name: str) -> None:
        """Apply a preference, which `.set` has changed."""
        values = self.session.preferences.values
        if name == "theme":
            self._set_style(self._env.style_of(values.theme))
        elif name == "editing":
            self._application().editing_mode = EDITING_MODES[values.editing]

    async def _redirected(self, answer: Answer) -> None:
        try:
            shown = await self._redirect(answer) if self._redirect else ""
            if shown:
                # Imported here: few lines are piped.
                from qmpsh.render.piped import piped_body

                self._reporter.reply(piped_body(shown))
        except QmpshError as error:
            self._reporter.error(error)


class _NoteHandler(logging.Handler):
    """A log handler that shows each message as a note."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(self.format(record))


@contextlib.contextmanager
def capture_log(note: Callable[[str], None]) -> Iterator[None]:
    """Show log messages and warnings as notes inside this context: nothing may print over it."""
    root = logging.getLogger()
    handler = _NoteHandler(note)
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)


def guard(show: Callable[[str], None], typed: Callable[[], str]) -> Advice:
    """Make the guard of all that is only advice: reports go to files, notes are shown.

    show:  shows a note; called between frames, never while one is drawn
    typed: returns the line being typed, whose secrets must not come into a report
    """

    def report(error: Exception, kind: str) -> str:
        # Imported here: few sessions have a fault.
        from qmpsh.shell.crash import report_advice

        mask_fault(error, (typed(),))
        return report_advice(error, kind)

    def show_quietly(text: str) -> None:
        with contextlib.suppress(Exception):  # what shows notes may be what has the fault
            show(text)

    def show_soon(text: str) -> None:
        try:
            asyncio.get_running_loop().call_soon(show_quietly, text)
        except RuntimeError:
            show_quietly(text)

    return Advice(report, show_soon)
