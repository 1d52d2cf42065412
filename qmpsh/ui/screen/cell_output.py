"""prompt_toolkit's output to a terminal, in the fewest bytes: a slow line shows each of them.

prompt_toolkit compares styles by name, colours each run in full, resets the look before it moves to
another row, and steps over what stands between two changes. Here its calls only say what the
screen's cells are to show; `Cells` finds what that takes.
"""

from __future__ import annotations

from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Attrs
from prompt_toolkit.utils import get_cwidth

from qmpsh.ui.screen.cells import Cells

_AT_ONCE = 160
"""characters; while more are drawn, the cursor is hidden: it would be seen to move about"""


class CellOutput(Vt100_Output):
    """A terminal of which the full screen, while it is shown, writes only the cells that change."""

    _cells: Cells | None = None
    _x = _y = 0
    _look = ""
    _shows_cursor = True

    def enter_alternate_screen(self) -> None:
        super().enter_alternate_screen()
        self._begin()

    def quit_alternate_screen(self) -> None:
        self._settle()
        self._cells = None
        super().quit_alternate_screen()

    def write(self, data: str) -> None:
        """Write one character, or go to the start of a row below."""
        if self._cells is None:
            super().write(data)
        elif data.startswith("\r"):
            self._x = 0
            self._y += data.count("\n")
        else:
            width = get_cwidth(data) or 1
            self._cells.put(self._x, self._y, data.replace("\x1b", "?"), width, self._look)
            self._x += width

    def set_attributes(self, attrs: Attrs, color_depth: ColorDepth) -> None:
        super().set_attributes(attrs, color_depth)
        if self._cells is not None:
            # What was just appended is ESC [ 0 ; look m.
            self._look = self._buffer.pop()[len("\x1b[0;") : -1]

    def reset_attributes(self) -> None:
        self._look = ""
        if self._cells is None:
            super().reset_attributes()

    def cursor_up(self, amount: int) -> None:
        self._y = max(0, self._y - amount)
        if self._cells is None:
            super().cursor_up(amount)

    def cursor_forward(self, amount: int) -> None:
        self._x += amount
        if self._cells is None:
            super().cursor_forward(amount)

    def cursor_backward(self, amount: int) -> None:
        self._x = max(0, self._x - amount)
        if self._cells is None:
            super().cursor_backward(amount)

    def erase_end_of_line(self) -> None:
        if self._cells is None:
            super().erase_end_of_line()
        else:
            self._cells.clear_after(self._x, self._y)

    def erase_down(self) -> None:
        """Erase what is below; the screen is always erased from its first cell."""
        if self._cells is not None:
            self.write_raw("\x1b[m\x1b[H")
            self._begin()
        super().erase_down()

    def hide_cursor(self) -> None:
        self._shows_cursor = False
        if self._cells is None:
            super().hide_cursor()

    def show_cursor(self) -> None:
        self._shows_cursor = True
        if self._cells is None:
            super().show_cursor()

    def flush(self) -> None:
        self._settle()
        super().flush()

    def _begin(self) -> None:
        self._cells = Cells(self.get_size().columns)
        self._x = self._y = 0
        self._look = ""

    def _settle(self) -> None:
        """Write what the cells are to show."""
        if self._cells is None:
            return
        text = self._cells.changes(self._x, self._y)
        is_hidden = not self._shows_cursor or len(text) > _AT_ONCE
        if is_hidden:
            super().hide_cursor()
        self.write_raw(text)
        if self._shows_cursor:
            super().show_cursor()
