"""Draws the line being typed, for terminals that are slow or read aloud: what is there stays.

prompt_toolkit draws a line again when it is done, and asks the terminal at each prompt for the
place of its cursor. Here only what has changed is drawn, and the place is never asked for.
"""

from __future__ import annotations

from prompt_toolkit.application import Application
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import DynamicContainer
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.screen import Char, Screen, WritePosition
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import Renderer
from prompt_toolkit.utils import is_dumb_terminal

_LEFT = frozenset({"class:accepted", "class:exiting"})
"""prompt_toolkit's styles of a line that was entered, or left empty"""

_LAST_ROW = " class:last-line"
"""prompt_toolkit's style of a window's last row, which changes when a menu opens below it"""


class LineRenderer(Renderer):
    """A renderer that ends a line by moving below it."""

    def render(self, app: Application[object], layout: Layout, is_done: bool = False) -> None:
        if app.exit_style in _LEFT:
            # Whatever it looks like, the line would be drawn again.
            app.exit_style = ""
        super().render(app, layout)
        if is_done:
            self._finish(layout)

    def _finish(self, layout: Layout) -> None:
        size = self.output.get_size()
        rows = layout.container.preferred_height(size.columns, size.rows).preferred
        self.output.reset_attributes()
        self.output.write_raw("\r" + "\r\n" * max(1, rows - self._cursor_pos.y))
        self.output.erase_down()
        self.output.enable_autowrap()
        self.output.flush()
        self.reset()


class _WithoutLastRow(DynamicContainer):
    """A container whose rows have the same style wherever they are."""

    def write_to_screen(  # noqa: PLR0913 - prompt_toolkit's own
        self,
        screen: Screen,
        mouse_handlers: MouseHandlers,
        write_position: WritePosition,
        parent_style: str,
        erase_bg: bool,
        z_index: int | None,
    ) -> None:
        super().write_to_screen(
            screen, mouse_handlers, write_position, parent_style, erase_bg, z_index
        )
        for row in screen.data_buffer.values():
            for column, cell in row.items():
                if _LAST_ROW in cell.style:
                    row[column] = Char(cell.char, cell.style.replace(_LAST_ROW, ""))


def draw_quietly(app: Application[str]) -> None:
    """Give an application this renderer."""
    container = app.layout.container
    app.layout.container = _WithoutLastRow(lambda: container)
    app.renderer = LineRenderer(app.renderer.style, app.output)


def own_output() -> Output:
    """Return the process's own terminal, which is not asked where its cursor is."""
    output = create_output()
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False
        if is_dumb_terminal():
            output._cursor_visible = True  # else it is shown by a sequence before the first prompt
    return output
