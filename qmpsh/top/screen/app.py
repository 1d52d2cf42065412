"""The live table: connects the watch, the state, the keys and the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Final

from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import ConditionalContainer, HSplit, VSplit, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType

from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Event
from qmpsh.render.theme import Line
from qmpsh.top.columns import VmColumn
from qmpsh.top.discovery import Discovery
from qmpsh.top.order import Filter, Order
from qmpsh.top.probe import ProbePlan
from qmpsh.top.record import VmRecord
from qmpsh.top.screen.actions import TopActions
from qmpsh.top.screen.bindings import bind_entry, bind_table
from qmpsh.top.screen.state import FILTER, LINE, TopState
from qmpsh.top.screen.window import LinesWindow
from qmpsh.top.watch import Watch
from qmpsh.ui.common.driver import FrameCleaner, TerminalLoop
from qmpsh.ui.common.front_end import TerminalEnv
from qmpsh.ui.common.keys import ALT_SECONDS
from qmpsh.ui.common.style import filling, fragments
from qmpsh.ui.common.terminal_input import lend_terminal
from qmpsh.ui.screen.terminal import close_terminal, draw_without_waiting, own_terminal

_ANSWERS_SECONDS: Final = 0.1
"""seconds from a tick, or an event, to the frame that shows it: most answers are there"""
_WHEEL: Final = {MouseEventType.SCROLL_DOWN: 3, MouseEventType.SCROLL_UP: -3}
"""rows that one step of the mouse wheel goes on"""
_FIND_SECONDS: Final = 5.0
"""seconds between two searches for VMs"""


class TopRequest(NamedTuple):
    """What the live table is to show. seconds: between two ticks; cpus: of this host

    has_mouse: the mouse is top's to begin with
    """

    discovery: Discovery
    plan: ProbePlan
    order: Order
    columns: tuple[VmColumn, ...]
    seconds: float
    cpus: int = 0
    has_mouse: bool = False


class TopScreen:
    """The live table.

    entry: what is typed in the last row, FILTER or LINE, "" for nothing
    """

    def __init__(self, request: TopRequest, env: TerminalEnv) -> None:
        self._request = request
        self._discovery = request.discovery
        plan = request.plan._replace(on_event=self._on_event)
        self.watch = Watch(plan, request.seconds)
        read_only = plan.settings.read_only
        self.state = TopState(
            request.order, request.columns, env.shown_glyphs(), read_only=read_only
        )
        self.state.holds = plan.holds
        self.state.cpus = request.cpus
        self.state.has_mouse = request.has_mouse
        self.state.seconds = request.seconds
        self.actions = TopActions(self.state, self.watch, self.draw_soon)
        self.entry = ""
        self.buffer = Buffer(multiline=False, accept_handler=self._accept)
        self.buffer.on_text_changed += lambda _: self._typed()
        self._env = env
        self._timer: asyncio.TimerHandle | None = None
        self._frame: asyncio.TimerHandle | None = None
        self._find_at = 0.0
        self.app = self._make_app()
        draw_without_waiting(self.app)

    # -------------------------------------------------------------------- putting together

    def _make_app(self) -> Application[int]:
        keys, entry_keys = KeyBindings(), KeyBindings()
        bind_table(keys, self)
        bind_entry(entry_keys, self)
        self._table = LinesWindow(self._lines, self._filling, self._on_mouse)
        control = BufferControl(self.buffer, key_bindings=entry_keys)
        self._entry = Window(control, height=1)
        typing = Condition(lambda: bool(self.entry))
        label = Window(FormattedTextControl(self._label), dont_extend_width=True, height=1)
        typed = VSplit([label, self._entry], height=1)
        body = HSplit([self._table, ConditionalContainer(typed, typing)], style=self._filling)
        app: Application[int] = Application(
            layout=Layout(body, focused_element=self._table),
            style=self._env.style(),
            color_depth=self._env.depth,
            include_default_pygments_style=False,
            key_bindings=keys,
            full_screen=True,
            mouse_support=Condition(lambda: self.state.has_mouse),
            max_render_postpone_time=None,
            terminal_size_polling_interval=None,
            input=self._env.input,
            output=self._env.output or own_terminal(),
        )
        app.ttimeoutlen = ALT_SECONDS
        app.after_render += FrameCleaner().on_frame
        return app

    def _on_mouse(self, event: MouseEvent) -> None:
        """Select, scroll or sort: the mouse changes no VM."""
        now = time.monotonic()
        if event.event_type is MouseEventType.MOUSE_DOWN:
            self.state.click(event.position.x, event.position.y, now)
        elif event.event_type in _WHEEL:
            self.state.scroll(_WHEEL[event.event_type], now)
        else:
            return
        self.draw()

    def _filling(self) -> str:
        return filling(self.app.style)

    def _lines(self, width: int, height: int) -> list[Line]:
        if self.entry:
            return self.state.lines(width, height)
        return [*self.state.lines(width, height - 1), self.state.foot(width)]

    def _label(self) -> StyleAndTextTuples:
        return fragments([("prompt", f" {self.entry} ")])

    # -------------------------------------------------------------------- running

    async def run(self) -> int:
        """Run until the user leaves; return the exit code. Raises UsageError, CannotConnect."""
        self._discovery.find()
        self._discovery.note = self.state.say  # stderr would be the middle of the table
        self.watch.set_targets(self._discovery.targets)
        self.state.order.literal = self._discovery.literal
        with create_app_session(self._env.input):
            return await self._run()

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTSTP, self._stopped)
        loop.add_reader(self.watch.fileno(), self.turn)
        self.app.style = self._env.heard().style()
        try:
            return await TerminalLoop(self.leave, self.state.say).run(self._serve)
        finally:
            loop.remove_reader(self.watch.fileno())
            for timer in (self._timer, self._frame):
                if timer is not None:
                    timer.cancel()
            self.watch.close()
            close_terminal(self.app.output)

    async def _serve(self) -> int:
        return await self.app.run_async(pre_run=self.turn, set_exception_handler=False)

    def leave(self, code: int) -> None:
        """End with this exit code; harmless if repeated."""
        if self.app.is_running and not self.app.is_done:
            self.app.exit(result=code)

    def turn(self) -> None:
        """Go on with the watch, and wait for what comes next."""
        if self.watch.poll():
            self._on_tick()
        if self._discovery.is_waiting and self._discovery.take_arrivals(time.monotonic()):
            self.watch.set_targets(self._discovery.targets)
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(self.watch.wait(), self.turn)

    def _on_tick(self) -> None:
        now = time.monotonic()
        if now >= self._find_at:
            is_first = not self._find_at
            self._find_at = now + _FIND_SECONDS
            if not is_first:
                self._discovery.find_again()
                self.watch.set_targets(self._discovery.targets)
        self.state.on_tick()
        self.draw_soon()

    def _on_event(self, record: VmRecord, event: Event) -> None:
        self.state.on_event(record, event)
        self.draw_soon()

    def draw_soon(self) -> None:
        """Draw a frame in a moment: what belongs together comes together."""
        if self._frame is None:
            loop = asyncio.get_running_loop()
            self._frame = loop.call_later(_ANSWERS_SECONDS, self.draw)

    def draw(self) -> None:
        """Draw a frame with what is known now."""
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        self.state.update(self.watch.records, time.monotonic())
        shown = {record.target.text for record in self.state.visible_rows}
        for probe in self.watch.probes:
            probe.is_visible = probe.record.target.text in shown
        self.app.invalidate()

    def set_seconds(self, seconds: float) -> None:
        """Look more or less often."""
        self.state.seconds = self.watch.seconds = seconds

    def suspend(self) -> None:
        """Leave all monitors, and stop the process until it is continued.

        A stopped process reads nothing, and a client that does not read makes a VM's process grow.
        """
        self.app.create_background_task(self._suspend())

    async def _suspend(self) -> None:
        async with lend_terminal():
            self._stop(0)  # all of the job, as the terminal would

    def _stopped(self) -> None:
        """Stop, as the terminal or another program wants it."""
        if self.actions.is_lent:
            self._stop(os.getpid())  # the program that has the terminal has restored it
        else:
            self.suspend()

    def _stop(self, pid: int) -> None:
        loop = asyncio.get_running_loop()
        self.watch.release()
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(pid, signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, self._stopped)

    # -------------------------------------------------------------------- the line in the last row

    def begin_entry(self, what: str, text: str = "") -> None:
        """Let the user type in the last row."""
        self.entry = what
        self.buffer.text = text
        self.buffer.cursor_position = len(text)
        self.app.layout.focus(self._entry)

    def end_entry(self) -> None:
        """Stop typing; what was typed for the filter stays."""
        self.entry = ""
        self.app.layout.focus(self._table)

    def _accept(self, buffer: Buffer) -> bool:
        what = self.entry
        self.end_entry()
        if what == LINE:
            self.actions.run_line(buffer.text, self.app)
        return False

    def _typed(self) -> None:
        if self.entry == FILTER:
            self.state.order.filter = Filter(self.buffer.text)
            self.draw()


def run_top(request: TopRequest, env: TerminalEnv) -> int:
    """Show the live table until the user leaves; return the exit code."""
    try:
        return asyncio.run(TopScreen(request, env).run())
    finally:
        request.discovery.close()
