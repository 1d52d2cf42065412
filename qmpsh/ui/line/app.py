"""The application of the line prompt: native scrollback, events printed above the line being typed.

The second interactive front end, on the same session, runner and driver as the full screen.
"""

from __future__ import annotations

import asyncio
import signal
from functools import partial

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.styles import BaseStyle
from prompt_toolkit.utils import is_dumb_terminal

from qmpsh.advice import Advice, nothing
from qmpsh.render.theme import Line, plain
from qmpsh.render.units import progress_line
from qmpsh.shell.session.session import Connect
from qmpsh.shell.steps import Answer, Ask
from qmpsh.ui.common.banner import Banner
from qmpsh.ui.common.completer import SessionCompleter
from qmpsh.ui.common.first_frame import late_bindings, sigint_as_key
from qmpsh.ui.common.front_end import OWN, RedirectAnswer, TerminalEnv, TerminalFrontEnd
from qmpsh.ui.common.guide import Guide
from qmpsh.ui.common.hint import help_at_cursor, hint_line, tip_at
from qmpsh.ui.common.history import mask_typed
from qmpsh.ui.common.keys import mode_word, watch_escape
from qmpsh.ui.common.runner import SHOW_RUNNING_SECONDS, detached_note
from qmpsh.ui.common.style import (
    LineLexer,
    MaskSecretsProcessor,
    ShowControlsProcessor,
    ViCursorShape,
    question_line,
)
from qmpsh.ui.line.keys import LineKeyContext, LineKeys, LineQuestions, PromptSuspension
from qmpsh.ui.line.printer import Printer
from qmpsh.ui.line.renderer import draw_quietly, own_output
from qmpsh.ui.line.scrollback import Scrollback

BANNER_WAIT_SECONDS = 0.25
"""seconds that the banner waits for the name and the state of the VM"""


def run_line_prompt(
    connect: Connect,
    history: History | None = None,
    redirect: RedirectAnswer | None = None,
    env: TerminalEnv = OWN,
) -> int:
    """Run the line prompt until the user leaves; the exit code. Parameters as of `run_screen`."""
    return asyncio.run(LinePrompt(connect, history or InMemoryHistory(), redirect, env).run())


