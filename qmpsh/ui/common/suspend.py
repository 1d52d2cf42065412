"""Ctrl-Z: disconnects from the monitor while the process is stopped, and reconnects afterwards.

A stopped process reads nothing, and a client that does not read makes the VM's process grow
(wire.md section 4).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import set_app

from qmpsh.render.safe import visible_word
from qmpsh.shell.machine import ConnectionState
from qmpsh.shell.session.session import Session
from qmpsh.ui.common.terminal_input import lend_terminal, lent_mode

T = TypeVar("T")


class Suspender:
    """What stops and continues the process.

    app:  returns the application that uses the terminal
    turn: called when the session may have something to do
    """

    def __init__(
        self, session: Session, app: Callable[[], Application[T]], turn: Callable[[], None]
    ) -> None:
        self._session = session
        self._app = app
        self._turn = turn
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_terminal: Callable[[], bool] = lambda: False

    def watch(self, loop: asyncio.AbstractEventLoop, has_screen: Callable[[], bool]) -> None:
        """Handle SIGTSTP too, which the terminal sends while another program has the keys.

        has_screen: whether the application has the terminal, and must restore it first
        """
        self._loop, self._has_terminal = loop, has_screen
        loop.add_signal_handler(signal.SIGTSTP, self._signalled)

    def stop(self) -> None:
        """Stop handling SIGTSTP."""
        if self._loop is not None:
            self._loop.remove_signal_handler(signal.SIGTSTP)
            self._loop = None

    def suspend(self) -> None:
        """Restore the terminal and stop the whole job; take the terminal again afterwards."""
        self._app().create_background_task(self._suspend())

    async def _suspend(self) -> None:
        # A user who disconnected by hand stays disconnected.
        wants_back = self._disconnect()
        # A signal handler does not run in the application's context.
        with set_app(self._app()):
            async with lend_terminal():
                self._stop_process(group=True, says=wants_back)
        self._reconnect(wanted=wants_back)

    def _signalled(self) -> None:
        if self._has_terminal():
            self.suspend()
            return
        # The rest of the job received the signal as well.
        wants_back = self._disconnect()
        with lent_mode():
            self._stop_process(group=False, says=wants_back)
        self._reconnect(wanted=wants_back)

    def _disconnect(self) -> bool:
        machine = self._session.machine
        if machine.connection is ConnectionState.DISCONNECTED:
            return False
        self._session.connection.disconnect()
        self._turn()
        return True

    def _stop_process(self, *, group: bool, says: bool) -> None:
        if self._loop is None:
            return
        if says:
            output, machine = self._app().output, self._session.machine
            back = ".reconnect takes it again" if machine.owner else "fg reconnects"
            output.write_raw(f"qmpsh: disconnected from {visible_word(machine.address)}; {back}\n")
            output.flush()
        self._loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(0 if group else os.getpid(), signal.SIGTSTP)
        self._loop.add_signal_handler(signal.SIGTSTP, self._signalled)

    def _reconnect(self, *, wanted: bool) -> None:
        if wanted:
            self._session.connection.resume()
        self._turn()
