"""Draws the line being typed, for terminals that are slow or read aloud: what is there stays.

prompt_toolkit draws a line again when it is done, and asks the terminal at each prompt for the
place of its cursor. Here only what has changed is drawn, and the place is never asked for.
"""

from __future__ import annotations

from prompt_toolkit.application import Application
from prompt_toolkit.layout import Layout
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import Renderer

_ACCEPTED = "class:accepted"
"""prompt_toolkit's style of a line that was entered"""


class LineRenderer(Renderer):
    """A renderer that ends a line by moving below it."""

    def render(self, app: Application[object], layout: Layout, is_done: bool = False) -> None:
        if app.exit_style == _ACCEPTED:
            # Without looks of its own, it would be drawn again all the same.
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


def quiet_renderer(app: Application[str]) -> LineRenderer:
    """Return a renderer for an application."""
    return LineRenderer(app.renderer.style, app.output)


def own_output() -> Output:
    """Return the process's own terminal, which is not asked where its cursor is."""
    output = create_output()
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False
    return output
