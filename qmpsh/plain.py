"""The line prompt: native scrollback, events printed above the line being typed.

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
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import DummyHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import PasswordProcessor
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.output import create_output

from qmpsh.errors import QmpshError
from qmpsh.shell.aliases import HMP_PROMPT
from qmpsh.shell.life import Tone
from qmpsh.shell.outcome import Answer, Ask, AskSecret, Note
from qmpsh.tui.banner import Banner
from qmpsh.tui.driver import Driver
from qmpsh.tui.eventfilter import EventFilter
from qmpsh.tui.history import Switch
from qmpsh.tui.lexing import LineLexer
from qmpsh.tui.menu import SessionCompleter
from qmpsh.tui.paper import Paper
from qmpsh.tui.preferring import EDITING
from qmpsh.tui.prompt import question_line
from qmpsh.tui.reporter import TONES, Redirect, farewell
from qmpsh.tui.runner import Runner, split_lines
from qmpsh.tui.safety import ShowControls
from qmpsh.tui.screen import let_go_note
from qmpsh.tui.seam import Connect, Session
from qmpsh.tui.setup import SETUP, Setup
from qmpsh.tui.style import NO_ROLES, fragments, make_style, theme_name
from qmpsh.tui.suspend import Suspender
from qmpsh.view.answers import Body, Kind, answer_body, error_body, text_body
from qmpsh.view.glyphs import Glyphs, glyphs_for
from qmpsh.view.jsontext import compact
from qmpsh.wire.messages import ErrorReply, Event, Reply

BANNER_WAIT = 0.25
"""seconds that the banner waits for the name and the state of the VM"""

SIGNALLED = 128


class Surroundings(NamedTuple):
    """The terminal and the clock, where they are not the process's own. wall: Unix time."""

    input: Input | None = None
    output: Terminal | None = None
    glyphs: Glyphs | None = None
    wall: Callable[[], float] = time.time
    setup: Setup = SETUP


OWN = Surroundings()


def run_plain(
    connect: Connect,
    *,
    theme: str = "dark",
    setup: Setup = SETUP,
    history: History | None = None,
    redirect: Redirect | None = None,
) -> int:
    """Run the line prompt until the user leaves; the exit code. Parameters as of `run_screen`."""
    style = theme_name(theme, colour=setup.colour)
    around = Surroundings(setup=setup)
    return asyncio.run(Plain(connect, style, history or InMemoryHistory(), redirect, around).run())


