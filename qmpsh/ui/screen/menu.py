"""The completion menu: the session's candidates as prompt_toolkit's completions, and its window.

It also opens by itself, after a pause, if there are few candidates. Then it is only an offer:
nothing in it is selected, the arrows still move in the history, and the VM is not asked for values
that only an explicit Tab may ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Point
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, has_completions, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.containers import ConditionalContainer, Float, Window
from prompt_toolkit.layout.controls import UIContent
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.margins import ConditionalMargin, ScrollbarMargin
from prompt_toolkit.layout.menus import CompletionsMenuControl

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.render.tables import padded, text_columns
from qmpsh.render.theme import Line, plain
from qmpsh.ui.common.completer import VALUES, Offer, cut_text, fitted
from qmpsh.ui.common.wrap import cut, line_width, part

_NAME = "class:completion-menu.completion"
_META = "class:completion-menu.meta.completion"
_MIN_NAME_COLUMNS = 5


class MenuControl(CompletionsMenuControl):
    """The menu's content: names, kinds and documentation in columns that fit the rows in view.

    rows:    most rows, called for each frame
    columns: of the terminal
    more:    marks what was cut off
    """

    def __init__(
        self,
        rows: Callable[[], int],
        columns: Callable[[], int],
        more: str,
        advice: Advice = UNGUARDED,
    ) -> None:
        self._rows = rows
        self._columns = columns
        self._more = more
        self._advice = advice
        self.top = 0

    def preferred_width(self, max_available_width: int) -> int | None:
        def width() -> int:
            lines = self._lines(max_available_width)
            return line_width(lines[0]) if lines else 0

        return self._advice.get("menu", width, lambda: 0)

    def create_content(self, width: int, height: int) -> UIContent:
        return self._advice.get("menu", lambda: self._content(width), UIContent)

    def _content(self, width: int) -> UIContent:
        lines, top = self._lines(width), self.top
        state = get_app().current_buffer.complete_state
        if state is None or not lines:
            return UIContent()

        def get_line(number: int) -> StyleAndTextTuples:
            in_view = top <= number < top + len(lines)
            return [*lines[number - top]] if in_view else []

        place = Point(x=0, y=state.complete_index or 0)
        return UIContent(get_line, len(state.completions), place)

    def _lines(self, width: int) -> list[Line]:
        """Return the rows in view; the last ends in the place in the list, if that is longer."""
        state = get_app().current_buffer.complete_state
        found = [one for one in state.completions if isinstance(one, Offer)] if state else []
        if state is None or not found:
            return []
        index, rows = state.complete_index, max(1, min(self._rows(), len(found)))
        self.top = scrolled(self.top, index or 0, rows, len(found))
        shown = found[self.top : self.top + rows]
        place = f"{'' if index is None else f'{index + 1}/'}{len(found)} "
        lines = self._table(shown, None if index is None else index - self.top, width)
        return _with_place(lines, place, width, self._more) if rows < len(found) else lines

    def _table(self, shown: Sequence[Offer], current: int | None, width: int) -> list[Line]:
        kinds, are_values = (
            [one.kind for one in shown],
            all(one.candidate.form in VALUES for one in shown),
        )
        columns = fitted(kinds, self._columns(), self._more, values=are_values)
        most = max(_MIN_NAME_COLUMNS, width - 2)
        names = [cut(one.name, most, self._more) for one in shown]
        name_width = max(_MIN_NAME_COLUMNS, *map(line_width, names))
        room = max(0, width - name_width - 4)
        metas = [cut_text(columns.meta(one.kind, one.doc), room, self._more) for one in shown]
        meta_width = max(map(text_columns, metas))
        lines = []
        for number, (shown_name, meta) in enumerate(zip(names, metas, strict=True)):
            mark = ".current" if number == current else ""
            name = [(f"{_NAME}{mark} {style}", text) for style, text in shown_name]
            gap = " " * (name_width - line_width(shown_name) + 1)
            row = [(f"{_NAME}{mark}", " "), *name, (f"{_NAME}{mark}", gap)]
            if meta_width:
                text = padded(meta, meta_width, self._more, right=False)
                row.append((f"{_META}{mark}", f" {text} "))
            lines.append(row)
        return lines


def scrolled(top: int, index: int, rows: int, count: int) -> int:
    """Return the first row in view, moved as little as shows the selected one and its neighbours.

    top: the first one so far; index: of the selected one; rows: in view; count: of the whole list
    """
    margin = 1 if rows > 2 else 0
    top = min(top, index - margin)
    top = max(top, index + margin - rows + 1)
    return max(0, min(top, count - rows))


def _with_place(lines: list[Line], place: str, width: int, more: str) -> list[Line]:
    """Return the rows with a text at the end of the last one. width: the most that there is"""
    last = _trimmed(lines[-1])
    columns = min(width, max(line_width(lines[0]), line_width(last) + text_columns(place) + 2))
    padded = [[*line, (line[-1][0], " " * (columns - line_width(line)))] for line in lines]
    left = cut(last, max(0, columns - text_columns(place) - 1), more)
    gap = " " * (columns - line_width(left) - text_columns(place))
    return [*padded[:-1], [*left, (lines[-1][-1][0], gap + place)]]


def _trimmed(line: Line) -> Line:
    """Return a row without the blanks at its end."""
    return part(line, 0, len(plain(line).rstrip()))


class MenuFloat(Float):
    """The menu's place, beside the cursor and above the status line.

    prompt: where the cursor is; None for a list of the screen's whole width
    below: rows from the bottom of the screen up to and including the status line
    """

    def __init__(
        self,
        menu: ConditionalContainer,
        prompt: Window | None,
        height: Callable[[], int],
        below: Callable[[], int],
    ) -> None:
        self._below = below
        left = None if prompt is not None else 0
        super().__init__(
            menu,
            xcursor=prompt is not None,
            left=left,
            right=left,
            height=height,
            attach_to_window=prompt,
        )

    @property
    def bottom(self) -> int | None:
        """Rows below it."""
        return self._below()

    @bottom.setter
    def bottom(self, rows: int | None) -> None:
        """Ignore it: the number is computed for each frame."""


def menu_height(buffer: Buffer, most: int) -> int:
    """Return the rows of the menu."""
    state = buffer.complete_state
    return max(1, min(most, len(state.completions))) if state else 1


def menu_window(
    buffer: Buffer, control: MenuControl, max_height: Callable[[], int]
) -> ConditionalContainer:
    """Make the menu's window.

    buffer:     whose candidates to show
    max_height: most rows, called for each frame
    """

    def is_longer() -> bool:
        state = buffer.complete_state
        return state is not None and len(state.completions) > max_height()

    window = Window(
        control,
        width=Dimension(min=8),
        height=lambda: Dimension(min=1, max=max(1, max_height())),
        get_vertical_scroll=lambda window: control.top,
        right_margins=[ConditionalMargin(ScrollbarMargin(), Condition(is_longer))],
        dont_extend_width=True,
        style="class:completion-menu",
        z_index=10,
    )
    return ConditionalContainer(window, filter=has_completions & ~is_done)


OPEN_AFTER_SECONDS = 0.4
"""seconds without a key"""

MAX_OFFERED = 8
"""most candidates"""


class AutoMenu:
    """What opens the menu by itself, after a pause.

    wanted: whether the line has the keys and nothing covers it
    """

    def __init__(self, buffer: Buffer, wanted: Callable[[], bool]) -> None:
        self._buffer = buffer
        self._wanted = wanted
        self._timer: asyncio.TimerHandle | None = None
        self._asked: Document | None = None
        self._is_ours = False
        self._was_open = False
        buffer.on_text_changed += self._changed
        buffer.on_text_insert += self._inserted
        buffer.on_completions_changed += self._menu_changed

    @property
    def is_open(self) -> bool:
        """Whether the menu opened by itself and nothing in it has been selected."""
        state = self._buffer.complete_state
        return self._is_ours and state is not None and state.complete_index is None

    def offer_again(self) -> None:
        """Offer values that came from the VM, unless something was typed since."""
        if self._asked is not None and self._asked == self._buffer.document:
            self._open()

    def _changed(self, buffer: Buffer) -> None:
        self._asked = None
        self._was_open, self._is_ours = self._is_ours, False
        self._cancel_timer()

    def _menu_changed(self, buffer: Buffer) -> None:
        """Open nothing over a menu that Tab opened, nor after Escape has closed it."""
        self._is_ours = self._is_ours and buffer.complete_state is not None
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _inserted(self, buffer: Buffer) -> None:
        """Narrow an open menu in the same frame, so that it stays where it is; else wait."""
        if self._was_open:
            self._open()
        if not self._is_ours:
            self._timer = asyncio.get_running_loop().call_later(OPEN_AFTER_SECONDS, self._open)

    def _open(self) -> None:
        self._timer = None
        buffer = self._buffer
        if not (buffer.text and self._wanted() and buffer.complete_state is None):
            return
        document = self._asked = buffer.document
        found = self._offers(document)
        if len(found) <= MAX_OFFERED and any(_says_more(one, document) for one in found):
            self._is_ours = True
            buffer.complete_state = CompletionState(document, [*found])
            buffer.on_completions_changed.fire()

    def _offers(self, document: Document) -> list[Offer]:
        completer, event = self._buffer.completer, CompleteEvent(text_inserted=True)
        found = completer.get_completions(document, event)
        return [one for one in found if isinstance(one, Offer)]


def _says_more(offer: Offer, document: Document) -> bool:
    """Whether there is more in a name than what is typed."""
    typed = document.text_before_cursor[document.cursor_position + offer.start_position :]
    return offer.candidate.text.rstrip(" =") != typed
