"""The controls that draw: a pane onto a viewport, and a single line.

Each builds only the rows that are seen, so that a frame costs the same however much there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.controls import GetLinePrefixCallable, UIContent, UIControl
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType

from qmpsh.tui.rows import cut
from qmpsh.tui.style import fragments
from qmpsh.tui.viewport import Viewport
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.theme import Line

if TYPE_CHECKING:
    from prompt_toolkit.key_binding.key_bindings import NotImplementedOrNone

_WHEEL = {MouseEventType.SCROLL_UP: -3, MouseEventType.SCROLL_DOWN: 3}
"""rows that one notch of the wheel scrolls"""


class Pane(UIControl):
    """view: what it looks onto, asked for each frame; title: a first row that stays."""

    def __init__(
        self, view: Callable[[], Viewport], title: Callable[[int], Line] | None = None
    ) -> None:
        self._view = view
        self._title = title

    def create_content(self, width: int, height: int) -> UIContent:
        """See prompt_toolkit. The rows fit the window, so that it never scrolls by itself."""
        rows: list[Line] = [self._title(width)] if self._title else []
        rows += self._view().view(width, height - len(rows))
        return content(rows)

    def mouse_handler(self, mouse_event: MouseEvent) -> NotImplementedOrNone:
        """See prompt_toolkit. The wheel scrolls; nothing else is for us."""
        rows = _WHEEL.get(mouse_event.event_type)
        if rows is None:
            return NotImplemented
        self._view().scroll(rows)
        return None


class Row(UIControl):
    """One line, made for the width there is; what does not fit is cut off."""

    def __init__(self, line: Callable[[int], Line], glyphs: Glyphs) -> None:
        self._line = line
        self._glyphs = glyphs

    def create_content(self, width: int, height: int) -> UIContent:
        """See prompt_toolkit."""
        return content([cut(self._line(width), width, self._glyphs.more)])


class Strip(UIControl):
    """As many rows as there are, none at times; made for the width there is."""

    def __init__(self, rows: Callable[[int], list[Line]]) -> None:
        self._rows = rows

    def create_content(self, width: int, height: int) -> UIContent:
        """See prompt_toolkit."""
        return content(self._rows(width))

    def preferred_height(
        self,
        width: int,
        max_available_height: int,
        wrap_lines: bool,
        get_line_prefix: GetLinePrefixCallable | None,
    ) -> int:
        """See prompt_toolkit."""
        return len(self._rows(width))


def content(rows: list[Line]) -> UIContent:
    """Rows as prompt_toolkit takes them: at least one, and any number may be asked for."""

    def get_line(number: int) -> StyleAndTextTuples:
        return fragments(rows[number]) if 0 <= number < len(rows) else []

    return UIContent(get_line=get_line, line_count=max(1, len(rows)), show_cursor=False)