class Plain:
    """A `Watcher` for the session and a `Presenter` for the runner, both on paper."""

    def __init__(
        self,
        connect: Connect,
        style: str,
        history: History,
        redirect: Redirect | None = None,
        around: Surroundings = OWN,
    ) -> None:
        self._glyphs = around.glyphs or glyphs_for(sys.stdout.encoding)
        self._wall = around.wall
        self._redirect = redirect
        self._setup = around.setup
        self._style = make_style(style, self._setup.roles if self._setup.colour else NO_ROLES)
        self._input = around.input
        self._terminal = around.output or create_output()
        self._paper = Paper(self._terminal, self._style, self._glyphs, self._typed)
        self._filter = EventFilter()
        self._paper.depth = self._setup.depth
        self._news = asyncio.Event()
        self._left: int | None = None
        self._fault: BaseException | None = None
        self._typing = False
        self._deliveries: set[asyncio.Task[None]] = set()
        self.session: Session = connect(self)
        self._driver = Driver(self.session, self._after_turn)
        self._runner: Runner[None] = Runner(self.session, self, self._leave)
        self._completer = SessionCompleter(self.session, self.columns, self._glyphs.more)
        self._prompt = self._make_prompt(history)
        self._suspender = Suspender(self.session, lambda: self._prompt.app, self._driver.turn)
        self._switch = Switch(
            self._prompt.default_buffer, lambda: self.session.prompt == HMP_PROMPT
        )
        # A completion may have asked the VM for something.
        self._prefer("editing")
        self.session.preferences.subscribe(self._prefer)
        self._prompt.app.after_render += lambda _: self._driver.arm()

    async def run(self) -> int:
        """Prompt, run, print, until the user leaves."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave, SIGNALLED + number)
        loop.set_exception_handler(self._failed)
        self._suspender.watch(loop, lambda: self._typing)
        self._driver.start()
        try:
            await self._say_hello()
            while self._left is None:
                await self._one_line()
            self._paper.flush()
        except OSError:
            # The terminal has gone away, and with it whoever could be told.
            return SIGNALLED + signal.SIGHUP
        finally:
            self._suspender.stop()
            self._driver.stop()
        if self._fault is not None:
            raise self._fault
        return self._left

    # ------------------------------------------------------------------ told by the session

    def event(self, event: Event) -> None:
        """See Watcher."""
        if self._filter.shows(event.name):
            seconds = self._wall() if event.seconds is None else event.seconds
            self._paper.print_event(event, seconds)

    def stray(self, reply: Reply | ErrorReply) -> None:
        """See Watcher."""
        self._say(text_body("a reply that belongs to no command:", Kind.DIM))
        self._say(text_body(compact(reply.raw), Kind.JSON))

    def refresh(self) -> None:
        """See Watcher."""
        self._news.set()

    def facts(self) -> None:
        """See Watcher."""
        self._completer.try_again(self._prompt.default_buffer)

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """See Watcher."""
        self._filter = EventFilter(patterns)

    def lost(self, error: QmpshError) -> None:
        """See Watcher."""
        self._say(text_body(farewell(self.session.machine, error), Kind.WARNING))

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """See Watcher."""
        self._say(text_body(text, TONES[tone]))

    def columns(self) -> int:
        """See Watcher."""
        return self._terminal.get_size().columns

    # ------------------------------------------------------------------ told by the runner

    def begin(self, prompt: str, line: str) -> None:
        """See Presenter. The line stands where it was typed."""

    def show(self, key: None, item: Answer | Note) -> None:
        """See Presenter."""
        if isinstance(item, Note):
            self._say(text_body(item.text, Kind.DIM))
        elif item.redirect is None or item.failed or self._redirect is None:
            self._say(answer_body(item, width=self.columns(), more=self._glyphs.more))
        else:
            delivery = asyncio.ensure_future(self._deliver(self._redirect, item))
            self._deliveries.add(delivery)

    def error(self, error: QmpshError) -> None:
        """See Presenter."""
        self._say(error_body(error))

    # ------------------------------------------------------------------ the turn of a line

    async def _one_line(self) -> None:
        self._typing = True
        try:
            text = await self._prompt.prompt_async(self._message, set_exception_handler=False)
        except KeyboardInterrupt:
            self._runner.interrupt()
            return
        except EOFError:
            if self._left is not None or not self.session.asks_to_leave:
                self._left = self._left or 0
                return
            text = ".exit"
        finally:
            self._typing = False
            self._paper.flush()
        self._runner.submit(text)
        self._driver.turn()
        await self._until_idle()

    async def _until_idle(self) -> None:
        """Until nothing runs; Ctrl-C lets go of what does."""
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
        question: PromptSession[str] = PromptSession(
            key_bindings=_question_keys(asking),
            style=self._style,
            include_default_pygments_style=False,
            input=self._input,
            output=self._terminal,
        )
        message = [*fragments(question_line(asking)), ("", " ")]
        if isinstance(asking, AskSecret):
            await self._ask_secret(message)
            return
        key = await question.prompt_async(message, set_exception_handler=False)
        if key and self.session.running is not None:
            self.session.running.task.reply(key)
        else:
            self._runner.interrupt()
        self._driver.turn()

    async def _ask_secret(self, message: StyleAndTextTuples) -> None:
        entry: PromptSession[str] = PromptSession(
            input_processors=[PasswordProcessor(char="")],
            history=DummyHistory(),
            style=self._style,
            include_default_pygments_style=False,
            input=self._input,
            output=self._terminal,
        )
        try:
            typed = await entry.prompt_async(message, set_exception_handler=False)
        except (KeyboardInterrupt, EOFError):
            self._runner.interrupt()
        else:
            if self.session.running is not None:
                self.session.running.task.reply(typed)
        self._driver.turn()

    async def _deliver(self, redirect: Redirect, answer: Answer) -> None:
        try:
            shown = await redirect(answer)
            if shown:
                self._say(text_body(shown))
        except QmpshError as error:
            self.error(error)

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
        banner = Banner(self.session.machine, self.session.catalog, self._glyphs)
        self._paper.print(banner.lines())

    # ------------------------------------------------------------------ small parts

    def _make_prompt(self, history: History) -> PromptSession[str]:
        def goes_on() -> bool:
            text = self._prompt.default_buffer.text
            return bool(split_lines(text, self.session.needs_more)[1])

        keys = KeyBindings()
        for key in self._setup.keys:
            for names in key.keys if key.handler == "toggle_hmp" else ():
                keys.add(*names.split(" "))(self._toggle_hmp)
        keys.add("c-z")(lambda event: self._suspender.suspend())
        return PromptSession(
            completer=self._completer,
            lexer=LineLexer(
                lambda: self.session.prompt,
                self.session.faults,
                lambda: self.session.catalog.schema is not None,
            ),
            history=history,
            auto_suggest=AutoSuggestFromHistory(),
            enable_history_search=True,
            input_processors=[ShowControls()],
            complete_while_typing=False,
            multiline=Condition(goes_on),
            key_bindings=keys,
            style=self._style,
            color_depth=self._setup.depth,
            include_default_pygments_style=False,
            input=self._input,
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

    def _typed(self) -> str | None:
        if not self._typing:
            return None
        return self.session.prompt + self._prompt.default_buffer.text

    def _toggle_hmp(self, event: KeyPressEvent) -> None:
        self._runner.submit(".hmp")
        self._driver.turn()

    def _say(self, body: Body) -> None:
        self._paper.print(body.line(index) for index in range(len(body.lines)))

    def _let_go(self) -> None:
        running = self.session.running
        if self._runner.interrupt() and running is not None and running.task.outcome is None:
            self._say(text_body(let_go_note(running), Kind.DIM))
        self._driver.turn()

    def _after_turn(self) -> None:
        self._runner.go_on()
        self._switch.check()
        self._news.set()

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A fault of ours in a callback: end, so that the terminal is given back, and raise it."""
        error = context.get("exception")
        if isinstance(error, BaseException) and self._fault is None:
            self._fault = error
            self._leave(1)

    def _leave(self, exit_code: int) -> None:
        self._left = exit_code
        self._news.set()
        if self._typing and self._prompt.app.is_running and not self._prompt.app.is_done:
            self._prompt.app.exit(exception=EOFError)


def _question_keys(asking: Ask) -> KeyBindings:
    """One key answers; Enter the first choice; Escape, Ctrl-C and Ctrl-D none."""
    keys = KeyBindings()

    def choose(event: KeyPressEvent) -> None:
        if event.data in dict(asking.choices):
            event.app.exit(result=event.data)

    keys.add(Keys.Any)(choose)
    keys.add("enter")(lambda event: event.app.exit(result=asking.choices[0][0]))
    for key in ("escape", "c-c", "c-d"):
        keys.add(key, eager=True)(lambda event: event.app.exit(result=""))
    return keys
