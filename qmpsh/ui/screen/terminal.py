"""Draws frames without waiting for the terminal: one that takes nothing, such as after a dead ssh,
must not hold up those who share the monitor.

What does not fit is written when there is room again; until then no other frame is drawn, so that
at most one waits. Whatever else is written, as on leaving the screen, waits for the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from prompt_toolkit.application import Application
from prompt_toolkit.layout import Layout
from prompt_toolkit.output import ColorDepth, Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import Renderer

from qmpsh.ui.screen.cell_output import CellOutput

_FLAGS = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC


class FrameOutput(CellOutput):
    """The process's own terminal, to which frames are written as far as it takes them.

    on_room: called when a frame that did not fit is written
    """

    _fd = -1
    _rest = b""
    _is_drawing = False

    def open_own(self) -> None:
        """Open the terminal once more: O_NONBLOCK would hold for all who share an open file.

        Where that is refused, as after su, frames wait for the terminal.
        """
        self.on_room: Callable[[], None] = lambda: None
        with contextlib.suppress(OSError):
            self._fd = os.open(os.ttyname(self.stdout.fileno()), _FLAGS)

    def close_own(self) -> None:
        """Close it; what is left of a frame is written by the next flush."""
        if self._fd >= 0:
            self._stop_waiting()
            os.close(self._fd)
            self._fd = -1

    @property
    def is_full(self) -> bool:
        """Whether a part of the last frame is still to be written."""
        return bool(self._rest)

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """Meanwhile `flush` does not wait."""
        self._is_drawing = self._fd >= 0
        try:
            yield
        finally:
            self._is_drawing = False

    def bell(self) -> None:
        """Ring, unless that would have to wait."""
        if not self._rest:
            super().bell()

    def flush(self) -> None:
        """Write what is there."""
        self._settle()
        if self._is_drawing:
            text, self._buffer = "".join(self._buffer), []
            self._rest += text.encode(self.encoding() or "utf-8", "replace")
            self._write_rest()
            return
        if self._rest:
            self._stop_waiting()
            rest, self._rest = self._rest, b""
            self.stdout.buffer.write(rest)
            self.stdout.flush()
        super().flush()

    def _write_rest(self) -> None:
        """Write as much of a frame as the terminal takes now. Raises OSError if it is gone."""
        with contextlib.suppress(BlockingIOError):
            while self._rest:
                self._rest = self._rest[os.write(self._fd, self._rest) :]
        if self._rest:
            asyncio.get_running_loop().add_writer(self._fd, self._go_on)

    def _go_on(self) -> None:
        try:
            self._write_rest()
        except OSError:
            self._rest = b""  # the terminal is gone, which the next frame will find as well
        if not self._rest:
            self._stop_waiting()
            self.on_room()

    def _stop_waiting(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            asyncio.get_running_loop().remove_writer(self._fd)


class FrameRenderer(Renderer):
    """A renderer that draws no frame while the terminal has not taken the last one."""

    _was_left_out = False

    def render(self, app: Application[object], layout: Layout, is_done: bool = False) -> None:
        output = self.output
        if is_done or not isinstance(output, FrameOutput):
            super().render(app, layout, is_done)
        elif output.is_full:
            self._was_left_out = True
        else:
            with output.drawing():
                super().render(app, layout, is_done)

    def erase(self, leave_alternate_screen: bool = True) -> None:
        if not leave_alternate_screen and isinstance(self.output, FrameOutput):
            with self.output.drawing():  # another size: a whole frame follows
                super().erase(leave_alternate_screen)
            return
        super().erase(leave_alternate_screen)

    def take_left_out(self) -> bool:
        """Return whether a frame was left out since the last call."""
        was_left_out, self._was_left_out = self._was_left_out, False
        return was_left_out


def own_terminal() -> Output:
    """Return the process's own terminal; one that frames need not wait for, if it can be."""
    output = create_output()
    if type(output) is not Vt100_Output:
        return output
    terminal = FrameOutput.from_pty(
        sys.stdout,
        term=output.term,
        default_color_depth=ColorDepth.from_env(),
        enable_bell=output.enable_bell,
    )
    if not isinstance(terminal, FrameOutput):
        return output
    terminal.open_own()
    return terminal


def close_terminal(output: Output) -> None:
    """Close what `own_terminal` has opened."""
    if isinstance(output, FrameOutput):
        output.close_own()


def draw_without_waiting(app: Application[int]) -> None:
    """Draw an application's frames as far as its terminal takes them."""
    output, before = app.output, app.renderer
    if not isinstance(output, FrameOutput):
        return
    renderer = FrameRenderer(
        before.style,
        output,
        full_screen=before.full_screen,
        mouse_support=before.mouse_support,
        cpr_not_supported_callback=before.cpr_not_supported_callback,
    )
    app.renderer = renderer

    def on_room() -> None:
        if renderer.take_left_out():
            app.invalidate()

    output.on_room = on_room
