"""The line prompt: what is typed, what is printed above it, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pyte
import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import is_dumb_terminal

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import CommandFailed, ConnectionLost, LineSyntaxError, UsageError
from qmpsh.language.syntax import Redirect
from qmpsh.protocol.messages import Event, Reply
from qmpsh.render.theme import UNICODE
from qmpsh.shell.session.session import SessionListener
from qmpsh.shell.steps import Answer, Ask, Note, Outcome
from qmpsh.ui.common.style import make_style
from qmpsh.ui.line.app import LineEnvironment, LinePrompt
from tests.ui.fakes import FakeSession, answers, asks, changes_prompt, held, refused
from tests.ui.stage import TERM, WALL
from tests.waiting import PATIENCE

T = TypeVar("T")
COLUMNS, ROWS = 70, 24
QUIT = Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))


class PlainStage:
    """A line prompt that runs on a terminal in memory."""

    def __init__(self, pipe: PipeInput) -> None:
        self.exit_code: int | None = None
        self.has_ended = False
        self.sent = ""
        self.now = 1000.0
        self._pipe = pipe
        self._bytes = io.StringIO()
        self._terminal = pyte.Screen(COLUMNS, ROWS)
        self._parser = pyte.Stream(self._terminal)
        size = Size(rows=ROWS, columns=COLUMNS)
        term = "dumb" if is_dumb_terminal() else TERM
        terminal = Vt100_Output(self._bytes, lambda: size, term=term, enable_cpr=False)
        around = LineEnvironment(pipe, terminal, UNICODE, lambda: WALL, lambda: self.now)
        self._sessions: list[FakeSession] = []
        self.plain = LinePrompt(self._connect, "dark", InMemoryHistory(), self._redirect, around)

    @property
    def session(self) -> FakeSession:
        return self._sessions[0]

    async def perform(self) -> None:
        try:
            self.exit_code = await self.plain.run()
        finally:
            self.has_ended = True
            self.session.close()

    def keys(self, text: str) -> None:
        self._pipe.send_text(text)

    def lines(self) -> list[str]:
        """What the terminal shows, without the empty rows below."""
        self.sent += self._bytes.getvalue()
        self._parser.feed(self._bytes.getvalue())
        self._bytes.seek(0)
        self._bytes.truncate()
        return "\n".join(line.rstrip() for line in self._terminal.display).rstrip().split("\n")

    async def until(self, predicate: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not (value := predicate()):
            shown = "\n".join(self.lines())
            assert loop.time() < deadline, f"never; instead:\n{shown}"
            await asyncio.sleep(0.005)
        return value

    async def sees(self, *texts: str) -> None:
        """Wait until these are the last lines."""
        await self.until(lambda: self.lines()[-len(texts) :] == list(texts))

    def _connect(self, watcher: SessionListener) -> FakeSession:
        self._sessions.append(FakeSession(watcher))
        self.session.learn()
        return self.session

    async def _redirect(self, answer: Answer) -> str:
        if answer.value is None:
            raise UsageError("cannot write it")
        return f"redirected {answer.value}"


@contextlib.asynccontextmanager
async def plain_stage() -> AsyncIterator[PlainStage]:
    with create_pipe_input() as pipe:
        on = PlainStage(pipe)
        task = asyncio.create_task(on.perform())
        try:
            yield on
        finally:
            if not on.has_ended:
                os.kill(os.getpid(), signal.SIGTERM)
            await task


def on_stage(scene: Callable[[PlainStage], Awaitable[None]]) -> None:
    """Run a scene at a prompt that has been shown."""

    async def run() -> None:
        async with plain_stage() as on:
            await on.sees("(QEMU)")
            await scene(on)

    asyncio.run(run())


def event(name: str, **data: str | int) -> Event:
    return Event(name, dict(data), WALL, {})


def test_the_banner_is_complete() -> None:
    async def scene(on: PlainStage) -> None:
        assert on.lines() == [
            "Connected to QEMU 7.2.22 (Debian 1:7.2+dfsg-7)",
            "vm1 · paused (prelaunch) · ./monitor.sock",
            "216 commands · 52 events · Tab completes · F1 keys · .help",
            "(QEMU)",
        ]

    on_stage(scene)


def test_a_line_and_its_reply() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["query-x"] = answers(Answer("query-x", value={"a": 1}, size=20))
        on.keys("query-x\rstop\r")
        await on.sees("(QEMU) query-x", "{", '  "a": 1', "}", "(QEMU) stop", "{}", "(QEMU)")

    on_stage(scene)


def test_events_come_above_the_line_being_typed() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("device_add dri")
        await on.sees("(QEMU) device_add dri")
        on.session.tell(event("STOP"))
        for _ in range(37):
            on.session.tell(event("DEVICE_DELETED", device="net1", path="/p\x1b[2J"))
        await on.sees(
            "22:30:31.120 STOP",
            f"22:30:31.120 DEVICE_DELETED {UNICODE.times}37 device=net1 path=/p\\x1b[2J",
            "(QEMU) device_add dri",
        )

    on_stage(scene)


def test_events_that_no_pattern_fits_are_not_printed() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.watcher.filter_events(("R*",))
        on.session.tell(event("STOP"))
        on.session.tell(event("RESUME"))
        await on.sees("22:30:31.120 RESUME", "(QEMU)")
        assert not any("STOP" in line for line in on.lines())

    on_stage(scene)


def test_a_long_event_stays_one_line() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.tell(event("EVENT", device="x" * 100))
        await on.until(lambda: on.lines()[-2].endswith("…"))
        assert len(on.lines()[-2]) == COLUMNS

    on_stage(scene)


def test_events_come_while_a_command_runs() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["slow"] = held("slow", Note("done"))
        on.keys("slow\r")
        await on.until(lambda: on.session.running is not None)
        on.session.tell(event("STOP"))
        await on.sees("(QEMU) slow", "22:30:31.120 STOP")
        on.session.release("slow")
        await on.sees("22:30:31.120 STOP", "done", "(QEMU)")

    on_stage(scene)


def test_errors() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["a"] = refused(CommandFailed("GenericError", "no"))
        on.session.script["b c"] = refused(LineSyntaxError("what is c?", "b c", (2, 3)))
        on.keys("a\rb c\r")
        await on.sees(
            "(QEMU) a", "GenericError: no", "(QEMU) b c", "b c", "  ^", "what is c?", "(QEMU)"
        )

    on_stage(scene)


def test_an_open_bracket_goes_on() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("a b={\r}\r")
        await on.until(lambda: on.session.lines == ["a b={\n}"])

    on_stage(scene)


def test_completion_and_what_comes_later() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("device_del id=\t")
        await on.sees("(QEMU) device_del id=")

        def learn() -> None:
            on.session.candidates = [Candidate("id=net0", 11), Candidate("id=net1", 11)]
            on.session.watcher.facts()

        on.session.later(learn)
        await on.until(lambda: any("net1" in line for line in on.lines()))

    on_stage(scene)


def test_hmp_mode() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
        on.keys("inf\x1b[18~o")
        await on.sees("(hmp) info")

    on_stage(scene)


@pytest.mark.parametrize("key, chosen", [("q", "q"), ("\r", "l"), ("x c", "c")])
def test_one_key_answers(key: str, chosen: str) -> None:
    async def scene(on: PlainStage) -> None:
        taken: list[str] = []

        def done(session: FakeSession, choice: str) -> Outcome:
            taken.append(choice)
            return Outcome()

        on.session.script["quit"] = asks(QUIT, done)
        on.keys("quit\r")
        await on.sees("quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel")
        on.keys(key)
        await on.until(lambda: taken == [chosen])

    on_stage(scene)


@pytest.mark.parametrize("key", ["\x03", "\x04", "\x1b"])
def test_a_question_can_be_refused(key: str) -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome(9, leave=True))
        on.keys("quit\r")
        await on.sees("quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel")
        on.keys(key)
        await on.sees("(QEMU)")
        assert on.session.running is None

    on_stage(scene)


def test_an_interrupt_lets_go() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["slow"] = held("slow", Note("done"))
        on.keys("slow\r")
        await on.until(lambda: on.session.running is not None)
        os.kill(os.getpid(), signal.SIGINT)
        await on.sees("detached from slow: its reply is shown when it comes", "(QEMU)")
        on.session.release("slow")
        await on.sees("done", "(QEMU)")

    on_stage(scene)


def test_ctrl_c_drops_the_line() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("stop\x03")
        await on.sees("(QEMU) stop", "(QEMU)")
        assert on.session.lines == []

    on_stage(scene)


def test_ctrl_d_leaves() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("\x04")
        await on.until(lambda: on.has_ended)
        assert on.exit_code == 0

    on_stage(scene)


def test_a_line_can_end_the_shell() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["quit"] = asks(QUIT, lambda session, key: Outcome(3, leave=key == "l"))
        on.keys("quit\r")
        await on.sees("quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel")
        on.keys("\r")
        await on.until(lambda: on.has_ended)
        assert on.exit_code == 3

    on_stage(scene)


def test_a_signal_leaves() -> None:
    async def scene(on: PlainStage) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await on.until(lambda: on.has_ended)
        assert on.exit_code == 128 + signal.SIGTERM

    on_stage(scene)


def test_the_loss_is_one_line_and_the_prompt_stays() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.script["slow"] = held("slow")
        on.keys("stop")
        await on.sees("(QEMU) stop")
        on.session.machine.farewell = "SHUTDOWN guest-reset"
        on.session.lose()
        await on.sees(
            "SHUTDOWN guest-reset: the VM has ended. Waiting for ./monitor.sock to",
            "come back; Ctrl-D leaves.",
            "(QEMU) stop",
        )
        on.session.script["stop"] = refused(ConnectionLost("the connection is gone"))
        on.keys("\r")
        await on.sees("(QEMU) stop", "error: the connection is gone", "(QEMU)")
        on.session.come_back("reconnected to vm1 (QEMU 7.2.22)")
        await on.sees("reconnected to vm1 (QEMU 7.2.22)", "(QEMU)")

    on_stage(scene)


def test_redirects() -> None:
    async def scene(on: PlainStage) -> None:
        redirect = Redirect("|", "wc", (0, 1))
        on.session.script["a"] = answers(Answer("a", value=7, redirect=redirect, size=20))
        on.session.script["b"] = answers(Answer("b", value=None, redirect=redirect, size=20))
        on.keys("a\rb\r")
        await on.sees("(QEMU) a", "redirected 7", "(QEMU) b", "error: cannot write it", "(QEMU)")

    on_stage(scene)


def test_a_reply_that_belongs_to_nobody() -> None:
    async def scene(on: PlainStage) -> None:
        stray = Reply("x", 1, 20, {"return": 1, "id": "x"})
        on.session.later(lambda: on.session.watcher.stray(stray))
        await on.sees("a reply that belongs to no command:", '{"return": 1, "id": "x"}', "(QEMU)")

    on_stage(scene)


def test_a_fault_of_ours_is_raised() -> None:
    async def scene(on: PlainStage) -> None:
        def fault() -> None:
            raise ZeroDivisionError

        on.session.later(fault)
        await on.until(lambda: on.has_ended)

    with pytest.raises(ZeroDivisionError):
        on_stage(scene)


def test_a_dumb_terminal_gets_no_escape_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("sto")
        await on.until(lambda: on.lines()[-1] == "(QEMU) sto")
        on.session.tell(event("STOP"))
        await on.sees("(QEMU) sto", "22:30:31.120 STOP", "(QEMU) sto")
        on.keys("p\r")
        await on.sees("(QEMU) stop", "{}", "(QEMU)")

    monkeypatch.setenv("TERM", "dumb")
    on_stage(scene)


def test_a_dumb_terminal_is_suggested_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("stop\r")
        await on.until(lambda: on.session.lines == ["stop"])
        await on.sees("(QEMU) stop", "{}", "(QEMU)")
        suggest = on.plain._prompt.default_buffer.auto_suggest
        assert suggest is not None
        buffer = on.plain._prompt.default_buffer
        assert suggest.get_suggestion(buffer, Document("sto")) is None
        on.plain._prompt.app.style = make_style("none", {"dim": "italic"})
        assert suggest.get_suggestion(buffer, Document("sto")) is not None

    monkeypatch.setenv("TERM", "dumb")
    on_stage(scene)
