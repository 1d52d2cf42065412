"""The full-screen front end: connects its parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.styles import BaseStyle

from qmpsh.advice import Advice
from qmpsh.shell.pipes import wants_terminal
from qmpsh.shell.session.session import Connect
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.completer import SessionCompleter
from qmpsh.ui.common.driver import FrameLimiter
from qmpsh.ui.common.first_frame import late_bindings, sigint_as_key
from qmpsh.ui.common.front_end import (
    OWN,
    RedirectAnswer,
    TerminalEnv,
    TerminalFrontEnd,
    capture_log,
)
from qmpsh.ui.common.guide import Guide
from qmpsh.ui.common.keys import insert_mode, mode_word, watch_escape
from qmpsh.ui.common.style import OwnStyleApplication, ViCursorShape, echo_lines, filling
from qmpsh.ui.screen.actions import KeyContext, end
from qmpsh.ui.screen.bindings import (
    bind_editing,
    bind_empty_line,
    bind_escape,
    bind_jobs,
    bind_keys,
    bind_question,
)
from qmpsh.ui.screen.events import EventPane
from qmpsh.ui.screen.layout import Regions, make_layout
from qmpsh.ui.screen.menu import AutoMenu
from qmpsh.ui.screen.output import Echo, Output, ScreenReporter, transcript
from qmpsh.ui.screen.state import ScreenState
from qmpsh.ui.screen.terminal import close_terminal, draw_without_waiting, own_terminal


def run_screen(
    connect: Connect,
    history: History | None = None,
    redirect: RedirectAnswer | None = None,
    env: TerminalEnv = OWN,
) -> int:
    """Run the full screen until the user leaves; return the exit code.

    connect, redirect: as of `TerminalFrontEnd`
    history:  of typed lines; in memory if None
    Raises what connect raises; the terminal is always restored.
    """
    return asyncio.run(FullScreen(connect, history or InMemoryHistory(), redirect, env).run())


class FullScreen(TerminalFrontEnd[Echo]):
    """The full screen."""

    _reporter: ScreenReporter

    def __init__(
        self,
        connect: Connect,
        history: History,
        redirect: RedirectAnswer | None = None,
        env: TerminalEnv = OWN,
    ) -> None:
        super().__init__(connect, redirect, env)

        def columns() -> int:
            return self.app.output.get_size().columns

        self.state = ScreenState(
            self.session, self.output, self._events, columns=columns, elapsed=self._runner.elapsed
        )
        completer = SessionCompleter(self.session, columns, self.output.glyphs.more, self._advice)
        self.buffer = Buffer(
            name="prompt",
            completer=completer,
            history=history,
            enable_history_search=True,
            multiline=Condition(self._goes_on),
            accept_handler=self._accept,
        )
        self._reporter.greet(self.session)
        self.state.keys = env.keys
        keys, question_keys, list_keys = KeyBindings(), KeyBindings(), KeyBindings()
        self._regions = self._make_regions(question_keys, list_keys)
        with late_bindings() as make_bindings:
            self.app = self._make_app(keys)
        draw_without_waiting(self.app)
        self._frames = FrameLimiter(self.app.invalidate)
        self.auto_menu = AutoMenu(self.buffer, self._has_the_keys)
        self._attach(self.app, self.buffer)
        self._hold_back(self.app, make_bindings)
        self._guide = Guide(self.session, self.buffer, completer, self._advice)
        self._listen()
        self._bind(keys, question_keys, list_keys)

    def _make_reporter(self, advice: Advice) -> ScreenReporter:
        self.output = Output(self._env.shown_glyphs(), echo_lines, advice=advice)
        self._events = EventPane(self.output.glyphs, self._env.wall, advice=advice)
        return ScreenReporter(self.output, self._events)

    async def _serve(self) -> int:
        with capture_log(self.output.note), sigint_as_key(self.app):
            return await self.app.run_async(
                pre_run=self._driver.start, set_exception_handler=False, handle_sigint=False
            )

    def _close(self) -> None:
        self._frames.stop()
        close_terminal(self.app.output)
        self._print_transcript()

    # ------------------------------------------------------------------ putting together

    def _listen(self) -> None:
        """Connect the parts that report to each other."""
        self.state.entry_row.on_toggle = self._focus
        self.state.jobs.on_toggle = self._focus
        self._reporter.on_open_jobs = self.state.open_jobs
        self._reporter.on_failure = self.state.jobs.say
        self.state.mode = lambda: mode_word(self.app)
        self.buffer.on_text_changed += self._clear_message
        self.buffer.on_completions_changed += self._make_room
        self.app.after_render += lambda _: self._frames.on_frame()
        self._reporter.on_change = self._frames.request
        self._reporter.on_machine_change = self.state.forget_hint
        self._reporter.on_values = self._complete_again

    def _bind(self, keys: KeyBindings, question_keys: KeyBindings, list_keys: KeyBindings) -> None:
        """Bind the keys."""
        turn, suspend = self._driver.turn, self._suspender.suspend
        context = KeyContext(
            self.state,
            self._runner,
            self.buffer,
            self.app,
            turn,
            suspend,
            self._painter,
            self._picture_form,
        )
        bind_keys(keys, context, self.state.keys)
        watch_escape(self.app, bind_escape(keys, context))
        bind_editing(keys, context, self.auto_menu)
        self._guide.bind(keys, Condition(lambda: self.app.current_buffer is self.buffer))
        bind_empty_line(keys, context)
        bind_question(question_keys, context)
        bind_jobs(list_keys, context)

    def _make_regions(self, question_keys: KeyBindings, list_keys: KeyBindings) -> Regions:
        return make_layout(
            self.state,
            self._runner,
            self.buffer,
            question_keys,
            list_keys=list_keys,
            rows=lambda: self.app.output.get_size().rows,
            style=lambda: filling(self.app.style),
        )

    def _make_app(self, keys: KeyBindings) -> Application[int]:
        return OwnStyleApplication(
            layout=self._regions.layout,
            style=self._env.style(),
            color_depth=self._env.depth,
            cursor=ViCursorShape(),
            mouse_support=Condition(lambda: self.session.preferences.values.mouse),
            include_default_pygments_style=False,
            key_bindings=merge_key_bindings([load_auto_suggest_bindings(), keys]),
            full_screen=True,
            # FrameLimiter decides when to draw; prompt_toolkit's own interval would delay keys too.
            max_render_postpone_time=None,
            # SIGWINCH reports a new size.
            terminal_size_polling_interval=None,
            input=self._env.input,
            output=self._env.output or own_terminal(),
        )

    # ------------------------------------------------------------------ what happens

    def _accept(self, buffer: Buffer) -> bool:
        """Run a whole line, or several that were pasted."""
        text = buffer.text
        # Before it runs: it may change the mode, and belongs in the history of the mode it was
        # typed in.
        buffer.reset(append_to_history=True)
        self.state.key_sheet, self.state.is_zoomed = None, False
        insert_mode(self.app)
        self._submit(text)
        return True

    def _show_turn(self) -> None:
        self._focus()
        self._frames.request()

    def _focus(self) -> None:
        """Give the keys to a question if there is one, else to an open entry, else the prompt."""
        layout, regions = self.app.layout, self._regions
        if self.state.question is not None:
            layout.focus(regions.question)
        elif self.state.entry_row.is_open:
            layout.focus(regions.entry)
        elif self.state.jobs.is_open:
            layout.focus(regions.jobs)
        elif layout.current_window in (regions.question, regions.entry, regions.jobs):
            layout.focus(regions.prompt)

    def _complete_again(self) -> None:
        if self.state.key_sheet is None:
            self._guide.offer_again()
        self.auto_menu.offer_again()

    def _make_room(self, buffer: Buffer) -> None:
        """Close the key sheet for a menu that was asked for: no menu lies on top of it."""
        if buffer.complete_state is not None:
            self.state.key_sheet = None

    def _clear_message(self, buffer: Buffer) -> None:
        self.state.message = ""

    def _has_the_keys(self) -> bool:
        """Whether letters go to the line being typed, and nothing covers it."""
        at_line = self.app.layout.current_window is self._regions.prompt
        return (
            at_line
            and self.state.key_sheet is None
            and not self.state.is_paging
            and not mode_word(self.app)
        )

    def _leave(self, exit_code: int) -> None:
        end(self.app, exit_code)

    def _has_terminal(self) -> bool:
        return not self.state.is_paging

    def _typed_text(self) -> str:
        return self.buffer.text

    def _application(self) -> Application[int]:
        return self.app

    def _set_style(self, style: BaseStyle) -> None:
        self.app.style = style

    def _apply(self, name: str) -> None:
        super()._apply(name)
        if name == "events":
            self.state.is_zoomed = False
            self.state.keeps_events = self.session.preferences.values.events
        self.app.invalidate()

    def _deliver(self, answer: Answer) -> None:
        self.app.create_background_task(self._redirected(answer))

    async def _redirected(self, answer: Answer) -> None:
        target = answer.redirect
        self.state.is_paging = target is not None and wants_terminal(target, os.environ)
        try:
            await super()._redirected(answer)
        finally:
            self.state.is_paging = False
        self.app.invalidate()

    def _print_transcript(self) -> None:
        paint = self._painter()
        lines = transcript(self.output.store, self.app.output.get_size().columns)
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            stream = self._env.stream or sys.stdout
            stream.writelines(f"{paint(line)}\n" for line in lines)
            stream.flush()
