"""Drives a session from the event loop that also reads the keyboard: no thread, no lock.

The file descriptor is always watched for reading, and for writing while there is something to
write. A timer serves deadlines and the clock of a running command.

Also decides when to draw: at once after a key, otherwise at most thirty times a second, since under
a flood of events the screen changes all the time, and a key must not wait for the next frame. Keeps
memory flat without letting Python's garbage collector delay the keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import WindowRenderInfo
from prompt_toolkit.layout.screen import Screen
from prompt_toolkit.renderer import Renderer

from qmpsh.errors import SIGNALLED
from qmpsh.shell.session.session import Session

_TERMINAL_LOST = (errno.EIO, errno.EPIPE, errno.ENXIO)
_RUNNING_THRESHOLD = 10_000
"""Objects between two collections once the prompt is there: memory stays flat under events."""

TICK_SECONDS = 0.25
"""seconds between updates of the clock while a line runs"""


class Driver:
    """The driver of one session, in the event loop.

    after: called at the end of each turn, when the session may have changed
    """

    def __init__(self, session: Session, after: Callable[[], None]) -> None:
        self._session = session
        self._after = after
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd = -1
        self._serial = 0
        self._share_fd = -1
        self._writing = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start in the running loop."""
        self._loop = asyncio.get_running_loop()
        self.turn()

    def turn(self) -> None:
        """Do one turn: poll the session, call `after`, and set up what to wait for next."""
        self._session.poll()
        self._after()
        self.arm()

    def arm(self) -> None:
        """Set up what to wait for; needed after each call that may have sent something."""
        if self._loop is None:
            return
        connection = self._session.connection
        self._watch(self._loop, connection.fileno(), connection.serial)
        self._watch_share(self._loop, self._session.share.fileno())
        self._watch_writing(self._loop, wanted=connection.wants_write)
        self._set_timer(self._loop)

    def stop(self) -> None:
        """Stop watching; harmless if repeated."""
        if self._loop is None:
            return
        self._watch(self._loop, -1, self._serial)
        self._watch_share(self._loop, -1)
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None

    def _watch(self, loop: asyncio.AbstractEventLoop, fd: int, serial: int) -> None:
        """Watch this file descriptor instead of the last one, which may be closed by now."""
        if (fd, serial) == (self._fd, self._serial):
            return
        if self._fd >= 0:
            # The selector raises OSError for a closed file descriptor.
            with contextlib.suppress(OSError):
                self._watch_writing(loop, wanted=False)
            loop.remove_reader(self._fd)
        self._fd, self._serial = fd, serial
        if fd >= 0:
            loop.add_reader(fd, self.turn)

    def _watch_share(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        """Watch the descriptor of the share, which may have ended meanwhile."""
        if fd == self._share_fd:
            return
        if self._share_fd >= 0:
            loop.remove_reader(self._share_fd)
        self._share_fd = fd
        if fd >= 0:
            loop.add_reader(fd, self.turn)

    def _watch_writing(self, loop: asyncio.AbstractEventLoop, *, wanted: bool) -> None:
        if wanted == self._writing or self._fd < 0:
            return
        self._writing = wanted
        if wanted:
            loop.add_writer(self._fd, self.turn)
        else:
            loop.remove_writer(self._fd)

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        delay = self._session.wait()
        if self._session.running is not None:
            delay = TICK_SECONDS if delay is None else min(delay, TICK_SECONDS)
        if delay is not None:
            self._timer = loop.call_later(delay, self.turn)


FRAME_SECONDS = 1 / 30
"""least seconds between two frames not caused by a key"""


class FrameLimiter:
    """A limit of the frame rate. draw: asks the application for a frame, which it draws soon."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._last_frame = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def on_frame(self) -> None:
        """Note that a frame was drawn, for whatever reason; it shows everything so far."""
        self._last_frame = asyncio.get_running_loop().time()
        self.stop()

    def request(self) -> None:
        """Note that there is something new to show. Call it in the running loop."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        delay = self._last_frame + FRAME_SECONDS - loop.time()
        if delay <= 0:
            self._draw()
        else:
            self._timer = loop.call_later(delay, self._due)

    def stop(self) -> None:
        """Cancel a pending frame; harmless if repeated."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._draw()


@contextlib.contextmanager
def freeze_heap() -> Iterator[None]:
    """Leave out of collections, inside this context, what exists already.

    That is mostly what was imported, and visiting it takes a tenth of a second. What is kept of
    events and replies is few objects for the collector, so that a full collection takes 10 ms.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_RUNNING_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class TerminalLoop:
    """The event loop of a front end, which SIGTERM, SIGHUP and the loss of the terminal end.

    A fault of ours in a callback ends it too, and is raised once the terminal is restored.
    leave: ends the front end with an exit code, soon; harmless if repeated
    note:  takes what else the event loop reports
    """

    def __init__(self, leave: Callable[[int], None], note: Callable[[str], None]) -> None:
        self._leave = leave
        self._note = note
        self._fault: BaseException | None = None

    async def run(self, serve: Callable[[], Awaitable[int]]) -> int:
        """Serve the user until the end; return the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_exception)
        loop.add_signal_handler(signal.SIGTERM, self._leave, SIGNALLED + signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup, loop)
        try:
            with freeze_heap():
                exit_code = await serve()
        except (EOFError, OSError):
            # The terminal is gone, so no message could be seen.
            exit_code = self._on_hangup(loop)
        if self._fault is not None:
            raise self._fault
        return exit_code

    def _on_hangup(self, loop: asyncio.AbstractEventLoop) -> int:
        """End at the loss of the terminal, of which the kernel, tmux and sshd each send word: the
        second one must not kill what is still put away. Returns the exit code.
        """
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        exit_code = SIGNALLED + signal.SIGHUP
        self._leave(exit_code)
        return exit_code

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _TERMINAL_LOST:
            self._on_hangup(loop)  # a frame was drawn before its signal came
        elif isinstance(error, BaseException) and self._fault is None:
            self._fault = error
            self._leave(1)
        else:
            self._note(str(context.get("message")))


class DrawnApplication(Protocol):
    """The part of an application that a `FrameCleaner` needs."""

    @property
    def renderer(self) -> Renderer: ...

    @property
    def layout(self) -> Layout: ...


class FrameCleaner:
    """A cleaner that frees the cells of a frame when the next one is drawn.

    prompt_toolkit draws with functions that refer to themselves, to the frame's Screen and to a
    table of where each cell came from: a megabyte. That is still in use when a collection comes,
    and so counts as old: left alone, it would stay until the next full collection.
    """

    def __init__(self) -> None:
        self._screen: Screen | None = None
        self._infos: list[WindowRenderInfo] = []

    def on_frame(self, application: DrawnApplication) -> None:
        """Free the cells of the frame before this one, which nothing reads any more."""
        screen, last = application.renderer.last_rendered_screen, self._screen
        if screen is last:
            return
        if last is not None:
            last.data_buffer.clear()
            last.zero_width_escapes.clear()
            last.visible_windows_to_write_positions.clear()
        windows = application.layout.find_all_windows()
        infos = [window.render_info for window in windows if window.render_info is not None]
        current = set(map(id, infos))
        for info in self._infos:
            if id(info) not in current:
                info._rowcol_to_yx.clear()
        self._screen, self._infos = screen, infos
