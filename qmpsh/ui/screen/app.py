"""The full-screen front end: connects the parts, runs them, restores the terminal.

Also applies what `.set` changes to the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.output import Output as Terminal

from qmpsh.errors import SIGNALLED, QmpshError
from qmpsh.render.answers import BodyKind, text_body
from qmpsh.render.theme import Glyphs, glyphs_for, plain, sgr
from qmpsh.shell.history import HMP_PROMPT
from qmpsh.shell.pipes import wants_terminal
from qmpsh.shell.preferences import Preferences
from qmpsh.shell.session.session import Connect
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.driver import Cells, Driver, Frames, calm
from qmpsh.ui.common.guard import guard
from qmpsh.ui.common.history import HistorySwitch, SuggestLine
from qmpsh.ui.common.keys import ALT, EDITING, begin_line, mode_word, watch_escape
from qmpsh.ui.common.runner import LineRunner
from qmpsh.ui.common.setup import SETUP, TerminalSetup, captured
from qmpsh.ui.common.style import NO_ROLES, ViCursor, echo_lines, make_style, suggester, theme_name
from qmpsh.ui.common.suspend import Suspender
from qmpsh.ui.screen.actions import KeyContext, end
from qmpsh.ui.screen.bindings import bind_editing, bind_escape, bind_keys, bind_question
from qmpsh.ui.screen.events import EventPane
from qmpsh.ui.screen.layout import Regions, make_layout
from qmpsh.ui.screen.menu import AutoMenu, SessionCompleter
from qmpsh.ui.screen.output import Output, Redirect, Reporter, transcript
from qmpsh.ui.screen.prompt import make_buffer
from qmpsh.ui.screen.screen import Screen


def follow(
    preferences: Preferences, app: Application[int], screen: Screen, setup: TerminalSetup
) -> None:
    """Apply the preferences now and whenever they change; the initial theme is already set."""

    def obey(name: str) -> None:
        values = preferences.values
        match name:
            case "theme":
                app.style = make_style(values.theme, setup.roles)
            case "editing":
                app.editing_mode = EDITING[values.editing]
            case "events":
                screen.zoomed = False
        app.invalidate()

    obey("editing")
    obey("events")
    preferences.subscribe(obey)


class ScreenEnvironment(NamedTuple):
    """The terminal and the clocks of the full screen, if not the process's own.

    clock:  like `time.monotonic()`
    wall:   Unix time
    stream: the transcript is written to it
    setup:  looks and keys
    """

    input: Input | None = None
    output: Terminal | None = None
    glyphs: Glyphs | None = None
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    stream: TextIO | None = None
    setup: TerminalSetup = SETUP


OWN = ScreenEnvironment()


def run_screen(
    connect: Connect,
    *,
    theme: str,
    setup: TerminalSetup = SETUP,
    history: History | None = None,
    redirect: Redirect | None = None,
) -> int:
    """Run the full screen until the user leaves; return the exit code.

    connect:  makes the session, which reports to the listener it is given
    theme:    its name
    history:  of typed lines; in memory if None
    redirect: handles `| command` and `> file`; if None, such answers are shown like others
    Raises what connect raises; the terminal is always restored.
    """
    style = theme_name(theme, colour=setup.colour)
    around = ScreenEnvironment(setup=setup)
    full_screen = FullScreen(connect, style, history or InMemoryHistory(), redirect, around)
    return asyncio.run(full_screen.run())


class FullScreen:
    """The full screen's application. style: the name of a theme, "none" for no colour."""

    def __init__(
        self,
        connect: Connect,
        style: str,
        history: History,
        redirect: Redirect | None = None,
        around: ScreenEnvironment = OWN,
    ) -> None:
        glyphs = around.glyphs or glyphs_for(sys.stdout.encoding)
        self._colour = style != "none"
        self._stream = around.stream or sys.stdout
        advice = guard(self._tell_fault, lambda: self.buffer.text)
        self.output = Output(glyphs, echo_lines, advice=advice)
        events = EventPane(glyphs, around.wall, advice=advice)
        reporter = Reporter(self.output, events, glyphs)
        self.session = connect(reporter)
        self._driver = Driver(self.session, self._after_turn)

        def columns() -> int:
            return self.app.output.get_size().columns

        self._runner = LineRunner(self.session, reporter, self._leave, around.clock)
        self.screen = Screen(
            self.session, self.output, events, columns=columns, elapsed=self._runner.elapsed
        )
        completer = SessionCompleter(self.session, columns, glyphs.more, advice)
        self.buffer = make_buffer(
            self.session,
            history,
            completer=completer,
            suggest=suggester(SuggestLine(), lambda: self.app),
            accept=self._accept,
            advice=advice,
        )
        reporter.attach(self.session)
        self.screen.keys = around.setup.keys
        keys, question_keys = KeyBindings(), KeyBindings()
        self._regions = self._make_regions(question_keys)
        self.app = self._make_app(keys, style, around)
        self._frames = Frames(self.app.invalidate)
        self._cells = Cells()
        self._switch = HistorySwitch(self.buffer, lambda: self.session.prompt == HMP_PROMPT)
        self.offer = AutoMenu(self.session, self.buffer, self._has_the_keys, advice)
        self._suspender = Suspender(self.session, lambda: self.app, self._driver.turn)
        self._listen(reporter, completer, redirect)
        self._bind(keys, question_keys)
        follow(self.session.preferences, self.app, self.screen, around.setup)

    async def run(self) -> int:
        """Run until the user leaves; then print the transcript."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._failed)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave, SIGNALLED + number)
        self._suspender.watch(loop, lambda: not self.screen.paging)
        try:
            with captured(self.output.note), calm():
                return await self.app.run_async(
                    pre_run=self._driver.start, set_exception_handler=False
                )
        except (EOFError, OSError):
            # The terminal is gone, so no message could be seen.
            return SIGNALLED + signal.SIGHUP
        finally:
            self._suspender.stop()
            self._driver.stop()
            self._frames.stop()
            self._print_transcript()

    # ------------------------------------------------------------------ putting together

    def _listen(
        self, reporter: Reporter, completer: SessionCompleter, redirect: Redirect | None
    ) -> None:
        """Connect the parts that report to each other."""
        self.screen.entry.moved = self._focus
        self.screen.mode = lambda: mode_word(self.app)
        self.buffer.on_text_changed += self._typed
        self.app.after_render += lambda _: self._frames.drawn()
        self.app.after_render += self._cells.drawn
        reporter.changed = self._frames.changed
        reporter.learned = self.screen.forget_hint
        reporter.completed = partial(self._complete_anew, completer)
        if redirect is not None:
            reporter.deliver = self._deliverer(redirect)

    def _bind(self, keys: KeyBindings, question_keys: KeyBindings) -> None:
        """Bind the keys."""
        turn, suspend = self._driver.turn, self._suspender.suspend
        desk = KeyContext(self.screen, self._runner, self.buffer, self.app, turn, suspend)
        bind_keys(keys, desk, self.screen.keys)
        watch_escape(self.app, bind_escape(keys, desk))
        bind_editing(keys, desk, self.offer)
        bind_question(question_keys, desk)

    def _make_regions(self, question_keys: KeyBindings) -> Regions:
        return make_layout(
            self.screen,
            self._runner,
            self.buffer,
            question_keys,
            rows=lambda: self.app.output.get_size().rows,
        )

    def _make_app(
        self, keys: KeyBindings, style: str, around: ScreenEnvironment
    ) -> Application[int]:
        app: Application[int] = Application(
            layout=self._regions.layout,
            style=make_style(style, around.setup.roles if around.setup.colour else NO_ROLES),
            color_depth=around.setup.depth,
            cursor=ViCursor(),
            mouse_support=Condition(lambda: self.session.preferences.values.mouse),
            include_default_pygments_style=False,
            key_bindings=merge_key_bindings([load_auto_suggest_bindings(), keys]),
            full_screen=True,
            # Frames decides when to draw; prompt_toolkit's own interval would delay keys too.
            max_render_postpone_time=None,
            # SIGWINCH reports a new size.
            terminal_size_polling_interval=None,
            input=around.input,
            output=around.output,
        )
        # How long to wait to distinguish Escape alone from the start of an escape sequence.
        app.ttimeoutlen = ALT
        # A hint or a completion may have asked the VM for something.
        app.after_render += lambda _: self._driver.arm()
        return app

    # ------------------------------------------------------------------ what happens

    def _accept(self, text: str) -> None:
        self.screen.sheet = None
        begin_line(self.app)
        self._runner.submit(text)
        self._driver.turn()

    def _after_turn(self) -> None:
        self._runner.go_on()
        self._switch.check()
        self._focus()
        self._frames.changed()

    def _focus(self) -> None:
        """Give the keys to a question if there is one, else to an open entry, else the prompt."""
        layout, regions = self.app.layout, self._regions
        if self.screen.asking is not None:
            layout.focus(regions.question)
        elif self.screen.entry.is_open:
            layout.focus(regions.entry)
        elif layout.current_window in (regions.question, regions.entry):
            layout.focus(regions.prompt)

    def _complete_anew(self, completer: SessionCompleter) -> None:
        completer.try_again(self.buffer)
        self.offer.try_again()

    def _typed(self, buffer: Buffer) -> None:
        self.screen.flash = ""

    def _has_the_keys(self) -> bool:
        """Whether letters go to the line being typed, and nothing covers it."""
        at_line = self.app.layout.current_window is self._regions.prompt
        return at_line and not self.screen.paging and not mode_word(self.app)

    def _tell_fault(self, text: str) -> None:
        self.output.note(text, BodyKind.WARNING)
        self._frames.changed()

    def _leave(self, exit_code: int) -> None:
        end(self.app, exit_code)

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """End on a bug in a callback, so that the terminal is restored, and raise the error."""
        error = context.get("exception")
        if isinstance(error, BaseException) and self.app.is_running and not self.app.is_done:
            self.app.exit(exception=error)
        else:
            self.output.note(str(context.get("message")))

    def _deliverer(self, redirect: Redirect) -> Callable[[Answer], None]:
        async def deliver(answer: Answer) -> None:
            target = answer.redirect
            self.screen.paging = target is not None and wants_terminal(target, os.environ)
            try:
                shown = await redirect(answer)
                if shown:
                    self.output.reply(text_body(shown))
            except QmpshError as error:
                self.output.error(error)
            finally:
                self.screen.paging = False
            self.app.invalidate()

        def in_background(answer: Answer) -> None:
            self.app.create_background_task(deliver(answer))

        return in_background

    def _print_transcript(self) -> None:
        paint = sgr if self._colour else plain
        lines = transcript(self.output.store, self.app.output.get_size().columns)
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            self._stream.writelines(f"{paint(line)}\n" for line in lines)
            self._stream.flush()
