"""Arranges the screen: output beside events, then status line, prompt and hint.

Knows the name of each region, but not what is in it.
"""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import (
    ConditionalContainer,
    Float,
    FloatContainer,
    HSplit,
    VSplit,
    Window,
)
from prompt_toolkit.layout.dimension import Dimension

from qmpsh.light_typing import NamedTuple
from qmpsh.render.theme import Line
from qmpsh.shell.steps import Ask
from qmpsh.ui.common.runner import LineRunner
from qmpsh.ui.screen.entries import HistorySearch
from qmpsh.ui.screen.history_list import HistoryMode
from qmpsh.ui.screen.job_view import JobsControl
from qmpsh.ui.screen.menu import MenuControl, MenuFloat, menu_height, menu_window
from qmpsh.ui.screen.output import Echo
from qmpsh.ui.screen.panes import Pane, RowControl, RowsControl
from qmpsh.ui.screen.prompt import QuestionControl, prompt_window
from qmpsh.ui.screen.state import ScreenState


class Regions(NamedTuple):
    """The regions of the finished layout.

    layout:                  the whole
    prompt, question, entry, jobs: the windows that may have the keys
    """

    layout: Layout
    prompt: Window
    question: Window
    entry: Window
    jobs: Window


def make_layout(  # noqa: PLR0913 - all that is laid out
    screen: ScreenState,
    runner: LineRunner[Echo],
    buffer: Buffer,
    keys: KeyBindings,
    *,
    list_keys: KeyBindings,
    rows: Callable[[], int],
    style: Callable[[], str],
) -> Regions:
    """Make the layout.

    keys, list_keys: for the question and the list of jobs only
    rows: of the terminal; style: of all cells; both called per frame
    """
    search = HistorySearch(buffer)
    prompt = prompt_window(screen, buffer, search.control, rows)
    question = _question_window(lambda: screen.question, keys)
    asking = Condition(lambda: screen.question is not None)
    entry = screen.entry_row
    entering = Condition(lambda: entry.is_open) & ~asking
    listing = Condition(lambda: screen.jobs.is_open)
    jobs = Window(JobsControl(screen.jobs, list_keys, screen.output.advice))
    body = HSplit(
        [
            _panes(screen, runner, jobs),
            _row(screen, lambda width: screen.status(runner, width), "status"),
            ConditionalContainer(prompt, ~asking & ~listing),
            ConditionalContainer(_row(screen, screen.jobs.keys, "hint"), listing & ~asking),
            ConditionalContainer(question, asking),
            search.row,
            ConditionalContainer(entry.row(screen.columns, screen.glyphs.more), entering),
            ConditionalContainer(
                _row(screen, lambda width: screen.hint(buffer), "hint"),
                ~is_searching & ~entering,
            ),
        ],
        style=style,
    )

    floats = _floats(screen, buffer, prompt, rows)
    layout = Layout(FloatContainer(body, floats=floats), focused_element=prompt)
    return Regions(layout, prompt, question, entry.window, jobs)


def _floats(
    screen: ScreenState, buffer: Buffer, prompt: Window, rows: Callable[[], int]
) -> list[Float]:
    """Return the menu and the list of the history."""

    def below() -> int:
        """Return the rows of the status line, the prompt and the hint."""
        return 2 + (prompt.render_info.window_height if prompt.render_info else 1)

    def most() -> int:
        return min(rows() // 3, rows() - below())

    control = MenuControl(most, screen.columns, screen.glyphs.more, screen.output.advice)
    menu = MenuFloat(
        menu_window(buffer, control, most),
        prompt,
        height=lambda: menu_height(buffer, most()),
        below=below,
    )
    history = MenuFloat(
        _history_window(screen, most), None, lambda: min(most(), _history(screen)), below
    )
    return [menu, history]


def _history_window(screen: ScreenState, most: Callable[[], int]) -> ConditionalContainer:
    def drawn(width: int) -> list[Line]:
        mode = screen.entry_row.mode
        if not isinstance(mode, HistoryMode):
            return []
        return mode.rows(width, most(), screen.glyphs.more)

    window = Window(RowsControl(drawn, "history", screen.output.advice))
    return ConditionalContainer(window, Condition(lambda: _history(screen) > 0))


def _history(screen: ScreenState) -> int:
    """Return how many lines the list of the history has; 0 while it is closed."""
    mode = screen.entry_row.mode
    return mode.count if isinstance(mode, HistoryMode) else 0


def _panes(screen: ScreenState, runner: LineRunner[Echo], jobs: Window) -> VSplit:
    shown = Condition(lambda: screen.events_shown)
    zoomed = Condition(lambda: screen.is_zoomed)
    listing = Condition(lambda: screen.jobs.is_open)
    advice = screen.output.advice
    waiting = RowsControl(lambda width: screen.queue(runner, width), "queue", advice)
    queue = Window(waiting, dont_extend_height=True)
    output = HSplit([Window(Pane(lambda: screen.main_view, advice=advice)), queue])
    rule = Window(char=screen.glyphs.rule, width=1, style="class:rule")
    events = Window(
        Pane(lambda: screen.events.view, screen.title, advice),
        width=lambda: _events_width(screen),
    )
    return VSplit(
        [
            ConditionalContainer(output, ~zoomed & ~listing),
            ConditionalContainer(jobs, listing),
            ConditionalContainer(VSplit([_margin(), rule]), shown & ~zoomed),
            ConditionalContainer(VSplit([_margin(), events]), shown),
        ],
        # The panes take what the rows below leave free.
        height=Dimension(min=1, weight=1),
    )


def _margin() -> Window:
    return Window(width=1)


def _events_width(screen: ScreenState) -> Dimension:
    if screen.is_zoomed:
        return Dimension(weight=1)
    # One column is for the margin beside it.
    return Dimension.exact(screen.events_width - 1)


def _row(screen: ScreenState, line: Callable[[int], Line], role: str) -> Window:
    row = RowControl(line, screen.glyphs, role, screen.output.advice)
    return Window(row, height=1, dont_extend_height=True, style=f"class:{role}")


def _question_window(asking: Callable[[], Ask | None], keys: KeyBindings) -> Window:
    return Window(QuestionControl(asking, keys), height=Dimension(max=3), dont_extend_height=True)
