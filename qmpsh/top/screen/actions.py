"""What the keys of the live table do to VMs: a question first, then orders, shells and lines."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from prompt_toolkit.application import Application

from qmpsh.client.client import Pending
from qmpsh.light_typing import NamedTuple
from qmpsh.many.ranges import fold_names
from qmpsh.protocol.messages import Command, ErrorReply
from qmpsh.render.safe import visible_word
from qmpsh.top.record import VmRecord
from qmpsh.top.screen.state import Asking, TopState
from qmpsh.top.watch import Watch
from qmpsh.ui.common.external import POLL_SECONDS
from qmpsh.ui.common.terminal_input import lend_terminal

_LEAVE: Final = "monitors are shared through this table with {count}; leave?"
_NONE: Final = "no VM is selected"
_DOES_NOT: Final = "none of them takes commands now"
_DONE: Final = "{title}: {names}"
_FAILED: Final = "{name}: {reason}"
_ENDED: Final = "Enter goes back to the table "
_PROGRAM: Final = (sys.executable, "-P", "-m", "qmpsh")
"""This very program; -P: no module of the folder that it is started in"""


class VmOrder(NamedTuple):
    """An order to VMs. title: in the question, without the names"""

    title: str
    command: str


PAUSE: Final = VmOrder("pause", "stop")
RESUME: Final = VmOrder("resume", "cont")
POWERDOWN: Final = VmOrder("power down", "system_powerdown")
RESET: Final = VmOrder("reset", "system_reset")


class TopActions:
    """What the keys do to VMs.

    draw:    asks for a frame
    is_lent: another program has the terminal
    """

    def __init__(self, state: TopState, watch: Watch, draw: Callable[[], None]) -> None:
        self._state = state
        self._watch = watch
        self._draw = draw
        self._done: list[str] = []
        self.is_lent = False

    # -------------------------------------------------------------------- orders

    def pause(self) -> None:
        """Pause those that run; if none of them does, resume them."""
        chosen = self._state.order.chosen
        running = [one for one in chosen if one.machine.running]
        self._ask(PAUSE if running else RESUME, running or chosen)

    def power_down(self) -> None:
        """Power them down."""
        self._ask(POWERDOWN, self._state.order.chosen)

    def reset(self) -> None:
        """Reset them."""
        self._ask(RESET, self._state.order.chosen)

    def _ask(self, order: VmOrder, records: Sequence[VmRecord]) -> None:
        """Ask whether to do it, naming the VMs."""
        if not records:
            self._state.say(_NONE, "warning")
            return
        up = [one for one in records if one.is_up]
        if not up:
            self._state.say(_DOES_NOT, "warning")
            return
        texts = [one.target.text for one in up]
        names = visible_word(", ".join(fold_names([one.name for one in up])))
        count = f" {len(up)} VMs:" if len(up) > 1 else ""
        question = f"{order.title}{count} {names}?"
        self._state.asking = Asking(question, lambda: self._send(order, texts))

    def answer(self, *, yes: bool) -> None:
        """Answer the question."""
        asking, self._state.asking = self._state.asking, None
        if asking is not None and yes:
            asking.act()

    def _send(self, order: VmOrder, texts: Sequence[str]) -> None:
        self._done = []

        def done(record: VmRecord, pending: Pending) -> None:
            self._report(order, record, pending)

        for text in texts:
            probe = self._watch.find(text)
            if probe is not None:
                probe.order(Command(order.command), done, time.monotonic())
                self._watch.turn(probe)

    def _report(self, order: VmOrder, record: VmRecord, pending: Pending) -> None:
        reply = pending.reply
        if isinstance(reply, ErrorReply):
            self._state.say(_FAILED.format(name=record.name, reason=reply.desc), "error")
        elif reply is None:
            reason = pending.error or "no answer"
            self._state.say(_FAILED.format(name=record.name, reason=reason), "error")
        else:
            self._done.append(record.name)
            names = ", ".join(fold_names(self._done))
            self._state.say(_DONE.format(title=order.title, names=names))
        self._draw()

    def leave(self, leave: Callable[[], None]) -> None:
        """Leave, after a question if others would lose their monitors with it."""
        count = sum(probe.sharers for probe in self._watch.probes)
        if count:
            self._state.asking = Asking(_LEAVE.format(count=count), leave)
        else:
            leave()

    # -------------------------------------------------------------------- other programs

    def open_shell(self, app: Application[int]) -> None:
        """Open the shell on the selected VM."""
        texts = [one.target.text for one in self._state.order.rows]
        selected = self._state.order.selected
        if selected in texts:
            words = [*_PROGRAM, *self._flags(), "--", selected]
            app.create_background_task(self._run(words, is_shell=True))

    def run_line(self, line: str, app: Application[int]) -> None:
        """Run a line on the chosen VMs, by `-a`, which shows the answers and asks what it must."""
        # The address of one that has ended may mean others: that of `vm[1].sock` is a glob then.
        chosen = self._state.order.chosen
        targets = [f"--all={one.target.text}" for one in chosen if not one.has_ended]
        if not targets:
            self._state.say(_DOES_NOT if chosen else _NONE, "warning")
        elif line.strip():
            words = [*_PROGRAM, *targets, *self._flags(), "--", line]
            app.create_background_task(self._run(words, is_shell=False))

    def _flags(self) -> list[str]:
        return ["--read-only"] if self._state.read_only else []

    async def _run(self, words: Sequence[str], *, is_shell: bool) -> None:
        """Give a program the terminal until it ends; the VMs are watched meanwhile."""
        async with lend_terminal():
            self.is_lent = True
            interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's
            try:
                process = subprocess.Popen(words, preexec_fn=_take_interrupts)
                while process.poll() is None:
                    await asyncio.sleep(POLL_SECONDS)
                if not is_shell:
                    await _wait_for_enter()
            except OSError as error:
                self._state.say(str(error), "error")
                return
            finally:
                self.is_lent = False
                signal.signal(signal.SIGINT, interrupt)
        if is_shell and process.returncode:
            self._state.say(f"the shell ended with {process.returncode}", "warning")
        self._draw()


def _take_interrupts() -> None:
    """Let the new program have Ctrl-C as usual."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


async def _wait_for_enter() -> None:
    """Let the user read what was printed; the event loop goes on."""
    sys.stdout.write(_ENDED)
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    pressed: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        os.read(0, 4096)
        if not pressed.done():
            pressed.set_result(None)

    loop.add_reader(0, read)
    try:
        await pressed
    finally:
        loop.remove_reader(0)
