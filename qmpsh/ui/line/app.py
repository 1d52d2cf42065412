"""The application of the line prompt: native scrollback, events printed above the line being typed.

The second interactive front end, on the same session, runner and driver as the full screen.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.output import create_output

from qmpsh.advice import nothing
from qmpsh.errors import SIGNALLED, QmpshError
from qmpsh.render.answers import text_body
from qmpsh.render.theme import Glyphs, glyphs_for
from qmpsh.render.units import progress_line
from qmpsh.shell.history import HMP_PROMPT
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.session.session import Connect, Session
from qmpsh.shell.steps import Answer, Ask
from qmpsh.ui.common.driver import Cells, Driver, calm
from qmpsh.ui.common.guard import guard
from qmpsh.ui.common.history import HistorySwitch, SuggestLine, mask_typed
from qmpsh.ui.common.keys import ALT, EDITING, mode_word, watch_escape
from qmpsh.ui.common.runner import LineRunner
from qmpsh.ui.common.setup import SETUP, TerminalSetup
from qmpsh.ui.common.style import (
    NO_ROLES,
    LineLexer,
    MaskTaken,
    ShowControls,
    ViCursor,
    make_style,
    suggester,
    theme_name,
)
from qmpsh.ui.common.suspend import Suspender
from qmpsh.ui.line.keys import LineKeyContext, LineKeys, LineQuestions, PromptSuspension
from qmpsh.ui.line.printer import Printer
from qmpsh.ui.line.scrollback import Scrollback
from qmpsh.ui.screen.blocks import Banner
from qmpsh.ui.screen.menu import SessionCompleter
from qmpsh.ui.screen.output import Redirect
from qmpsh.ui.screen.screen import SHOW_RUNNING, let_go_note

BANNER_WAIT = 0.25
"""seconds that the banner waits for the name and the state of the VM"""


class LineEnvironment(NamedTuple):
    """The terminal and the clocks of the line prompt, where they are not the process's own.

    wall:  Unix time
    clock: like `time.monotonic()`
    """

    input: Input | None = None
    output: Terminal | None = None
    glyphs: Glyphs | None = None
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    setup: TerminalSetup = SETUP


OWN = LineEnvironment()


def run_plain(
    connect: Connect,
    *,
    theme: str = "dark",
    setup: TerminalSetup = SETUP,
    history: History | None = None,
    redirect: Redirect | None = None,
) -> int:
    """Run the line prompt until the user leaves; the exit code. Parameters as of `run_screen`."""
    style = theme_name(theme, colour=setup.colour)
    around = LineEnvironment(setup=setup)
    return asyncio.run(
        LinePrompt(connect, style, history or InMemoryHistory(), redirect, around).run()
    )


class LinePrompt:
    """The line prompt. style: the name of a theme, none for no colour."""

    def __init__(
        self,
        connect: Connect,
        style: str,
        history: History,
        redirect: Redirect | None = None,
        around: LineEnvironment = OWN,
    ) -> None:
        self._glyphs = around.glyphs or glyphs_for(sys.stdout.encoding)
        self._redirect = redirect
        self._setup = around.setup
        self._style = make_style(style, self._setup.roles if self._setup.colour else NO_ROLES)
        self._terminal = around.output or create_output()
        self._questions = LineQuestions(around.input, self._terminal)
        advice = guard(
            lambda text: self._printer.remark(text, Tone.ALARMING),
            lambda: self._prompt.default_buffer.text,
        )
        self._paper = Scrollback(self._terminal, self._style, self._glyphs, self._typed, advice)
        self._paper.depth = self._setup.depth
        self._news = asyncio.Event()
        self._left: int | None = None
        self._fault: BaseException | None = None
        self._typing = False
        self._draft = Document()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._printer = Printer(self._paper, self._glyphs, around.wall)
        self._printer.learned = self._news.set
        self._printer.deliver = None if redirect is None else self._deliver
        self.session: Session = connect(self._printer)
        self._printer.machine = self.session.machine
        self._driver = Driver(self.session, self._after_turn)
        self._runner: LineRunner[None] = LineRunner(
            self.session, self._printer, self._leave, around.clock
        )
        columns, more = self._printer.columns, self._glyphs.more
        completer = SessionCompleter(self.session, columns, more, advice)
        self._prompt = self._make_prompt(history, completer)
        self._printer.completed = lambda: completer.try_again(self._prompt.default_buffer)
        self._suspender = Suspender(self.session, lambda: self._prompt.app, self._driver.turn)
        self._switch = HistorySwitch(
            self._prompt.default_buffer, lambda: self.session.prompt == HMP_PROMPT
        )
        self._prompt.app.ttimeoutlen = ALT
        watch_escape(self._prompt.app, lambda: False)
        self._prefer("editing")
        self.session.preferences.subscribe(self._prefer)
        # A completion may have asked the VM for something.
        self._prompt.app.after_render += lambda _: self._driver.arm()
        self._prompt.app.after_render += Cells().drawn

    async def run(self) -> int:
        """Prompt, run, print, until the user leaves."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave, SIGNALLED + number)
        loop.set_exception_handler(self._failed)
        self._suspender.watch(loop, lambda: self._typing)
        self._driver.start()
        try:
            with calm():
                await self._say_hello()
                while self._left is None:
                    await self._one_line()
            self._paper.flush()
        except OSError:
            # The terminal has gone away, so no message could be seen.
            return SIGNALLED + signal.SIGHUP
        finally:
            self._suspender.stop()
            self._driver.stop()
        if self._fault is not None:
            raise self._fault
        return self._left

    # ------------------------------------------------------------------ the turn of a line

    async def _one_line(self) -> None:
        draft, self._draft = self._draft, Document()
        self._typing = True
        try:
            text = await self._prompt.prompt_async(
                self._message, default=draft, set_exception_handler=False
            )
        except KeyboardInterrupt:
            self._runner.interrupt()
            return
        except PromptSuspension as interlude:
            self._prompt.app.erase_when_done = False
            self._draft = interlude.typed
            await interlude.action()
            return
        except EOFError:
            if self._left is not None or not self.session.asks_to_leave:
                self._left = self._left or 0
                return
            text = ".exit"
        finally:
            self._typing = False
            self._paper.flush()
        self._submit(text)
        await self._until_idle()

    async def _until_idle(self) -> None:
        """Until nothing runs; Ctrl-C detaches from what does."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._let_go)
        try:
            while self._left is None and self.session.running is not None:
                asking = self.session.running.task.asking
                if asking is not None:
                    await self._ask(asking)
                else:
                    self._news.clear()
                    await self._news.wait()
            if self._deliveries:
                await asyncio.wait(self._deliveries)
                self._deliveries.clear()
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _ask(self, asking: Ask) -> None:
        answer = await self._questions.ask(asking, self._style)
        if answer is None:
            self._runner.interrupt()
        elif self.session.running is not None:
            self.session.running.task.reply(answer)
        self._driver.turn()

    def _deliver(self, answer: Answer) -> None:
        self._deliveries.add(asyncio.ensure_future(self._redirected(answer)))

    async def _redirected(self, answer: Answer) -> None:
        try:
            shown = await self._redirect(answer) if self._redirect else ""
            if shown:
                self._printer.reply(text_body(shown))
        except QmpshError as error:
            self._printer.error(error)

    async def _say_hello(self) -> None:
        """The banner, once it is known what VM this is, or a moment later."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BANNER_WAIT
        while not self.session.machine.commands and loop.time() < deadline:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), deadline - loop.time())
            except TimeoutError:
                break
        self._paper.advice.get("banner", self._print_banner, nothing)

    def _print_banner(self) -> None:
        banner = Banner(self.session.machine, self.session.catalog, self._glyphs)
        self._paper.print(banner.lines())

    # ------------------------------------------------------------------ small parts

    def _make_prompt(self, history: History, completer: Completer) -> PromptSession[str]:
        def goes_on() -> bool:
            text = self._prompt.default_buffer.text
            return self._paper.advice.get("rows", lambda: bool(self.session.split(text).rest), bool)

        def masked(text: str) -> str:
            is_hmp = self.session.prompt == HMP_PROMPT
            return mask_typed(text, self.session.catalog.aliases, hmp=is_hmp)

        doings = LineKeyContext(
            self._printer, self._paper.print, self._submit, self._suspend, self._ask_word
        )
        return PromptSession(
            completer=completer,
            lexer=LineLexer(
                lambda: self.session.prompt,
                self.session.faults,
                lambda: self.session.catalog.schema is not None,
                self._paper.advice,
            ),
            history=history,
            auto_suggest=suggester(SuggestLine(), lambda: self._prompt.app),
            enable_history_search=True,
            input_processors=[
                MaskTaken(lambda: self._prompt.app.is_done, lambda: self.session.prompt, masked),
                ShowControls(),
            ],
            complete_while_typing=False,
            multiline=Condition(goes_on),
            key_bindings=LineKeys(self._setup.keys, doings).bindings(),
            rprompt=self._mode,
            cursor=ViCursor(),
            style=self._style,
            color_depth=self._setup.depth,
            include_default_pygments_style=False,
            input=self._questions.input,
            output=self._terminal,
        )

    def _prefer(self, name: str) -> None:
        """Follow what `.set` changes."""
        values = self.session.preferences.values
        if name == "theme":
            self._style = make_style(values.theme, self._setup.roles)
            self._paper.style = self._prompt.style = self._style
        elif name == "editing":
            self._prompt.editing_mode = EDITING[values.editing]

    def _message(self) -> StyleAndTextTuples:
        return [("class:prompt", self.session.prompt)]

    def _mode(self) -> StyleAndTextTuples:
        """vi's mode; it does not stay in the scrollback."""
        app = self._prompt.app
        return [] if app.is_done else [("class:hint.current", mode_word(app))]

    def _typed(self) -> str | None:
        if not self._typing:
            return None
        return self.session.prompt + self._prompt.default_buffer.text

    def _submit(self, line: str) -> None:
        self._runner.submit(line)
        self._driver.turn()

    def _suspend(self) -> None:
        self._suspender.suspend()

    async def _ask_word(self, label: str, default: str) -> str | None:
        # What is printed meanwhile stands above the question, as it does above a line.
        self._typing = True
        try:
            return await self._questions.word(label, self._style, default)
        finally:
            self._typing = False
            self._paper.flush()

    def _let_go(self) -> None:
        running = self.session.running
        if self._runner.interrupt() and running is not None and running.task.outcome is None:
            self._printer.remark(let_go_note(running))
        self._driver.turn()

    def _after_turn(self) -> None:
        self._runner.go_on()
        self._switch.check()
        self._paper.advice.get("progress", self._show_progress, nothing)
        self._news.set()

    def _show_progress(self) -> None:
        """The bar while a line waits for its end, below all that is printed."""
        running = None if self._typing else self.session.running
        if running is None or running.task.asking or self._runner.elapsed() < SHOW_RUNNING:
            self._paper.stand([])
        else:
            width = self._paper.columns() - 1
            self._paper.stand(progress_line(self.session.works, width, self._glyphs))

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A fault of ours in a callback: end, so that the terminal is given back, and raise it."""
        error = context.get("exception")
        if isinstance(error, BaseException) and self._fault is None:
            self._fault = error
            self._leave(1)

    def _leave(self, exit_code: int) -> None:
        self._left = exit_code
        self._news.set()
        self._questions.close()
        if self._typing and self._prompt.app.is_running and not self._prompt.app.is_done:
            self._prompt.app.exit(exception=EOFError)
