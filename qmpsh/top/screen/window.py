"""A window that draws styled lines straight into the cells of a frame.

prompt_toolkit's own copies a text cell by cell through what scrolling, wrapping and cursors need:
of a table that fills a large terminal, that would take most of the time of a frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache

from prompt_toolkit.data_structures import Point
from prompt_toolkit.layout.containers import Window
from prompt_toolkit.layout.controls import UIContent, UIControl
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.screen import Char, Screen, WritePosition
from prompt_toolkit.mouse_events import MouseEvent

from qmpsh.render.theme import LITERAL, Line


class _Keys(UIControl):
    """A control that shows nothing by itself, and may have the keys."""

    def is_focusable(self) -> bool:
        return True

    def create_content(self, width: int, height: int) -> UIContent:
        return UIContent(lambda number: [], 1, show_cursor=False)


class LinesWindow(Window):
    """A window of styled lines, which may have the keys.

    lines:   returns them for a width and a height
    filling: returns the style of cells without text, "" for the terminal's own
    on_mouse: called with what the mouse does on it, where it is in use
    """

    def __init__(
        self,
        lines: Callable[[int, int], list[Line]],
        filling: Callable[[], str],
        on_mouse: Callable[[MouseEvent], None],
    ) -> None:
        super().__init__(_Keys(), always_hide_cursor=True)
        self._lines = lines
        self._filling = filling
        self._on_mouse = on_mouse

    def write_to_screen(  # noqa: PLR0913 - as prompt_toolkit calls it
        self,
        screen: Screen,
        mouse_handlers: MouseHandlers,
        write_position: WritePosition,
        parent_style: str,
        erase_bg: bool,
        z_index: int | None,
    ) -> None:
        """Draw the lines."""
        place, fill = write_position, self._filling()
        lines = self._lines(place.width, place.height)
        rows = mouse_handlers.mouse_handlers
        for number in range(place.height):
            # A row at a time: prompt_toolkit's own way takes as long as the cells do.
            rows[place.ypos + number] = defaultdict(lambda: self._on_mouse)
            row = screen.data_buffer[place.ypos + number]
            cells = line_cells(lines[number], fill) if number < len(lines) else []
            cells = cells[: place.width]
            if fill:
                cells += [_cell(" ", fill)] * (place.width - len(cells))
            row.update(zip(range(place.xpos, place.xpos + len(cells)), cells, strict=True))
        screen.width = max(screen.width, place.xpos + place.width)
        screen.height = max(screen.height, place.ypos + place.height)
        screen.show_cursor = False
        screen.set_cursor_position(self, Point(place.xpos, place.ypos))
        screen.visible_windows_to_write_positions[self] = place


def line_cells(line: Line, fill: str) -> list[Char]:
    """Return the cells of a line: a wide character takes two, a combining one none."""
    cells: list[Char] = []
    for role, text in line:
        style = role[1:] if role[:1] == LITERAL else f"{fill} class:{role}" if role else fill
        if text.isascii():
            cells += _ascii_cells(text, style)
            continue
        for char in text:
            cell = _cell(char, style)
            if cell.width:
                cells.append(cell)
                cells += [_cell("", style)] * (cell.width - 1)
            elif cells:
                cells[-1] = Char(cells[-1].char + char, cells[-1].style)
    return cells


@lru_cache(maxsize=1 << 12)
def _ascii_cells(text: str, style: str) -> tuple[Char, ...]:
    """Return the cells of one text, of which a table has the same ones in most of its rows."""
    return tuple([_cell(char, style) for char in text])


@lru_cache(maxsize=1 << 14)
def _cell(char: str, style: str) -> Char:
    """Return a cell, the same one for the same look: a frame has thousands."""
    return Char(char, style)
