"""The controls that draw: a pane showing a viewport, a single row, a strip of rows.

Each builds only the visible rows, so a frame takes the same time however long the content is.
"""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.controls import GetLinePrefixCallable, UIContent, UIControl
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.theme import Glyphs, Line
from qmpsh.ui.common.style import fragments
from qmpsh.ui.common.wrap import cut
from qmpsh.ui.screen.viewport import Viewport

if TYPE_CHECKING:
    from prompt_toolkit.key_binding.key_bindings import NotImplementedOrNone

_ROWS_PER_WHEEL_STEP = {MouseEventType.SCROLL_UP: -3, MouseEventType.SCROLL_DOWN: 3}
"""rows that one step of the mouse wheel scrolls"""


class Pane(UIControl):
    """A scrollable pane. view: returns what it shows, per frame; title: an optional fixed row."""

    def __init__(
        self,
        view: Callable[[], Viewport],
        title: Callable[[int], Line] | None = None,
        advice: Advice = UNGUARDED,
    ) -> None:
        self._view = view
        self._title = title
        self._advice = advice

    def create_content(self, width: int, height: int) -> UIContent:
        """Make rows that fit the window, so that it never scrolls by itself."""
        return content(self._advice.get("pane", lambda: self._rows(width, height), list))

    def _rows(self, width: int, height: int) -> list[Line]:
        rows: list[Line] = [self._title(width)] if self._title else []
        return rows + self._view().visible_rows(width, height - len(rows))

    def mouse_handler(self, mouse_event: MouseEvent) -> NotImplementedOrNone:
        """Scroll with the wheel; other events are not handled."""
        rows = _ROWS_PER_WHEEL_STEP.get(mouse_event.event_type)
        if rows is None:
            return NotImplemented
        self._view().scroll(rows)
        return None


class RowControl(UIControl):
    """A control with one line, made for the available width; what does not fit is cut off.

    kind: what it is.
    """

    def __init__(
        self, line: Callable[[int], Line], glyphs: Glyphs, kind: str, advice: Advice = UNGUARDED
    ) -> None:
        self._line = line
        self._glyphs = glyphs
        self._kind = kind
        self._advice = advice

    def create_content(self, width: int, height: int) -> UIContent:
        return content([self._advice.get(self._kind, lambda: self._cut(width), list)])

    def _cut(self, width: int) -> Line:
        return cut(self._line(width), width, self._glyphs.more)


class RowsControl(UIControl):
    """A control with any number of rows, even none, made for the available width.

    kind: what they are.
    """

    def __init__(
        self, rows: Callable[[int], list[Line]], kind: str = "", advice: Advice = UNGUARDED
    ) -> None:
        self._make = rows
        self._kind = kind
        self._advice = advice

    def _rows(self, width: int) -> list[Line]:
        return self._advice.get(self._kind, lambda: self._make(width), list)

    def create_content(self, width: int, height: int) -> UIContent:
        return content(self._rows(width))

    def preferred_height(
        self,
        width: int,
        max_available_height: int,
        wrap_lines: bool,
        get_line_prefix: GetLinePrefixCallable | None,
    ) -> int:
        return len(self._rows(width))


def content(rows: list[Line]) -> UIContent:
    """Return rows as prompt_toolkit needs them: at least one, and defined for any index."""

    def get_line(number: int) -> StyleAndTextTuples:
        return fragments(rows[number]) if 0 <= number < len(rows) else []

    return UIContent(get_line=get_line, line_count=max(1, len(rows)), show_cursor=False)
