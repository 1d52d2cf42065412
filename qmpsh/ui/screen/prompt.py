"""The line being typed: its window, and the question that may replace it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import has_focus, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout.containers import Window
from prompt_toolkit.layout.controls import (
    BufferControl,
    SearchBufferControl,
)
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import (
    AppendAutoSuggestion,
    ConditionalProcessor,
    HighlightIncrementalSearchProcessor,
    HighlightMatchingBracketProcessor,
    Transformation,
    TransformationInput,
)

from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line
from qmpsh.shell.steps import Ask
from qmpsh.ui.common.completer import cut_text
from qmpsh.ui.common.style import LineLexer, ShowControlsProcessor, question_line
from qmpsh.ui.common.wrap import wrap
from qmpsh.ui.screen.panes import RowsControl
from qmpsh.ui.screen.state import ScreenState

if TYPE_CHECKING:
    from qmpsh.complete.hints import Fault

MAX_PROMPT_ROWS = 6
"""rows that the line may take on any screen with enough room; on a large screen it may take two
thirds, so that pasted text can be read before it runs
"""


def prompt_window(
    screen: ScreenState,
    buffer: Buffer,
    search: SearchBufferControl,
    rows: Callable[[], int],
) -> Window:
    """Return the line's window: the prompt precedes the first row, dots precede the others.

    rows: of the terminal, called for each frame
    """
    session = screen.session

    def prefix(line_number: int, wrap_count: int) -> StyleAndTextTuples:
        prompt = session.prompt
        if line_number == 0 and wrap_count == 0:
            return [("class:prompt", prompt)]
        mark = "... " if wrap_count == 0 else ""
        return [("class:dim", mark.rjust(len(prompt)))]

    def faults(text: str) -> Sequence[Fault]:
        """Return the errors; none for several pasted lines, each of which is checked in turn."""
        several = "\n" in text and session.split(text).total > 1
        return () if several else session.faults(text)

    control = BufferControl(
        buffer,
        input_processors=[
            HighlightIncrementalSearchProcessor(),
            HighlightMatchingBracketProcessor(chars="[]{}"),
            ConditionalProcessor(RowSuggestion(screen), has_focus(buffer) & ~is_searching),
            ShowControlsProcessor(),
        ],
        lexer=LineLexer(
            lambda: session.prompt,
            faults,
            lambda: session.catalog.schema is not None,
            screen.output.advice,
        ),
        search_buffer_control=search,
        menu_position=lambda: menu_start(buffer),
        preview_search=True,
        include_default_input_processors=False,
    )
    return Window(
        control,
        height=lambda: Dimension(min=1, max=most_rows(rows())),
        dont_extend_height=True,
        wrap_lines=True,
        get_line_prefix=prefix,
    )


class RowSuggestion(AppendAutoSuggestion):
    """What is suggested, as far as the row has room for it: it never adds a row to the line."""

    def __init__(self, screen: ScreenState) -> None:
        super().__init__()
        self._screen = screen

    def apply_transformation(self, ti: TransformationInput) -> Transformation:
        typed, shown = ti.fragments, super().apply_transformation(ti).fragments
        if len(shown) == len(typed) or not shown[-1][1]:
            return Transformation(shown)
        columns = max(1, ti.width - len(self._screen.session.prompt))
        used = sum(text_columns(fragment[1]) for fragment in typed) % columns
        room = max(0, columns - used - 1)  # the cursor may stand after it
        text = cut_text(shown[-1][1], room, self._screen.glyphs.more)
        return Transformation([*typed, (self.style, text)])


def menu_start(buffer: Buffer) -> int | None:
    """Return where the menu begins: its names, after a blank, are below what is typed of them."""
    state = buffer.complete_state
    if state is None or not state.completions:
        return None
    before = state.original_document.text_before_cursor
    start = len(before) + min(one.start_position for one in state.completions)
    return start - 1 if start > 0 and before[start - 1] != "\n" else start


def most_rows(rows: int) -> int:
    """Return how many rows the line may take, leaving room for status, hint and a row of output.

    rows: of the terminal
    """
    return max(1, min(max(MAX_PROMPT_ROWS, rows * 2 // 3), rows - 3))


class QuestionControl(RowsControl):
    """The question that replaces the prompt and takes the keys meanwhile."""

    def __init__(self, asking: Callable[[], Ask | None], keys: KeyBindings) -> None:
        super().__init__(self._wrapped)
        self._asking = asking
        self._keys = keys

    def is_focusable(self) -> bool:
        return True

    def get_key_bindings(self) -> KeyBindings:
        return self._keys

    def _wrapped(self, width: int) -> list[Line]:
        ask = self._asking()
        return wrap(question_line(ask), width) if ask else [[]]
