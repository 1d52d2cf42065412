"""Binds the keys of the live table."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, Filter
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from qmpsh.errors import SIGNALLED
from qmpsh.top.columns import BY_LETTER
from qmpsh.top.screen.actions import TopActions
from qmpsh.top.screen.state import DETAILS, EVENTS, FILTER, LINE, TopState
from qmpsh.ui.screen.tips import MOUSE_OFF_TIP

_SIGINT: Final = 2
CLICKS_TIP: Final = "mouse on: a click selects or sorts; hold Shift to select text"
_SLOWEST, _FASTEST = 60.0, 0.25
_MUCH: Final = 1 << 20
"""rows further than any table has"""


class TableScreen(Protocol):
    """What the keys act on: the live table."""

    state: TopState
    actions: TopActions
    app: Application[int]
    entry: str
    buffer: Buffer

    def leave(self, code: int) -> None:
        """End with this exit code."""

    def suspend(self) -> None:
        """Stop the process until it is continued."""

    def draw(self) -> None:
        """Draw a frame."""

    def set_seconds(self, seconds: float) -> None:
        """Look more or less often."""

    def begin_entry(self, what: str, text: str = "") -> None:
        """Let the user type in the last row."""

    def end_entry(self) -> None:
        """Stop typing."""


def bind_table(keys: KeyBindings, screen: TableScreen) -> None:
    """Bind the keys of the table, of the question and of the sheet."""
    state = screen.state
    typing = Condition(lambda: bool(screen.entry))
    asking = Condition(lambda: state.asking is not None)
    reading = Condition(lambda: state.sheet)
    free = ~typing & ~asking & ~reading
    _bind_question(keys, screen, asking & ~typing)
    _bind_sheet(keys, screen, reading & ~typing & ~asking)

    def bind(names: str, act: Callable[[], None], when: Filter = free) -> None:
        def handler(event: KeyPressEvent) -> None:
            state.message = ("", "")
            act()
            screen.draw()

        for name in names.split():
            keys.add(name, filter=when)(handler)

    _bind_moves(bind, screen)
    _bind_views(bind, screen)
    writing = free & Condition(lambda: not state.read_only)
    for name, act in (
        ("p", screen.actions.pause),
        ("P", screen.actions.power_down),
        ("X", screen.actions.reset),
    ):
        bind(name, act, writing)
    bind("enter", lambda: screen.actions.open_shell(screen.app))
    bind("!", lambda: screen.begin_entry(LINE))
    bind("/", lambda: screen.begin_entry(FILTER, state.order.filter.text))
    bind("q", lambda: screen.actions.leave(lambda: screen.leave(0)))
    bind("c-c", lambda: screen.leave(SIGNALLED + _SIGINT), ~typing)
    bind("c-d", lambda: screen.actions.leave(lambda: screen.leave(0)))
    bind("c-z", screen.suspend, ~typing)
    bind("c-l", lambda: screen.app.renderer.clear(), ~typing)
    bind("escape", lambda: _clear(screen))


Bind = Callable[[str, Callable[[], None]], None]


def _bind_moves(bind: Bind, screen: TableScreen) -> None:
    """Bind what selects and marks rows."""
    order = screen.state.order

    def move(rows: Callable[[], int]) -> Callable[[], None]:
        return lambda: order.move(rows(), time.monotonic())

    bind("down j c-n", move(lambda: 1))
    bind("up k c-p", move(lambda: -1))
    bind("pagedown c-f", move(lambda: screen.state.page))
    bind("pageup c-b", move(lambda: -screen.state.page))
    bind("home", move(lambda: -_MUCH))
    bind("end G", move(lambda: _MUCH))

    def mark() -> None:
        order.toggle_mark()
        order.move(1, time.monotonic())

    bind("space", mark)
    bind("*", order.mark_all)


def _bind_views(bind: Bind, screen: TableScreen) -> None:
    """Bind what changes the looks: the order, the pane below, the pace."""
    state, order = screen.state, screen.state.order
    for letter, column in BY_LETTER.items():
        bind(letter, lambda column=column: order.sort_by(column))  # type: ignore[misc]
    bind("R", order.turn_round)
    bind("<", lambda: order.sort_beside(-1, state.shown_columns))
    bind(">", lambda: order.sort_beside(1, state.shown_columns))

    def show(what: str) -> Callable[[], None]:
        def toggle() -> None:
            state.lower = "" if state.lower == what else what

        return toggle

    bind("e", show(EVENTS))
    bind("d", show(DETAILS))

    def freeze() -> None:
        state.is_frozen = not state.is_frozen

    bind("z", freeze)

    def pace(factor: float) -> Callable[[], None]:
        return lambda: screen.set_seconds(min(max(state.seconds * factor, _FASTEST), _SLOWEST))

    bind("+", pace(2.0))
    bind("-", pace(0.5))

    def mouse() -> None:
        state.has_mouse = not state.has_mouse
        state.say(CLICKS_TIP if state.has_mouse else MOUSE_OFF_TIP)

    bind("f8", mouse)

    def sheet() -> None:
        state.sheet = True

    bind("? f1", sheet)


def _clear(screen: TableScreen) -> None:
    """Give up what was chosen last: marks, else the filter, else the pane below."""
    state = screen.state
    if state.order.marked:
        state.order.marked = {}
    elif state.order.filter.text:
        state.order.filter = type(state.order.filter)()
    else:
        state.lower = ""


def _bind_question(keys: KeyBindings, screen: TableScreen, when: Filter) -> None:
    """Bind the answers: y is yes, whatever else is no."""

    def answer(event: KeyPressEvent) -> None:
        screen.actions.answer(yes=event.data in ("y", "Y"))
        screen.draw()

    keys.add(Keys.Any, filter=when)(answer)
    keys.add("enter", filter=when)(answer)
    keys.add("escape", filter=when)(answer)


def _bind_sheet(keys: KeyBindings, screen: TableScreen, when: Filter) -> None:
    """Bind what closes the sheet: any key."""

    def close(event: KeyPressEvent) -> None:
        screen.state.sheet = False
        screen.draw()

    for name in (Keys.Any, "enter", "escape", "f1"):
        keys.add(name, filter=when)(close)


def bind_entry(keys: KeyBindings, screen: TableScreen) -> None:
    """Bind what ends the line in the last row, besides Enter."""

    def give_up(event: KeyPressEvent) -> None:
        if screen.entry == FILTER:
            screen.buffer.text = ""
        screen.end_entry()

    keys.add("escape")(give_up)
    keys.add("c-c")(give_up)
