"""Prints lines that stay on the terminal: above the prompt if there is one, else at once.

What comes while a line is typed is collected for a moment, so that a flood of events redraws the
prompt ten times a second, not two thousand times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import BaseStyle
from prompt_toolkit.utils import is_dumb_terminal

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.protocol.messages import Event
from qmpsh.render.events import event_line, fold_key
from qmpsh.render.plots import rows_taken
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.ui.common.style import fragments
from qmpsh.ui.common.wrap import cut

GATHER_SECONDS = 0.1
"""seconds"""

LINES_PER_PRINT = 500
"""lines printed at once: each printing costs as much as many lines, and holds them all"""

_LARGE_EVENT_BYTES = 16 * 1024  # bytes of an event


class _WaitingEvent:
    """An event waiting to be printed, and how often it has come meanwhile."""

    __slots__ = ("event", "repeats", "seconds")

    def __init__(self, event: Event, seconds: float) -> None:
        self.event = event
        self.seconds = seconds
        self.repeats = 1


class Scrollback:
    """The terminal of the line prompt, printed to line by line.

    typed: returns prompt and text of the line being typed, None without a prompt
    depth: of the colours, None for the terminal's own
    """

    def __init__(
        self,
        terminal: Terminal,
        style: BaseStyle,
        glyphs: Glyphs,
        typed: Callable[[], str | None],
        advice: Advice = UNGUARDED,
    ) -> None:
        self.advice = advice
        self._terminal = terminal
        self.style = style
        self.depth: ColorDepth | None = None
        self._glyphs = glyphs
        self._typed = typed
        self._waiting: list[Iterable[Line] | _WaitingEvent] = []
        self._timer: asyncio.TimerHandle | None = None
        self._printing: asyncio.Future[None] | None = None
        self._is_flooded = False
        self._bar: Line = []
        self._drawing: list[Line] = []

    def columns(self) -> int:
        """Return the columns of the terminal."""
        return self._terminal.get_size().columns

    def rows(self) -> int:
        """Return the rows of the terminal above the prompt."""
        return max(2, self._terminal.get_size().rows - 2)

    def print(self, lines: Iterable[Line]) -> None:
        """Print lines, which are made one after the other as they are printed."""
        self._waiting.append(lines)
        self._schedule()

    def print_event(self, event: Event, seconds: float) -> None:
        """Print an event on one line; waiting repeats share a line. seconds: Unix time."""
        last = self._waiting[-1] if self._waiting else None
        if event.size > _LARGE_EVENT_BYTES:
            # Not kept to be compared, only what is to be seen of it.
            self._waiting.append([self._event_line(_WaitingEvent(event, seconds))])
        elif isinstance(last, _WaitingEvent) and fold_key(last.event) == fold_key(event):
            last.repeats += 1
        else:
            self._waiting.append(_WaitingEvent(event, seconds))
        self._schedule()

    def flush(self) -> None:
        """Print what waits, now."""
        self._cancel_timer()
        self._write()

    def show_bar(self, line: Line) -> None:
        """Keep a line below all that is printed, replacing the last one; an empty line removes it.

        It must be narrower than the terminal, and there must be no prompt.
        """
        # A dumb terminal could not erase it.
        if line != self._bar and not is_dumb_terminal():
            self._erase_bar()
            self._bar = line
            self._draw_bar()
            self._terminal.flush()

    def show_drawing(self, lines: list[Line]) -> None:
        """Keep lines below all that is printed, above the bar, replacing the last ones.

        They must be narrower than the terminal, and there must be no prompt.
        """
        self._erase_bar()
        self._drawing = lines
        self._draw_bar()
        self._terminal.flush()

    def keep_drawing(self) -> None:
        """Leave the lines where they are, as if they had been printed."""
        self._drawing = []

    def _schedule(self) -> None:
        if self._typed() is None:
            self.flush()
        elif self._is_flooded:
            pass
        elif len(self._waiting) >= LINES_PER_PRINT:
            # A flood: what waits takes more memory than what was printed.
            self._is_flooded = True
            self._cancel_timer()
            self._print_above()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._print_above)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _print_above(self) -> None:
        self._timer = None
        typed = self._typed()
        if typed is None or not is_dumb_terminal():
            self._printing = asyncio.ensure_future(run_in_terminal(self._write))
        else:
            # A dumb terminal cannot erase the prompt: leave it, and write it again.
            self._terminal.write("\r\n")
            self._write()
            self._terminal.write(typed)
            self._terminal.flush()

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._is_flooded = False
        self._erase_bar()
        lines = self._lines_of(waiting)
        while piece := list(islice(lines, LINES_PER_PRINT)):
            self._write_lines(piece)
        self._draw_bar()
        self._terminal.flush()

    def _event_line(self, item: _WaitingEvent) -> Line:
        event, more = item.event, self._glyphs.more
        line = event_line(event.name, event.data, item.seconds, item.repeats, self._glyphs)
        return cut(line, self.columns(), more)

    def _lines_of(self, waiting: list[Iterable[Line] | _WaitingEvent]) -> Iterator[Line]:
        for item in waiting:
            if isinstance(item, _WaitingEvent):
                yield self.advice.get(
                    "events", partial(self._event_line, item), partial(_bare_event, item)
                )
            else:
                yield from self._guarded(item)

    def _guarded(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines, as far as they can be made."""
        made = iter(lines)
        while (line := self.advice.get("output", lambda: next(made, None), _no_line)) is not None:
            yield line

    def _write_lines(self, lines: list[Line]) -> None:
        if is_dumb_terminal():
            self._terminal.write("".join(f"{plain(line)}\r\n" for line in lines))
        else:
            self._put([part for line in lines for part in (*line, ("", "\n"))])

    def _put(self, line: Line) -> None:
        print_formatted_text(self._terminal, fragments(line), self.style, color_depth=self.depth)

    def _draw_bar(self) -> None:
        if self._drawing:
            self._write_lines(self._drawing)
        if self._bar:
            self._put(self._bar)

    def _erase_bar(self) -> None:
        if self._bar or self._drawing:
            self._terminal.write_raw("\r")
            self._terminal.cursor_up(rows_taken(self._drawing, self.columns()))
            self._terminal.erase_down()


def _bare_event(item: _WaitingEvent) -> Line:
    return [("dim", visible_word(item.event.name))]


def _no_line() -> Line | None:
    return None