class LinePrompt(TerminalFrontEnd[None]):
    """The line prompt."""

    _reporter: Printer

    def __init__(
        self,
        connect: Connect,
        history: History,
        redirect: RedirectAnswer | None = None,
        env: TerminalEnv = OWN,
    ) -> None:
        # Lines that are printed do not fill a row, so that a background would be a patchwork.
        env = env._replace(terminal=env.terminal._replace(fills=False))
        self._style = env.style()
        self._terminal = env.output or own_output()
        # prompt_toolkit chooses its prompt for a dumb terminal only where no output is given.
        self._is_dumb = env.output is None and is_dumb_terminal()
        self._questions = LineQuestions(env.input, self._terminal)
        self._on_news = asyncio.Event()
        self._exit_code: int | None = None
        self._typing = False
        self._question = ""  # that is open
        self._shows_overview = False
        self._draft = Document()
        self._deliveries: set[asyncio.Task[None]] = set()
        super().__init__(connect, redirect, env)
        columns, more = self._reporter.columns, self._reporter.glyphs.more
        completer = SessionCompleter(self.session, columns, more, self._advice)
        keys = KeyBindings()
        with create_app_session(output=self._terminal), late_bindings() as make_bindings:
            self._prompt = self._make_prompt(history, completer, keys)
        if not self._is_dumb:  # there another application draws the prompt
            draw_quietly(self._prompt.app)
            self._hold_back(self._prompt.app, make_bindings)
        self._reporter.on_machine_change = self._on_news.set
        buffer = self._prompt.default_buffer
        self._guide = Guide(self.session, buffer, completer, self._advice)
        self._guide.bind(keys, Condition(lambda: self._prompt.app.current_buffer is buffer))
        self._reporter.on_values = self._guide.offer_again
        self._attach(self._prompt.app, self._prompt.default_buffer)
        watch_escape(self._prompt.app, lambda: False)

    def _make_reporter(self, advice: Advice) -> Printer:
        glyphs = self._env.shown_glyphs()
        self._scrollback = Scrollback(
            self._terminal, self._style, glyphs, self._prompt_and_text, advice
        )
        self._scrollback.depth = self._env.depth
        return Printer(self._scrollback, glyphs, self._env.wall)

    async def _serve(self) -> int:
        self._driver.start()
        await self._greet()
        while self._exit_code is None:
            await self._one_line()
        self._scrollback.flush()
        return self._exit_code

    # ------------------------------------------------------------------ the turn of a line

    async def _one_line(self) -> None:
        draft, self._draft = self._draft, Document()
        self._scrollback.keep_drawing()
        self._typing = True
        try:
            with sigint_as_key(self._prompt.app):
                text = await self._prompt.prompt_async(
                    self._prompt_text,
                    default=draft,
                    set_exception_handler=False,
                    handle_sigint=False,
                )
        except KeyboardInterrupt:
            self._runner.interrupt()
            return
        except PromptSuspension as suspension:
            self._prompt.app.erase_when_done = False
            self._draft = suspension.typed
            await suspension.action()
            return
        except EOFError:
            if self._exit_code is not None or not self.session.asks_to_leave:
                self._exit_code = self._exit_code or 0
                return
            text = ".exit"
        finally:
            self._typing = False
            self._scrollback.flush()
        self._submit(text)
        await self._until_idle()

    async def _until_idle(self) -> None:
        """Wait until nothing runs; Ctrl-C detaches from what does."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._detach)
        try:
            while self._exit_code is None and self.session.running is not None:
                asking = self.session.running.task.asking
                if asking is not None:
                    await self._ask(asking)
                else:
                    self._on_news.clear()
                    await self._on_news.wait()
            if self._deliveries:
                await asyncio.wait(self._deliveries)
                self._deliveries.clear()
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _deliver(self, answer: Answer) -> None:
        self._deliveries.add(asyncio.ensure_future(self._redirected(answer)))

    async def _ask(self, asking: Ask) -> None:
        # What is printed meanwhile stands above the question, as it does above a line.
        self._question = f"{plain(question_line(asking))} "
        try:
            answer = await self._questions.ask(asking, self._style)
        finally:
            self._question = ""
            self._scrollback.flush()
        if answer is None:
            self._runner.interrupt()
        elif self.session.running is not None:
            self.session.running.task.reply(answer)
        self._driver.turn()

    async def _greet(self) -> None:
        """Print the banner once it is known what VM this is, or after BANNER_WAIT_SECONDS."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BANNER_WAIT_SECONDS
        while not self.session.machine.commands and loop.time() < deadline:
            self._on_news.clear()
            try:
                await asyncio.wait_for(self._on_news.wait(), deadline - loop.time())
            except TimeoutError:
                break
        self._advice.get("banner", self._print_banner, nothing)

    def _print_banner(self) -> None:
        banner = Banner(self.session.machine, self.session.catalog, self._reporter.glyphs)
        self._scrollback.print(banner.lines())
        self._shows_overview = True

    # ------------------------------------------------------------------ small parts

    def _make_prompt(
        self, history: History, completer: Completer, keys: KeyBindings
    ) -> PromptSession[str]:
        def masked(text: str) -> str:
            return mask_typed(text, self.session.catalog.aliases, hmp=self._is_hmp())

        context = LineKeyContext(
            self._reporter,
            self._scrollback.print,
            self._submit,
            self._suspend,
            self._ask_word,
            self._help,
            self._hint,
            self._painter,
            self._picture_form,
        )
        return PromptSession(
            completer=completer,
            lexer=LineLexer(
                lambda: self.session.prompt,
                self.session.faults,
                lambda: self.session.catalog.schema is not None,
                self._advice,
            ),
            history=history,
            enable_history_search=True,
            input_processors=[
                MaskSecretsProcessor(
                    lambda: self._prompt.app.is_done, lambda: self.session.prompt, masked
                ),
                ShowControlsProcessor(),
            ],
            complete_while_typing=False,
            multiline=Condition(self._goes_on),
            key_bindings=merge_key_bindings([LineKeys(self._env.keys, context).bindings(), keys]),
            rprompt=self._vi_mode,
            cursor=ViCursorShape(),
            style=self._style,
            color_depth=self._env.depth,
            include_default_pygments_style=False,
            input=self._questions.input,
            output=None if self._is_dumb else self._terminal,
        )

    def _set_style(self, style: BaseStyle) -> None:
        self._style = self._scrollback.style = self._prompt.style = style

    def _prompt_text(self) -> StyleAndTextTuples:
        return [("class:prompt", self.session.prompt)]

    def _hint(self, document: Document) -> Line:
        """Return the hint on what is typed, which the full screen always shows."""
        if not document.text:
            return [("hint", tip_at(self.session.prompt))]
        hint = partial(hint_line, self.session, document.text, document.cursor_position)
        return self._advice.get("hint", hint, list)

    def _help(self, document: Document) -> list[Line]:
        """Return the help on what the cursor is on; [] if none is known."""
        place, width = document.cursor_position, self._scrollback.columns() - 1
        found = partial(help_at_cursor, self.session, document.text, place, width)
        return self._advice.get("help", found, list)

    def _vi_mode(self) -> StyleAndTextTuples:
        """Return vi's mode; it does not stay in the scrollback."""
        app = self._prompt.app
        return [] if app.is_done else [("class:hint.current", mode_word(app))]

    def _prompt_and_text(self) -> str | None:
        """Return the open question, or the prompt and what is typed; None without a prompt."""
        if self._question:
            return self._question
        return self.session.prompt + self._typed_text() if self._typing else None

    def _typed_text(self) -> str:
        return self._prompt.default_buffer.text

    def _has_terminal(self) -> bool:
        return self._typing

    def _application(self) -> Application[str]:
        return self._prompt.app

    def _suspend(self) -> None:
        self._suspender.suspend()

    async def _ask_word(self, label: str, default: str) -> str | None:
        # What is printed meanwhile stands above the question, as it does above a line.
        self._typing = True
        try:
            return await self._questions.word(label, self._style, default)
        finally:
            self._typing = False
            self._scrollback.flush()

    def _detach(self) -> None:
        running = self.session.running
        if self._runner.interrupt() and running is not None and running.task.outcome is None:
            self._reporter.remark(detached_note(running))
        self._driver.turn()

    def _show_turn(self) -> None:
        self._advice.get("progress", self._show_progress, nothing)
        self._advice.get("overview", self._show_overview, nothing)
        self._on_news.set()

    def _show_overview(self) -> None:
        """Print the machine at a glance once it is known, unless a line was sent before."""
        overview = self.session.overview
        if not self._shows_overview or overview is None or not overview.is_over:
            return
        self._shows_overview = False
        if not overview.is_frozen and not self.session.typed:
            # Imported here: the prompt is there before any of it.
            from qmpsh.ui.common.overview import first_lines

            self._scrollback.print(
                first_lines(overview, self._scrollback.columns(), self._reporter.glyphs)
            )

    def _show_progress(self) -> None:
        """Show the bar while a line waits for its end, below all that is printed."""
        running = None if self._typing else self.session.running
        if running is None or running.task.asking or self._runner.elapsed() < SHOW_RUNNING_SECONDS:
            self._scrollback.show_bar([])
        else:
            width = self._scrollback.columns() - 1
            self._scrollback.show_bar(
                progress_line(self.session.works, width, self._reporter.glyphs)
            )

    def _leave(self, exit_code: int) -> None:
        self._exit_code = exit_code
        self._on_news.set()
        self._questions.close()
        if self._typing and self._prompt.app.is_running and not self._prompt.app.is_done:
            self._prompt.app.exit(exception=EOFError)
